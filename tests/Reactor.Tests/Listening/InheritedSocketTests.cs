using System.Globalization;
using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>A listening socket that somebody else opened: socket activation.</summary>
[TestFixture]
public sealed class InheritedSocketTests
{
    private static readonly string _me = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);

    [Test]
    public async Task It_is_served_with_the_options_that_connections_inherit_and_closed_with_its_listener()
    {
        await using var loop = TestLoop.Start();
        var descriptor = Inherited.Listening(Loopback.AnyPort);
        await using var listener = await loop.ListenAsync(descriptor, Handlers.Echo).Within();

        using var peer = RawPeer.Dial(listener.LocalEndPoint);
        peer.Send("hello");
        Assert.That(peer.ReadText(5), Is.EqualTo("hello"));

        await listener.DisposeAsync().AsTask().Within();
        Assert.That(Kernel.System.Close(descriptor), Is.EqualTo(-(int)Errno.EBADF));
    }

    [Test]
    public async Task It_comes_blocking_and_does_not_stay_so()
    {
        await using var loop = TestLoop.Start();
        var descriptor = Inherited.Listening(Loopback.AnyPort);
        Assert.That(Inherited.IsBlocking(descriptor), Is.True);
        await using var listener = await loop.ListenAsync(descriptor, Handlers.Echo).Within();

        Assert.That(Inherited.IsBlocking(descriptor), Is.False);
    }

    [Test]
    public async Task The_file_of_a_Unix_domain_socket_is_left_to_its_owner()
    {
        using var scratch = new ScratchDirectory();
        var path = scratch.File("activated");
        await using var loop = TestLoop.Start();
        var listener = await loop.ListenAsync(Inherited.Listening(new UnixDomainSocketEndPoint(path)), Handlers.Echo).Within();
        using (var peer = RawPeer.Dial(listener.LocalEndPoint))
        {
            peer.Send("hello");
            Assert.That(peer.ReadText(5), Is.EqualTo("hello"));
        }

        await listener.DisposeAsync().AsTask().Within();
        Assert.That(File.Exists(path), Is.True);
    }

    [Test]
    public async Task What_does_not_listen_or_is_no_socket_is_refused_and_stays_open()
    {
        await using var loop = TestLoop.Start();
        using var idle = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using var file = File.OpenHandle("/dev/null");

        await Expect((int)idle.Handle, Errno.EINVAL);
        await Expect((int)file.DangerousGetHandle(), Errno.ENOTSOCK);
        await Expect(int.MaxValue, Errno.EBADF);
        Assert.That(idle.Blocking, Is.True);
        Assert.That(() => idle.Bind(Loopback.AnyPort), Throws.Nothing);

        async Task Expect(int descriptor, Errno errno)
        {
            var error = (await Assert.ThrowsAsync<ListenException>(() => loop.ListenAsync(descriptor, Handlers.Echo).Within()))!;
            Assert.That((error.Syscall, error.Errno), Is.EqualTo((string.Create(CultureInfo.InvariantCulture, $"fcntl of descriptor {descriptor}"), errno)));
        }
    }

    [Test]
    public void Those_of_this_process_begin_behind_the_standard_streams() =>
        Assert.That(InheritedSockets.Parse(_me, "2"), Is.EqualTo((int[])[3, 4]));

    [TestCase("1", "2", Description = "Meant for the parent.")]
    [TestCase(null, "2")]
    [TestCase("me", "2")]
    public void Those_of_another_process_are_not_ours(string? pid, string fds) => Assert.That(InheritedSockets.Parse(pid, fds), Is.Empty);

    [TestCase(null)]
    [TestCase("")]
    [TestCase("-1")]
    [TestCase("many")]
    [TestCase("0")]
    public void Without_a_number_there_are_none(string? fds) => Assert.That(InheritedSockets.Parse(_me, fds), Is.Empty);
}
