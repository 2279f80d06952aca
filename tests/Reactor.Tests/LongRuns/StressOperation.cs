namespace Reactor.Tests;

/// <summary>One thing that a thread may do at any time.</summary>
/// <param name="Covers">The public members that it calls, as <see cref="PublicMembers"/> names them.</param>
/// <param name="Allowed">What it may throw because others do theirs.</param>
/// <param name="Run">Does it. The task is done when everything has been answered.</param>
internal sealed record StressOperation(string[] Covers, Func<StressCase, Exception, bool> Allowed, Func<StressCase, Task> Run)
{
    public override string ToString() => string.Join(" + ", Covers);
}

/// <summary>What one operation works with.</summary>
/// <param name="World">What the threads share.</param>
/// <param name="Random">The thread's own; used up before the operation first waits.</param>
/// <param name="Target">A connection, perhaps one that has ended.</param>
internal sealed record StressCase(StressWorld World, Random Random, StressConnection Target)
{
    public Connection Connection => Target.Connection;

    /// <summary>A token that is cancelled before, soon or never.</summary>
    public CancellationToken SomeToken() => Random.Next(4) switch
    {
        0 => World.Canceled,
        1 => new CancellationTokenSource(TimeSpan.FromMilliseconds(Random.Next(1, 20))).Token,
        _ => CancellationToken.None,
    };
}

/// <summary>What an operation may throw. That the loop has ended is allowed to all while it is being ended.</summary>
internal static class Allowed
{
    public static bool Nothing(StressCase stress, Exception exception) => false;

    public static bool Canceled(StressCase stress, Exception exception) => exception is OperationCanceledException;

    /// <summary>Reading: the connection has ended, was given up, or somebody has completed the input.</summary>
    public static bool Read(StressCase stress, Exception exception) =>
        exception is ConnectionException or OperationCanceledException || (exception is InvalidOperationException && stress.Target.IsInputCompleted);

    /// <summary>Writing: the connection has ended, was given up, or somebody has completed the output.</summary>
    public static bool Write(StressCase stress, Exception exception) =>
        exception is ConnectionException or OperationCanceledException || (exception is InvalidOperationException && stress.Target.IsOutputCompleted);

    /// <summary>Both at once, as copying from one connection to another.</summary>
    public static bool ReadOrWrite(StressCase stress, Exception exception) => Read(stress, exception) || Write(stress, exception);

    /// <summary>Urgent data: also for one that another is waiting for already, and for a Unix-domain connection.</summary>
    public static bool Urgent(StressCase stress, Exception exception) =>
        exception is ConnectionException or OperationCanceledException or InvalidOperationException
        || (exception is NotSupportedException && stress.Connection.LocalEndPoint is not System.Net.IPEndPoint);

    public static bool Mark(StressCase stress, Exception exception) =>
        exception is ConnectionException || (exception is NotSupportedException && stress.Connection.LocalEndPoint is not System.Net.IPEndPoint);

    public static bool Discard(StressCase stress, Exception exception) => Read(stress, exception) || Mark(stress, exception);

    public static bool Credentials(StressCase stress, Exception exception) =>
        exception is ConnectionException || (exception is NotSupportedException && stress.Connection.LocalEndPoint is System.Net.IPEndPoint);

    /// <summary>Dialling: refused or reset by a listener that is going, cancelled, too late.</summary>
    public static bool Dial(StressCase stress, Exception exception) => exception is ConnectException or OperationCanceledException;
}
