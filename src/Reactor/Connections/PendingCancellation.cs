namespace Reactor;

/// <summary>
/// The <see cref="CancellationToken"/> of a connection's pending read or flush. Most never have one, so it is made with the first
/// and then used again for one operation after the other.
/// </summary>
/// <param name="connection">It is given a turn when the token is cancelled, and looks at its operation then.</param>
internal sealed class PendingCancellation(Connection connection)
{
    private CancellationTokenRegistration _registration;

    /// <summary>That of the operation which is starting or pending.</summary>
    internal CancellationToken Token { get; private set; }

    /// <summary>Remembers the token of an operation that begins; makes what is to remember it, if need be.</summary>
    internal static void Expect(ref PendingCancellation? cancellation, Connection connection, CancellationToken token)
    {
        if (cancellation is null && !token.CanBeCanceled) return;
        cancellation ??= new PendingCancellation(connection);
        cancellation.Token = token;
    }

    /// <summary>The operation waits from here on.</summary>
    internal void Register()
    {
        if (Token.CanBeCanceled) _registration = Token.UnsafeRegister(static connection => ((Connection)connection!).RequestTurn(), connection);
    }

    /// <summary>The operation waits no more.</summary>
    /// <returns>Its token.</returns>
    internal CancellationToken Unregister()
    {
        var token = Token;
        _registration.Unregister();
        _registration = default;
        Token = default;
        return token;
    }
}
