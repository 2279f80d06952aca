using System.Net;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A peer that is gone without a word: from one moment on a firewall drops what goes to it and what it sends.</summary>
[TestFixture]
[Category("Namespaces")]
public sealed class VanishedPeerTests
{
    private NetworkNamespaces? _namespaces;

    [OneTimeSetUp]
    public void Build() => _namespaces = NetworkNamespaces.BuildOrSkip();

    [OneTimeTearDown]
    public void TearDown() => _namespaces?.Dispose();

    [Test]
    public Task Keep_alive_ends_an_idle_connection() => ExpectTimedOut(
        new ConnectOptions { KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(1), Interval = TimeSpan.FromSeconds(1), Count = 1 } },
        static _ => Task.CompletedTask);

    [Test]
    public Task The_user_timeout_ends_one_whose_bytes_are_not_acknowledged() => ExpectTimedOut(
        new ConnectOptions { UserTimeout = TimeSpan.FromSeconds(1) },
        static async connection => await connection.Output.WriteAsync("hello"u8.ToArray()).Within());

    [Test]
    public async Task Keep_alive_ends_an_accepted_connection_too()
    {
        await using var server = await NetworkNamespaces.Enter(TestLoop.Start(), NetworkNamespaces.ServerName);
        var ended = new TaskCompletionSource<(ConnectionException?, CloseReason)>(TaskCreationOptions.RunContinuationsAsynchronously);
        var options = new ListenOptions { KeepAlive = new KeepAliveOptions { Idle = TimeSpan.FromSeconds(1), Interval = TimeSpan.FromSeconds(1), Count = 1 } };
        await using var listener = await server.ListenAsync(new IPEndPoint(NetworkNamespaces.Server, 0), async connection =>
        {
            try
            {
                await connection.Input.ReadAsync();
                ended.SetResult((null, connection.CloseReason));
            }
            catch (ConnectionException exception)
            {
                ended.SetResult((exception, connection.CloseReason));
            }
        }, options).Within();
        using var peer = NetworkNamespaces.Inside(NetworkNamespaces.ClientName, () => RawPeer.Dial(listener.LocalEndPoint));
        await Until.True(() => server.Counters.Connections == 1);

        NetworkNamespaces.DropFromNowOn(((IPEndPoint)listener.LocalEndPoint).Port);

        var (error, reason) = await ended.Task.Within();
        Assert.That((error?.Errno, reason), Is.EqualTo(((Errno?)Errno.ETIMEDOUT, CloseReason.Failed)));
        await Until.True(() => server.Counters.Connections == 0);
    }

    [Test]
    public async Task Without_either_nobody_notices()
    {
        await using var loop = await ClientLoop(new ConnectOptions());
        using var listener = ServerListener();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        NetworkNamespaces.DropFromNowOn(listener.Port);

        await loop.After(TimeSpan.FromSeconds(3));

        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.None), "An idle connection sends nothing that could be missed.");
        connection.Abort();
    }

    private static async Task ExpectTimedOut(ConnectOptions options, Func<Connection, Task> afterwards)
    {
        await using var loop = await ClientLoop(options);
        using var listener = ServerListener();
        await using var connection = await loop.ConnectAsync(listener.LocalEndPoint).Within();
        using var peer = listener.Accept();
        NetworkNamespaces.DropFromNowOn(listener.Port);
        var reading = connection.Input.ReadAsync().AsTask();

        await afterwards(connection);

        var error = await Assert.CatchAsync<ConnectionException>(async () => await reading.Within());
        Assert.That(error!.Errno, Is.EqualTo(Errno.ETIMEDOUT));
        Assert.That(error.Message, Does.Contain("ETIMEDOUT").And.Contain($"{listener.LocalEndPoint}"));
        await Until.Canceled(connection.Closed);
        Assert.That(connection.CloseReason, Is.EqualTo(CloseReason.Failed));
        Assert.That(loop.Counters.Connections, Is.Zero);
    }

    private static async Task<EventLoop> ClientLoop(ConnectOptions options) => await NetworkNamespaces.Enter(TestLoop.Start(connect: options), NetworkNamespaces.ClientName);

    private static RawListener ServerListener() =>
        NetworkNamespaces.Inside(NetworkNamespaces.ServerName, static () => RawListener.Start(new IPEndPoint(NetworkNamespaces.Server, 0)));
}
