using System.Net.Sockets;
using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>bind(2) has made the file of a Unix-domain socket, and then listening fails.</summary>
[TestFixture]
public sealed class FailedUnixListenTests
{
    private ScratchDirectory _directory = null!;
    private UnixDomainSocketEndPoint _endPoint = null!;

    [SetUp]
    public void Make_a_directory()
    {
        _directory = new ScratchDirectory();
        _endPoint = new UnixDomainSocketEndPoint(_directory.File("s"));
    }

    [TearDown]
    public void Remove_the_directory() => _directory.Dispose();

    [TestCase("listen", Errno.EADDRINUSE)]
    [TestCase("the poller's", Errno.ENOSPC)]
    public async Task The_file_is_removed_and_the_address_is_free(string syscall, Errno errno)
    {
        var wasThere = false;
        var answer = -(int)errno;
        var kernel = new ScriptedKernel();

        int Refuse()
        {
            wasThere = File.Exists(_endPoint.ToString());
            return answer;
        }

        if (string.Equals(syscall, "listen", StringComparison.Ordinal))
            kernel.OnListen = (_, _) => Refuse();
        else
            kernel.OnAdd = (_, _) => Refuse();
        await using var loop = TestLoop.Start(kernel);
        var sockets = Descriptors.Sockets();

        var error = await Assert.ThrowsAsync<ListenException>(async () => await loop.ListenAsync(_endPoint, Handlers.Echo).Within());

        Assert.That((error!.Syscall, error.Errno), Is.EqualTo((string.Equals(syscall, "listen", StringComparison.Ordinal) ? syscall : KqueueLibrary.AddSyscall, errno)));
        Assert.That(wasThere, Is.True, "The test's own premise.");
        Assert.That(File.Exists(_endPoint.ToString()), Is.False);
        Assert.That(Descriptors.Sockets(), Is.EqualTo(sockets));

        kernel.OnListen = null;
        kernel.OnAdd = null;
        await using var listener = await loop.ListenAsync(_endPoint, Handlers.Echo).Within();
        Assert.That(kernel.Count(KernelCall.Unlink), Is.EqualTo(1), "Nothing stale was in the way.");
    }
}
