namespace Reactor;

/// <summary>The process at the other end of a Unix-domain connection, as it was when it connected or listened (<c>SO_PEERCRED</c>, unix(7)).</summary>
/// <param name="ProcessId">Its process id; 0 when that is not visible from here (another pid namespace).</param>
/// <param name="UserId">Its effective user id.</param>
/// <param name="GroupId">Its effective group id.</param>
public readonly record struct PeerCredentials(int ProcessId, int UserId, int GroupId);
