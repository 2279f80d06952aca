using System.Net;
using System.Net.Sockets;

namespace Reactor;

/// <summary>The addresses to dial from, each family's by turns. On the loop only.</summary>
/// <param name="all">All of them.</param>
internal sealed class SourceAddresses(IReadOnlyList<EndPoint> all)
{
    private readonly Dictionary<AddressFamily, Turns> _families = [];

    /// <summary>The next to dial a target of this family from; null when the system is to choose.</summary>
    internal EndPoint? Next(AddressFamily family) => all.Count == 0 ? null : Of(family).Next();

    /// <summary>How many there are for a target of this family.</summary>
    internal int Count(AddressFamily family) => all.Count == 0 ? 0 : Of(family).Count;

    private Turns Of(AddressFamily family)
    {
        if (_families.TryGetValue(family, out var turns)) return turns;
        var own = all.Where(address => address.AddressFamily == family).ToArray();

        // With one of another family the kernel says what it thinks of that.
        return _families[family] = new Turns(own.Length > 0 ? own : [all[0]]);
    }

    private sealed class Turns(EndPoint[] addresses)
    {
        private int _next;

        internal int Count => addresses.Length;

        internal EndPoint Next()
        {
            var address = addresses[_next];
            _next = (_next + 1) % addresses.Length;
            return address;
        }
    }
}
