using System.Net;

namespace Reactor;

/// <content>What a user asks of a loop, from any thread.</content>
public sealed partial class EventLoop
{
    /// <summary>Listens on an address and serves each accepted connection with a handler, on this loop.</summary>
    /// <param name="endPoint">An <see cref="IPEndPoint"/> (port 0: the system chooses) or a <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>.</param>
    /// <param name="handler">What serves a connection; when its task ends the connection is closed.</param>
    /// <param name="options">How to listen; null for the defaults.</param>
    /// <param name="cancellationToken">Looked at before the listener is made.</param>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a host name, or has no file and <paramref name="options"/> has a mode or owner for it.</exception>
    /// <exception cref="ListenException">The system refused; it names the call, the errno and the address.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public Task<Listener> ListenAsync(EndPoint endPoint, ConnectionHandler handler, ListenOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        if (endPoint is DnsEndPoint) throw new ArgumentException("A host name is no address to listen on: resolve it and listen on each address.", nameof(endPoint));
        if ((options?.FileMode is not null || options?.FileOwner is not null || options?.FileGroup is not null) && ListeningSocket.FileOf(endPoint) is null)
        {
            throw new ArgumentException($"{ErrnoText.Describe(endPoint)} has no file whose mode or owner could be set.", nameof(options));
        }

        cancellationToken.ThrowIfCancellationRequested();
        return InvokeAsync(() =>
        {
            ObjectDisposedException.ThrowIf(IsStopping, this);
            return Listener.Start(this, endPoint, handler, options ?? new ListenOptions());
        });
    }

    /// <summary>
    /// Serves a listening socket that this process inherited, as from systemd (<see cref="InheritedSockets"/>), or that was handed
    /// to it. The descriptor is the listener's from here on, and closed with it; a Unix-domain socket's file is not removed.
    /// </summary>
    /// <param name="descriptor">A stream socket that listens already.</param>
    /// <param name="handler">What serves a connection; when its task ends the connection is closed.</param>
    /// <param name="options">
    /// Limits and what holds for connections; null for the defaults. What belongs to bind(2) and listen(2), such as
    /// <see cref="ListenOptions.Backlog"/>, does not apply any more.
    /// </param>
    /// <exception cref="ListenException">It is no socket, does not listen (EINVAL), or an option is refused; it stays open and the caller's.</exception>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public Task<Listener> ListenAsync(int descriptor, ConnectionHandler handler, ListenOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(descriptor);
        ArgumentNullException.ThrowIfNull(handler);
        return InvokeAsync(() =>
        {
            ObjectDisposedException.ThrowIf(IsStopping, this);
            return Listener.Adopt(this, descriptor, handler, options ?? new ListenOptions());
        });
    }

    /// <inheritdoc cref="Connector.ConnectAsync(EndPoint, CancellationToken)"/>
    public ValueTask<Connection> ConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default) =>
        Connector.ConnectAsync(endPoint, cancellationToken);

    /// <inheritdoc cref="Connector.ConnectAsync(string, int, CancellationToken)"/>
    public ValueTask<Connection> ConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        Connector.ConnectAsync(host, port, cancellationToken);

    /// <inheritdoc cref="Connector.TryConnectAsync(EndPoint, CancellationToken)"/>
    public ValueTask<ConnectResult> TryConnectAsync(EndPoint endPoint, CancellationToken cancellationToken = default) =>
        Connector.TryConnectAsync(endPoint, cancellationToken);

    /// <inheritdoc cref="Connector.TryConnectAsync(string, int, CancellationToken)"/>
    public ValueTask<ConnectResult> TryConnectAsync(string host, int port, CancellationToken cancellationToken = default) =>
        Connector.TryConnectAsync(host, port, cancellationToken);

    /// <summary>Runs something on the loop, after the sockets of its turn. The caller's execution context flows to it.</summary>
    /// <param name="action">What to run. An exception of it is logged.</param>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public void Post(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        Post(static state => ((Action)state!)(), action);
    }

    /// <summary>Runs something on the loop, after the sockets of its turn. The caller's execution context flows to it.</summary>
    /// <param name="callback">What to run. An exception of it is logged.</param>
    /// <param name="state">Its argument.</param>
    /// <exception cref="ObjectDisposedException">The loop has ended.</exception>
    public void Post(SendOrPostCallback callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ObjectDisposedException.ThrowIf(HasEnded, this);
        _posted.Enqueue(new PostedWork(callback, state, ExecutionContext.Capture()));
    }

    /// <summary>Runs something on the loop and tells when it is done: at once when called there, else posted.</summary>
    /// <param name="action">What to run; its exception is the task's.</param>
    public Task InvokeAsync(Action action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return InvokeAsync(() =>
        {
            action();
            return true;
        });
    }

    /// <inheritdoc cref="InvokeAsync(Action)"/>
    public Task InvokeAsync(Func<Task> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return InvokeAsync<Task>(action).Unwrap();
    }

    /// <inheritdoc cref="InvokeAsync(Action)"/>
    public Task<T> InvokeAsync<T>(Func<Task<T>> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        return InvokeAsync<Task<T>>(action).Unwrap();
    }

    /// <inheritdoc cref="InvokeAsync(Action)"/>
    public Task<T> InvokeAsync<T>(Func<T> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (IsOnLoop) RunInvoked(action, done);
        else _posted.Enqueue(new PostedWork(_ => RunInvoked(action, done), State: null, ExecutionContext.Capture()));
        return done.Task;
    }

    /// <summary>Calls back once, on the loop, after some time. The caller's execution context flows to it.</summary>
    /// <param name="dueTime">How long to wait: zero or more, counted in milliseconds, rounded up.</param>
    /// <param name="callback">What to call. An exception of it is logged.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="dueTime"/> is negative.</exception>
    public LoopTimer StartTimer(TimeSpan dueTime, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        ObjectDisposedException.ThrowIf(HasEnded, this);
        var work = new PostedWork(static state => ((Action)state!)(), callback, ExecutionContext.Capture());
        var timer = new LoopTimer(this, static work => ((PostedWork)work!).Run(), work);
        timer.Restart(dueTime);
        return timer;
    }

    /// <summary>Posts without the caller's execution context. After the loop's end the callback runs on the thread pool.</summary>
    internal void Enqueue(SendOrPostCallback callback, object? state) => _posted.Enqueue(new PostedWork(callback, state, Context: null));

    private void RunInvoked<T>(Func<T> action, TaskCompletionSource<T> done)
    {
        try
        {
            ObjectDisposedException.ThrowIf(HasEnded, this);
            done.SetResult(action());
        }
        catch (Exception exception)
        {
            done.SetException(exception);
        }
    }
}
