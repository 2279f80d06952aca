namespace Reactor.Load;

/// <summary>How far a load has come.</summary>
/// <param name="Settled">Connects that have an outcome.</param>
/// <param name="Connected">Those of them that connected.</param>
/// <param name="Finished">Connections that have said all they had to say, or have failed.</param>
/// <param name="RoundTrips">Messages that were answered, or only sent where no reply is expected.</param>
public readonly record struct LoadProgress(int Settled, int Connected, int Finished, long RoundTrips);
