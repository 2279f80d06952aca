namespace Reactor;

/// <summary>
/// Serves one accepted connection, on its loop. When the task ends, what was flushed is sent and the connection is
/// closed in order (FIN); an exception of it is logged (<see cref="EventLoopOptions.LoggerFactory"/>) and changes nothing of
/// that. A handler that wants its peer to see a failure calls <see cref="Connection.Abort"/>.
/// </summary>
/// <param name="connection">The connection. It belongs to the handler until the task ends.</param>
public delegate Task ConnectionHandler(Connection connection);
