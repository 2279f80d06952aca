namespace Reactor.Tests;

[TestFixture]
public sealed class ErrnoTests
{
    // What connect, accept, bind, listen, recv, send, shutdown, socket, getsockopt, setsockopt, epoll_ctl and epoll_wait
    // can give by their man pages, with the numbers of asm-generic/errno.h.
    [TestCase(Errno.EPERM, 1, "EPERM", "Operation not permitted")]
    [TestCase(Errno.ENOENT, 2, "ENOENT", "No such file or directory")]
    [TestCase(Errno.EINTR, 4, "EINTR", "Interrupted system call")]
    [TestCase(Errno.EBADF, 9, "EBADF", "Bad file descriptor")]
    [TestCase(Errno.EAGAIN, 11, "EAGAIN", "Resource temporarily unavailable")]
    [TestCase(Errno.ENOMEM, 12, "ENOMEM", "Cannot allocate memory")]
    [TestCase(Errno.EACCES, 13, "EACCES", "Permission denied")]
    [TestCase(Errno.EFAULT, 14, "EFAULT", "Bad address")]
    [TestCase(Errno.EEXIST, 17, "EEXIST", "File exists")]
    [TestCase(Errno.ENOTDIR, 20, "ENOTDIR", "Not a directory")]
    [TestCase(Errno.EINVAL, 22, "EINVAL", "Invalid argument")]
    [TestCase(Errno.ENFILE, 23, "ENFILE", "Too many open files in system")]
    [TestCase(Errno.EMFILE, 24, "EMFILE", "Too many open files")]
    [TestCase(Errno.ENOSPC, 28, "ENOSPC", "No space left on device")]
    [TestCase(Errno.EROFS, 30, "EROFS", "Read-only file system")]
    [TestCase(Errno.EPIPE, 32, "EPIPE", "Broken pipe")]
    [TestCase(Errno.ENAMETOOLONG, 36, "ENAMETOOLONG", "File name too long")]
    [TestCase(Errno.ELOOP, 40, "ELOOP", "Too many levels of symbolic links")]
    [TestCase(Errno.ENONET, 64, "ENONET", "Machine is not on the network")]
    [TestCase(Errno.EPROTO, 71, "EPROTO", "Protocol error")]
    [TestCase(Errno.ENOTSOCK, 88, "ENOTSOCK", "Socket operation on non-socket")]
    [TestCase(Errno.EMSGSIZE, 90, "EMSGSIZE", "Message too long")]
    [TestCase(Errno.EPROTOTYPE, 91, "EPROTOTYPE", "Protocol wrong type for socket")]
    [TestCase(Errno.ENOPROTOOPT, 92, "ENOPROTOOPT", "Protocol not available")]
    [TestCase(Errno.EPROTONOSUPPORT, 93, "EPROTONOSUPPORT", "Protocol not supported")]
    [TestCase(Errno.EOPNOTSUPP, 95, "EOPNOTSUPP", "Operation not supported")]
    [TestCase(Errno.EAFNOSUPPORT, 97, "EAFNOSUPPORT", "Address family not supported by protocol")]
    [TestCase(Errno.EADDRINUSE, 98, "EADDRINUSE", "Address already in use")]
    [TestCase(Errno.EADDRNOTAVAIL, 99, "EADDRNOTAVAIL", "Cannot assign requested address")]
    [TestCase(Errno.ENETDOWN, 100, "ENETDOWN", "Network is down")]
    [TestCase(Errno.ENETUNREACH, 101, "ENETUNREACH", "Network is unreachable")]
    [TestCase(Errno.ECONNABORTED, 103, "ECONNABORTED", "Software caused connection abort")]
    [TestCase(Errno.ECONNRESET, 104, "ECONNRESET", "Connection reset by peer")]
    [TestCase(Errno.ENOBUFS, 105, "ENOBUFS", "No buffer space available")]
    [TestCase(Errno.EISCONN, 106, "EISCONN", "Transport endpoint is already connected")]
    [TestCase(Errno.ENOTCONN, 107, "ENOTCONN", "Transport endpoint is not connected")]
    [TestCase(Errno.ETIMEDOUT, 110, "ETIMEDOUT", "Connection timed out")]
    [TestCase(Errno.ECONNREFUSED, 111, "ECONNREFUSED", "Connection refused")]
    [TestCase(Errno.EHOSTDOWN, 112, "EHOSTDOWN", "Host is down")]
    [TestCase(Errno.EHOSTUNREACH, 113, "EHOSTUNREACH", "No route to host")]
    [TestCase(Errno.EALREADY, 114, "EALREADY", "Operation already in progress")]
    [TestCase(Errno.EINPROGRESS, 115, "EINPROGRESS", "Operation now in progress")]
    public void An_errno_has_the_system_s_number_name_and_text(Errno errno, int number, string name, string text)
    {
        Assert.That((int)errno, Is.EqualTo(number));
        Assert.That(errno.Name, Is.EqualTo(name));

        // The text is libc's: glibc's wording here, musl has its own.
        if (File.Exists("/lib64/ld-linux-x86-64.so.2") || File.Exists("/lib/ld-linux-aarch64.so.1"))
            Assert.That(errno.Text, Is.EqualTo(text));
        else
            Assert.That(errno.Text, Is.Not.Empty);
    }

    [Test]
    public void Every_errno_that_is_named_has_a_text_of_its_own()
    {
        var texts = Enum.GetValues<Errno>().Select(static errno => errno.Text).ToList();

        Assert.That(texts, Has.None.Contains("Unknown error"));
        Assert.That(texts, Is.Unique);
    }

    [Test]
    public void A_number_without_a_name_is_told_as_a_number() =>
        Assert.That(((Errno)999).Name, Is.EqualTo("errno 999"));
}
