namespace Reactor;

/// <summary>
/// What the kernel hands back with an event: the slot of a registration, and the generation of that slot. Closing a
/// socket ends the generation, so an event that was already under way for it finds no one.
/// </summary>
/// <param name="Slot">The index in the loop's table.</param>
/// <param name="Generation">How often that slot was given out.</param>
public readonly record struct Token(uint Slot, uint Generation)
{
    /// <summary>The token as the 64 bits of epoll's <c>data</c> or kqueue's <c>udata</c>.</summary>
    public ulong ToUInt64() => ((ulong)Generation << 32) | Slot;

    /// <summary>The token that <see cref="ToUInt64"/> made these bits from.</summary>
    public static Token FromUInt64(ulong bits) => new((uint)bits, (uint)(bits >> 32));
}
