using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>The file of a Unix-domain listener.</summary>
[TestFixture]
public sealed class UnixSocketFileTests
{
    private ScratchDirectory _directory = null!;
    private string _path = null!;

    private UnixDomainSocketEndPoint EndPoint => new(_path);

    [SetUp]
    public void Make_a_directory()
    {
        _directory = new ScratchDirectory();
        _path = _directory.File("s");
    }

    [TearDown]
    public void Remove_the_directory() => _directory.Dispose();

    [Test]
    public async Task It_is_there_while_listening_and_gone_at_the_end()
    {
        await using var loop = TestLoop.Start();
        await using (await loop.ListenAsync(EndPoint, Handlers.Echo).Within())
        {
            using var peer = RawPeer.Dial(EndPoint);
            peer.Send("x");
            Assert.That(peer.ReadText(1), Is.EqualTo("x"));
            Assert.That(File.Exists(_path), Is.True);
        }

        Assert.That(File.Exists(_path), Is.False);
    }

    [Test]
    public async Task It_is_gone_when_the_loop_ends()
    {
        await using (var loop = TestLoop.Start())
        {
            await loop.ListenAsync(EndPoint, Handlers.Echo).Within();
            Assert.That(File.Exists(_path), Is.True);
        }

        Assert.That(File.Exists(_path), Is.False);
    }

    [Test]
    public async Task A_stale_one_is_replaced()
    {
        using (var dead = RawPeer.NewSocket(EndPoint))
        {
            // A raw bind, closed without unlinking: what a killed server leaves behind.
            Assert.That(Kernel.System.Bind((int)dead.Handle, EndPoint.Serialize()), Is.Zero);
        }

        Assert.That(File.Exists(_path), Is.True, "The test's own premise.");
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo).Within();

        using var peer = RawPeer.Dial(EndPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    [Test]
    public async Task One_that_somebody_answers_on_is_left_alone()
    {
        using var alive = RawListener.Start(EndPoint);
        await using var loop = TestLoop.Start();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(EndPoint, Handlers.Echo).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("bind", Errno.EADDRINUSE)));
        Assert.That(error.Message, Does.Contain(_path));
        using var peer = RawPeer.Dial(EndPoint);
    }

    [Test]
    public async Task One_whose_listener_is_alive_and_full_is_left_alone()
    {
        using var alive = RawListener.Start(EndPoint, backlog: 0);
        using var filling = RawPeer.Dial(EndPoint);
        await using var loop = TestLoop.Start();

        await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(EndPoint, Handlers.Echo).Within());

        Assert.That(File.Exists(_path), Is.True);
    }

    [Test]
    public async Task A_file_that_is_no_socket_is_left_alone()
    {
        await File.WriteAllTextAsync(_path, "precious");
        await using var loop = TestLoop.Start();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(EndPoint, Handlers.Echo).Within());

        Assert.That(error!.Errno, Is.EqualTo(Errno.EADDRINUSE));
        Assert.That(await File.ReadAllTextAsync(_path), Is.EqualTo("precious"));
    }

    [Test]
    public async Task A_directory_that_is_not_there_is_ENOENT()
    {
        await using var loop = TestLoop.Start();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(new UnixDomainSocketEndPoint(_directory.File("no/such")), Handlers.Echo).Within());

        Assert.That(error!.Errno, Is.EqualTo(Errno.ENOENT));
    }

    [Test]
    public async Task The_longest_path_that_the_system_knows_works()
    {
        // sun_path has room for 108 bytes with its end mark (unix(7)).
        _path = _directory.File("p").PadRight(107, 'p');
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo).Within();

        await using var connection = await loop.ConnectAsync(EndPoint).Within();

        Assert.That(listener.LocalEndPoint.ToString(), Is.EqualTo(_path));
        Assert.That(connection.RemoteEndPoint?.ToString(), Is.EqualTo(_path));
        await listener.DisposeAsync();
        Assert.That(File.Exists(_path), Is.False);
    }

    [TestCase(KernelCall.Listen)]
    [TestCase(KernelCall.Add)]
    public async Task It_is_gone_when_a_call_after_bind_fails(object call)
    {
        var kernel = new ScriptedKernel();
        if ((KernelCall)call == KernelCall.Listen)
            kernel.OnListen = static (_, _) => -(int)Errno.ENOBUFS;
        else
            kernel.OnAdd = static (_, _) => -(int)Errno.ENOSPC;
        await using var loop = TestLoop.Start(kernel);

        await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(EndPoint, Handlers.Echo).Within());

        Assert.That(File.Exists(_path), Is.False);
    }

    [Test]
    public async Task An_abstract_name_has_no_file_and_is_free_again_at_the_end()
    {
        var name = new UnixDomainSocketEndPoint($"\0reactor-test-{Environment.ProcessId}");
        await using var loop = TestLoop.Start();
        for (var i = 0; i < 2; i++)
        {
            await using var listener = await loop.ListenAsync(name, Handlers.Echo).Within();
            using var peer = RawPeer.Dial(name);
            peer.Send("x");
            Assert.That(peer.ReadText(1), Is.EqualTo("x"));
        }
    }
}
