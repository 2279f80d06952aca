using Reactor.Tests.Fixtures;

namespace Reactor.Tests;

/// <summary>What the process holds at one moment in which nothing is under way.</summary>
/// <param name="ManagedBytes">Reachable after a full collection.</param>
/// <param name="ResidentBytes">RSS. It says what the collector has kept for later, too, and so is printed and not judged.</param>
/// <param name="NetworkDescriptors">Sockets, epoll instances and eventfds.</param>
internal readonly record struct MemoryFigures(long ManagedBytes, long ResidentBytes, int NetworkDescriptors)
{
    private const double MiB = 1024 * 1024;

    public static MemoryFigures Take() => new(GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet, Descriptors.OfNetwork().Count);

    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{ManagedBytes / MiB,8:f2} MiB managed, {ResidentBytes / MiB,8:f1} MiB resident, {NetworkDescriptors} descriptors");
}
