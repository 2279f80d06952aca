namespace Reactor;

/// <summary>
/// Serves one accepted connection, on its loop. When the task ends, what was flushed is sent and the connection is
/// closed; an exception of it is logged.
/// </summary>
/// <param name="connection">The connection. It belongs to the handler until the task ends.</param>
public delegate Task ConnectionHandler(Connection connection);
