using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>Unix-domain sockets: who may connect, who did, and the names that there are.</summary>
[TestFixture]
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
[SupportedOSPlatform("linux")]
public sealed partial class UnixDomainTests : IDisposable
{
    private const UnixFileMode OnlyUs = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Everybody = OnlyUs | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite;
    private const int Nobody = 65534;

    private readonly ScratchDirectory _directory = new();

    private string Path => _directory.File("s");

    private UnixDomainSocketEndPoint EndPoint => new(Path);

    public void Dispose() => _directory.Dispose();

    [TestCase(OnlyUs)]
    [TestCase(Everybody)]
    [TestCase(UnixFileMode.None)]
    public async Task The_file_has_the_mode_that_was_asked_for(UnixFileMode mode)
    {
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileMode = mode }).Within();

        Assert.That(File.GetUnixFileMode(Path), Is.EqualTo(mode));
    }

    [TestCase("tcp")]
    [TestCase("abstract")]
    public async Task What_has_no_file_has_no_mode_or_owner_either(string which)
    {
        await using var loop = TestLoop.Start();
        System.Net.EndPoint endPoint = which is "tcp" ? Loopback.AnyPort : new UnixDomainSocketEndPoint($"\0reactor-{Environment.ProcessId}");

        Assert.Throws<ArgumentException>(() => _ = loop.ListenAsync(endPoint, Handlers.Echo, new ListenOptions { FileMode = UnixFileMode.UserRead }));
        Assert.Throws<ArgumentException>(() => _ = loop.ListenAsync(endPoint, Handlers.Echo, new ListenOptions { FileOwner = 0 }));
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new ListenOptions { FileGroup = -1 });
    }

    [Test]
    public async Task The_file_has_the_mode_before_anybody_can_connect()
    {
        var kernel = new ScriptedKernel();
        UnixFileMode? atListen = null;
        kernel.OnListen = (descriptor, backlog) =>
        {
            atListen = File.GetUnixFileMode(Path);
            return kernel.Real.Listen(descriptor, backlog);
        };
        await using var loop = TestLoop.Start(kernel);

        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileMode = OnlyUs }).Within();

        Assert.That(atListen, Is.EqualTo(OnlyUs));
    }

    [TestCase(4321, 1234)]
    [TestCase(4321, null)]
    [TestCase(null, 1234)]
    public async Task The_file_has_the_owner_and_the_group_that_were_asked_for(int? owner, int? group)
    {
        NeedRootOrSkip();
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileOwner = owner, FileGroup = group }).Within();

        Assert.That(OwnerOf(Path), Is.EqualTo((owner ?? 0, group ?? 0)));
        using var peer = RawPeer.Dial(EndPoint);
        peer.Send("x");
        Assert.That(peer.ReadText(1), Is.EqualTo("x"));
    }

    [Test]
    public async Task A_client_without_write_permission_is_refused_with_EACCES_and_with_it_is_served()
    {
        NeedRootOrSkip();
        File.SetUnixFileMode(System.IO.Path.GetDirectoryName(Path)!, Everybody | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        await using var loop = TestLoop.Start();
        await using (await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileMode = OnlyUs }).Within())
            Assert.That(await ConnectAs(Nobody), Is.EqualTo(-(int)Errno.EACCES));

        await using (await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileMode = Everybody }).Within())
            Assert.That(await ConnectAs(Nobody), Is.Zero);

        await using (await loop.ListenAsync(EndPoint, Handlers.Echo, new ListenOptions { FileMode = OnlyUs, FileOwner = Nobody }).Within())
            Assert.That(await ConnectAs(Nobody), Is.Zero);
    }

    [TestCase(KernelCall.SetMode, "chmod")]
    [TestCase(KernelCall.SetOwner, "chown")]
    public async Task When_the_file_cannot_be_protected_nobody_gets_to_connect(KernelCall call, string syscall)
    {
        var kernel = new FaultyKernel();
        kernel.Inject(new Fault { Call = call, Errno = Errno.EPERM });
        await using var loop = TestLoop.Start(kernel);
        var sockets = Descriptors.Sockets();
        var options = new ListenOptions { FileMode = OnlyUs, FileGroup = 0 };

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(EndPoint, Handlers.Echo, options).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo((syscall, Errno.EPERM)));
        Assert.That(error.Message, Does.Contain(syscall).And.Contain("EPERM").And.Contain(Path));
        Assert.That(File.Exists(Path), Is.False);
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));
        Assert.That(kernel.CallsOf(KernelCall.Listen), Is.Zero);

        // The fault has passed, and nothing is in the way.
        await using var listener = await loop.ListenAsync(EndPoint, Handlers.Echo, options).Within();
    }

    [Test]
    public async Task Both_ends_know_who_the_other_is()
    {
        await using var loop = TestLoop.Start();
        var atServer = new TaskCompletionSource<PeerCredentials>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(EndPoint, async connection =>
        {
            atServer.SetResult(await connection.GetPeerCredentialsAsync());
            await Handlers.Echo(connection);
        }).Within();
        await using var connection = await loop.ConnectAsync(EndPoint).Within();
        var us = new PeerCredentials(Environment.ProcessId, (int)geteuid(), (int)getegid());

        Assert.That(await atServer.Task.Within(), Is.EqualTo(us));
        Assert.That(await connection.GetPeerCredentialsAsync().Within(), Is.EqualTo(us));
        Assert.That(await loop.InvokeAsync(() => connection.GetPeerCredentialsAsync().AsTask()).Within(), Is.EqualTo(us));

        await connection.CloseAsync().Within();
        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await connection.GetPeerCredentialsAsync().Within());
    }

    [Test]
    public async Task Over_TCP_nobody_vouches_for_the_peer()
    {
        await using var wire = await Wire.Dial();

        await Assert.ThrowsAsync<NotSupportedException>(async () => await wire.Connection.GetPeerCredentialsAsync().Within());
    }

    [Test]
    public async Task Credentials_that_the_system_refuses_are_a_KernelException()
    {
        var kernel = new FaultyKernel();
        kernel.Inject(new Fault { Call = KernelCall.PeerCredentials, Errno = Errno.ENOPROTOOPT });
        await using var wire = await Wire.Dial(kernel, at: EndPoint);

        var error = await Assert.ThrowsAsync<KernelException>(async () => await wire.Connection.GetPeerCredentialsAsync().Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo(("getsockopt(SO_PEERCRED)", Errno.ENOPROTOOPT)));
    }

    [Test]
    public void A_path_that_is_too_long_is_no_end_point() =>
        Assert.Throws<ArgumentOutOfRangeException>(static () => _ = new UnixDomainSocketEndPoint("/".PadRight(108, 'x')));

    [Test]
    public async Task Dialling_a_file_that_is_no_socket_is_refused_and_one_that_is_not_there_does_not_exist()
    {
        await File.WriteAllTextAsync(Path, "no socket");
        await using var loop = TestLoop.Start();

        var noSocket = await loop.TryConnectAsync(EndPoint).Within();
        var nothing = await loop.TryConnectAsync(new UnixDomainSocketEndPoint(_directory.File("nothing"))).Within();

        Assert.That((noSocket.Outcome, noSocket.Errno), Is.EqualTo((ConnectOutcome.Refused, Errno.ECONNREFUSED)));
        Assert.That(nothing.Errno, Is.EqualTo(Errno.ENOENT));
        Assert.That(await File.ReadAllTextAsync(Path), Is.EqualTo("no socket"));
    }

    [Test]
    public async Task An_abstract_name_knows_its_two_ends_and_may_hold_any_byte()
    {
        var name = new UnixDomainSocketEndPoint($"\0reactor-test/\u00e9/{Environment.ProcessId}");
        await using var loop = TestLoop.Start();
        await using var listener = await loop.ListenAsync(name, Handlers.Echo).Within();
        await using var connection = await loop.ConnectAsync(name).Within();

        Assert.That((listener.LocalEndPoint, connection.RemoteEndPoint), Is.EqualTo((name, name)));
        await connection.Output.WriteAsync("x"u8.ToArray()).Within();
        Assert.That((await connection.Input.ReadAtLeastAsync(1).Within()).Buffer.Length, Is.EqualTo(1));
        connection.Input.Complete();

        var taken = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(name, Handlers.Echo).Within());
        Assert.That(taken!.Errno, Is.EqualTo(Errno.EADDRINUSE));
    }

    [Test]
    public async Task Autobind_finds_a_free_abstract_name_and_tells_it()
    {
        await using var loop = TestLoop.Start();
        await using var first = await loop.ListenAsync(UnixAutobindEndPoint.Instance, Handlers.Echo).Within();
        await using var second = await loop.ListenAsync(UnixAutobindEndPoint.Instance, Handlers.Uppercase).Within();

        // Five hexadecimal digits behind the NUL (unix(7)).
        Assert.That(first.LocalEndPoint.Serialize().Size, Is.EqualTo(8));
        Assert.That(first.LocalEndPoint, Is.Not.EqualTo(second.LocalEndPoint));
        await using var connection = await loop.ConnectAsync(second.LocalEndPoint).Within();
        await connection.Output.WriteAsync("x"u8.ToArray()).Within();
        var read = await connection.Input.ReadAsync().Within();
        Assert.That(System.Buffers.BuffersExtensions.ToArray(read.Buffer), Is.EqualTo("X"u8.ToArray()));
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    [Test]
    public async Task Buffer_sizes_are_set_and_what_is_TCP_s_alone_is_not()
    {
        await using var loop = TestLoop.Start(connect: new ConnectOptions { SendBufferSize = 20_000, ReceiveBufferSize = 30_000, KeepAlive = new KeepAliveOptions(), TypeOfService = 8, DontRoute = true });
        var descriptors = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = await loop.ListenAsync(
            EndPoint,
            async connection =>
            {
                descriptors.SetResult(connection.Descriptor);
                await connection.Input.ReadAsync();
            },
            new ListenOptions { SendBufferSize = 40_000, OutOfBandInline = true, DeferAccept = null }).Within();
        await using var connection = await loop.ConnectAsync(EndPoint).Within();
        using var dialled = new Socket(new SafeSocketHandle(await loop.InvokeAsync(() => connection.Descriptor).Within(), ownsHandle: false));

        // Linux doubles what is asked for (socket(7)).
        Assert.That((dialled.SendBufferSize, dialled.ReceiveBufferSize), Is.EqualTo((40_000, 60_000)));
        await descriptors.Task.Within();
    }

    private static UnixDomainSocketEndPoint Abstract(string name) =>
        new(string.Create(CultureInfo.InvariantCulture, $"\0reactor-test-{name}-{Environment.ProcessId}"));

    private static void NeedRootOrSkip()
    {
        if (geteuid() != 0)
            Assert.Ignore("Needs root.");
    }

    private static (int Owner, int Group) OwnerOf(string path)
    {
        using var stat = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%u %g", path]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        var words = stat.StandardOutput.ReadToEnd().Split(' ');
        stat.WaitForExit();
        return (int.Parse(words[0], CultureInfo.InvariantCulture), int.Parse(words[1], CultureInfo.InvariantCulture));
    }

    /// <summary>What connect(2) answers to a thread of another user; to the file system alone, and on that thread alone, it is that user.</summary>
    private async Task<int> ConnectAs(int user)
    {
        var answer = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            _ = setfsuid((uint)user);
            var descriptor = Kernel.System.Socket(AddressFamily.Unix);
            answer.SetResult(Kernel.System.Connect(descriptor, EndPoint.Serialize()));
            Kernel.System.Close(descriptor);
        });
        thread.Start();
        return await answer.Task.Within();
    }

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc")]
    private static partial uint getegid();

    [LibraryImport("libc")]
    private static partial int setfsuid(uint user);
}
