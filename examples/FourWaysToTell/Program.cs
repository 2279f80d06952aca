// Shows the ways to tell how a non-blocking connect ended, side by side, and why SO_ERROR is the one to ask: each way is
// asked twice, on a socket of its own, in six situations that loopback alone can make. Prints the table of docs/connecting.md.
using Reactor.Examples;

using var situations = new Situations();
(string Name, Func<int, string> Ask)[] ways =
[
    ("`SO_ERROR`", Ways.SocketError),
    ("`getpeername`, then `read` 1", Ways.PeerThenRead),
    ("`recv` of 0", Ways.ReceiveNothing),
    ("`read` of 0", Ways.ReadNothing),
    ("`connect` again", Ways.ConnectTo(situations.Address)),
];

Print(["", "the poller says", .. ways.Select(static way => way.Name)]);
Print(["---", "---", .. ways.Select(static _ => "---")]);
Show("under way", situations.UnderWay);
Show("connected", situations.Connected);
Show("connected, a byte came", situations.ConnectedWithByte);
Show("connected, a byte and the end came", situations.ConnectedWithByteAndEnd);
Show("refused", situations.Refused);
Show("connected and reset at once", situations.Reset);

void Show(string name, Func<Dial> dialAgain)
{
    var cells = new List<string> { name };
    foreach (var (_, ask) in ways)
    {
        // Asking changes the socket, so that each way has a new one.
        using var dial = dialAgain();
        if (cells.Count == 1) cells.Add(dial.Events);
        var (first, second) = (ask(dial.Descriptor), ask(dial.Descriptor));
        cells.Add(string.Equals(first, second, StringComparison.Ordinal) ? first : $"{first}, then {second}");
    }

    Print(cells);
}

static void Print(IEnumerable<string> cells) => Console.WriteLine($"| {string.Join(" | ", cells)} |");
