using System.Diagnostics;

namespace Reactor;

/// <summary>
/// Who is behind each token. Slots are used again, generations are not, so the token of a closed socket finds no one.
/// </summary>
internal sealed class RegistrationTable
{
    private Entry[] _entries = new Entry[16];
    private int _used;

    // The first of the freed slots, which are linked through NextFree; -1 when there is none.
    private int _firstFree = -1;

    internal int Count { get; private set; }

    internal Token Add(IRegistrant registrant)
    {
        int slot;
        if (_firstFree >= 0)
        {
            slot = _firstFree;
            _firstFree = _entries[slot].NextFree;
        }
        else
        {
            if (_used == _entries.Length) Array.Resize(ref _entries, _used * 2);
            slot = _used++;
            _entries[slot].Generation = 1;
        }

        Count++;
        _entries[slot].Registrant = registrant;
        return new Token((uint)slot, _entries[slot].Generation);
    }

    internal IRegistrant? Find(Token token)
    {
        var entries = _entries;
        if (token.Slot >= (uint)entries.Length) return null;
        ref var entry = ref entries[token.Slot];
        return entry.Generation == token.Generation ? entry.Registrant : null;
    }

    internal void Replace(Token token, IRegistrant registrant)
    {
        Debug.Assert(Find(token) is not null, "Only a live registration can change hands.");
        _entries[token.Slot].Registrant = registrant;
    }

    internal void Remove(Token token)
    {
        Debug.Assert(Find(token) is not null, "A registration is removed once.");
        ref var entry = ref _entries[token.Slot];
        entry.Registrant = null;

        // 0 is never a generation: the poller's own wake-up has it.
        if (++entry.Generation == 0) entry.Generation = 1;
        entry.NextFree = _firstFree;
        _firstFree = (int)token.Slot;
        Count--;
    }

    /// <summary>All that are registered now; what they do may change the table.</summary>
    internal IRegistrant[] Snapshot() =>
        [.. _entries.Where(entry => entry.Registrant is not null).Select(entry => entry.Registrant!)];

    private struct Entry
    {
        internal IRegistrant? Registrant;
        internal uint Generation;
        internal int NextFree;
    }
}
