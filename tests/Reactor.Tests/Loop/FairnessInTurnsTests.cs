using System.Globalization;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What one that floods may take, and when a quiet one is served: counted in turns of the loop, whatever a turn takes on this machine.</summary>
[TestFixture]
public sealed class FairnessInTurnsTests
{
    private const int Quiet = 1_000;
    private const int Requests = 10;

    // A budget is looked at before a receive, so the last one may go beyond it by a buffer.
    private const int MostInATurn = (256 * 1024) + (64 * 1024);

    [Test]
    public async Task One_flooding_connection_has_a_budget_a_turn_and_a_thousand_quiet_ones_are_answered_in_the_turn_of_their_event()
    {
        KqueueLibrary.RequireRoomForThousands();
        DescriptorLimit.NeedOrSkip((2 * Quiet) + 500);
        var kernel = new ScriptedKernel();
        var turns = new Turns(kernel);
        await using var server = TestLoop.Start(kernel);
        await using var client = TestLoop.Start();
        await using var floodListener = await server.ListenAsync(
            Loopback.AnyPort,
            connection =>
            {
                turns.FloodDescriptor = connection.Descriptor;
                return Handlers.Discard(connection);
            }).Within();
        await using var listener = await server.ListenAsync(Loopback.AnyPort, Handlers.Echo).Within();
        var dialling = Enumerable.Range(0, Quiet).Select(_ => client.ConnectAsync(listener.LocalEndPoint).AsTask()).ToArray();
        var connections = await Task.WhenAll(dialling).Within();
        await Until.True(() => listener.Active == Quiet);
        using var flooding = RawPeer.Dial(floodListener.LocalEndPoint);
        var stop = false;
        var flood = Task.Factory.StartNew(
            () =>
            {
                var block = new byte[1024 * 1024];
                while (!Volatile.Read(ref stop))
                    flooding.Send(block);
            },
            TaskCreationOptions.LongRunning);
        await Until.True(() => server.Counters.BytesReceived > 10_000_000);

        await server.InvokeAsync(turns.Begin).Within();
        await client.InvokeAsync(() => Task.WhenAll(connections.Select(static async connection =>
        {
            for (var i = 0; i < Requests; i++)
            {
                await connection.Output.WriteAsync("hello"u8.ToArray());
                var read = await connection.Input.ReadAtLeastAsync(5);
                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }))).Within();
        await server.InvokeAsync(turns.End).Within();

        Volatile.Write(ref stop, value: true);
        await flood.Within();
        await client.InvokeAsync(() => Task.WhenAll(connections.Select(static connection => connection.CloseAsync().AsTask()))).Within();
        var share = 100.0 * turns.FloodedTurns / turns.Count;
        TestContext.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{turns.Count} turns: {turns.Answered} requests answered, {turns.Flooded / 1_000_000} MB of flood in {share:f0} % of them, {turns.MostFlooded / 1024} KiB at most in one"));
        Assert.That(turns.Late, Is.Zero, "Requests that were not answered in the turn of their event.");
        Assert.That(turns.Answered, Is.EqualTo(Quiet * Requests));
        Assert.That(turns.Flooded, Is.GreaterThan(0), "The test's own premise.");
        Assert.That(turns.MostFlooded, Is.LessThanOrEqualTo(MostInATurn));
    }

    /// <summary>What happens between one wait of the loop and the next. On the loop only.</summary>
    private sealed class Turns
    {
        private readonly ScriptedKernel _kernel;
        private readonly Dictionary<Token, int> _descriptors = [];
        private readonly HashSet<int> _asked = [];
        private long _floodedNow;
        private bool _counts;

        public Turns(ScriptedKernel kernel)
        {
            _kernel = kernel;
            kernel.OnAdd = (descriptor, token) =>
            {
                _descriptors[token] = descriptor;
                return kernel.RealPoller!.Add(descriptor, token);
            };
            kernel.OnReceive = Receive;
            kernel.OnSend = Send;
            kernel.OnWait = Wait;
        }

        public int FloodDescriptor { get; set; } = -1;

        public int Count { get; private set; }

        public int Answered { get; private set; }

        public int Late { get; private set; }

        public long Flooded { get; private set; }

        public int FloodedTurns { get; private set; }

        public long MostFlooded { get; private set; }

        public void Begin() => _counts = true;

        public void End() => _counts = false;

        private int Receive(int descriptor, Span<byte> buffer)
        {
            var count = _kernel.Real.Receive(descriptor, buffer);
            if (descriptor == FloodDescriptor && count > 0)
                _floodedNow += count;
            return count;
        }

        private int Send(int descriptor, ReadOnlySpan<byte> data)
        {
            if (_counts && _asked.Remove(descriptor))
                Answered++;
            return _kernel.Real.Send(descriptor, data);
        }

        private int Wait(Span<PollEvent> events, int timeoutMs)
        {
            if (_counts)
            {
                Count++;
                Late += _asked.Count;
                Flooded += _floodedNow;
                FloodedTurns += _floodedNow > 0 ? 1 : 0;
                MostFlooded = Math.Max(MostFlooded, _floodedNow);
            }

            _asked.Clear();
            _floodedNow = 0;
            var count = _kernel.RealPoller!.Wait(events, timeoutMs);
            foreach (var told in events[..Math.Max(count, 0)])
            {
                if ((told.Readiness & Readiness.Readable) != 0 && _descriptors[told.Token] is var descriptor && descriptor != FloodDescriptor)
                    _asked.Add(descriptor);
            }

            return count;
        }
    }
}
