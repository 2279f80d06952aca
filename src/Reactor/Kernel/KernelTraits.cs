namespace Reactor;

/// <summary>What a kernel does otherwise than Linux, where the framework has to know it. macOS does all of it.</summary>
[Flags]
public enum KernelTraits
{
    /// <summary>Nothing: all is as on Linux.</summary>
    None = 0,

    /// <summary>
    /// Of the listeners that share a port through <c>SO_REUSEPORT</c> one gets all connections; Linux deals them out evenly (socket(7)).
    /// </summary>
    UnbalancedPorts = 1,

    /// <summary>accept(2) that finds no descriptor closes the connection that it has taken; Linux leaves it in the backlog.</summary>
    DropsUnaccepted = 2,

    /// <summary>An accepted socket does not have <c>TCP_KEEPIDLE</c> and <c>TCP_USER_TIMEOUT</c> from its listener, as it has all other options.</summary>
    UninheritedTimes = 4,
}
