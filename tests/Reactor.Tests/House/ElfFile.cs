using System.Buffers.Binary;
using System.Text;

namespace Reactor.Tests;

/// <summary>
/// The names that a 64-bit little-endian ELF library exports, see elf(5). The file is only read: a second libc in a process
/// would be its end.
/// </summary>
internal sealed class ElfFile
{
    private const uint SHT_DYNSYM = 11;
    private const uint SHT_GNU_verdef = 0x6FFFFFFD;
    private const uint SHT_GNU_versym = 0x6FFFFFFF;
    private const int SectionHeaderSize = 64;
    private const int SymbolSize = 24;
    private const int VersionSize = 2;

    // Of a symbol that is there for old programs only: who links today gets another of the same name.
    private const ushort VERSYM_HIDDEN = 0x8000;

    private readonly byte[] _file;

    private ElfFile(byte[] file) => _file = file;

    /// <summary>Name and default version of what the library exports; the version is empty where it has none.</summary>
    public static Dictionary<string, string> Exports(string path)
    {
        var file = File.ReadAllBytes(path);
        if (!file.AsSpan().StartsWith("\u007fELF\u0002\u0001"u8)) throw new InvalidDataException($"{path} is no 64-bit little-endian ELF file.");
        return new ElfFile(file).Exports();
    }

    private Dictionary<string, string> Exports()
    {
        var symbols = Section(SHT_DYNSYM) ?? throw new InvalidDataException("The library has no dynamic symbols.");
        var versionOf = Section(SHT_GNU_versym);
        var versions = Versions();
        var exports = new Dictionary<string, string>(StringComparer.Ordinal);
        for (var i = 0; i < symbols.Size / SymbolSize; i++)
        {
            var at = symbols.Offset + i * SymbolSize;
            var isDefined = Half(at + 6) != 0;
            var version = versionOf is null ? (ushort)0 : Half(versionOf.Offset + i * VersionSize);
            if (isDefined && (version & VERSYM_HIDDEN) == 0) exports[Text(symbols.Link, Word(at))] = versions.GetValueOrDefault(version, "");
        }

        return exports;
    }

    // A chain of Elf64_Verdef, each with its number and the offset of its name's entry.
    private Dictionary<ushort, string> Versions()
    {
        var versions = new Dictionary<ushort, string>();
        if (Section(SHT_GNU_verdef) is not { } definitions) return versions;
        for (int at = definitions.Offset, next = -1; next != 0; at += next)
        {
            versions[Half(at + 4)] = Text(definitions.Link, Word(at + (int)Word(at + 12)));
            next = (int)Word(at + 16);
        }

        return versions;
    }

    private ElfSection? Section(uint type)
    {
        for (var i = 0; i < Half(60); i++)
        {
            var section = SectionAt(i);
            if (section.Type == type) return section;
        }

        return null;
    }

    private ElfSection SectionAt(int index)
    {
        var header = Long(40) + index * SectionHeaderSize;
        return new ElfSection(Word(header + 4), Long(header + 24), Long(header + 32), (int)Word(header + 40));
    }

    private string Text(int table, uint offset)
    {
        var text = _file.AsSpan(SectionAt(table).Offset + (int)offset);
        return Encoding.ASCII.GetString(text[..text.IndexOf((byte)0)]);
    }

    private ushort Half(int offset) => BinaryPrimitives.ReadUInt16LittleEndian(_file.AsSpan(offset));

    private uint Word(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(_file.AsSpan(offset));

    private int Long(int offset) => checked((int)BinaryPrimitives.ReadUInt64LittleEndian(_file.AsSpan(offset)));

    private sealed record ElfSection(uint Type, int Offset, int Size, int Link);
}
