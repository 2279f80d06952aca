using System.Net;

namespace Reactor.Perf.Clients;

/// <summary>Opens as many connections as a storm has, and resets them afterwards.</summary>
internal interface IStormClient : IAsyncDisposable
{
    /// <summary>Connects until all are open, and keeps them open.</summary>
    Task OpenAllAsync(StormPlan plan, StormTally tally);

    /// <summary>Resets all, so that their ports are free at once.</summary>
    Task ResetAllAsync();
}

/// <summary>What a storm is.</summary>
/// <param name="Target">Where the sink listens.</param>
/// <param name="Count">Connections.</param>
/// <param name="InFlight">Of them under way at once.</param>
internal sealed record StormPlan(IPEndPoint Target, int Count, int InFlight);
