using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace Reactor.Tests;

/// <summary>A C file of static assertions: the headers of a system, and what we take their numbers and layouts to be.</summary>
internal sealed class StaticAssertions
{
    private readonly StringBuilder _source = new();

    public StaticAssertions(params string[] headers)
    {
        // Some names of Linux are there only when asked for.
        _source.AppendLine("#define _GNU_SOURCE");
        foreach (var header in (string[])["stddef.h", .. headers])
            _source.AppendLine(CultureInfo.InvariantCulture, $"#include <{header}>");
    }

    public override string ToString() => _source.ToString();

    public void AreEqual(string expression, long value) => AreEqual(expression, value.ToString(CultureInfo.InvariantCulture));

    public void AreEqual(string expression, string value) =>
        _source.AppendLine(CultureInfo.InvariantCulture, $"_Static_assert((long long)({expression}) == {value}LL, \"{expression} is {value}\");");

    /// <summary>A name that the headers do not have; only names that would be macros can be asked about.</summary>
    public void IsUnknown(string macro) =>
        _source.AppendLine(CultureInfo.InvariantCulture, $"#ifdef {macro}\n#error \"{macro} is known\"\n#endif");

    /// <summary>Every constant of a type: those with native names as they are, ours as an expression in C.</summary>
    public void HasConstantsOf(Type type, IReadOnlyDictionary<string, string>? ours = null)
    {
        var constants = type.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
            .Where(static field => field.IsLiteral)
            .ToList();
        Assert.That(constants, Is.Not.Empty);
        foreach (var constant in constants)
        {
            var expression = constant.Name.Any(char.IsAsciiLetterLower) ? ours![constant.Name] : constant.Name;
            AreEqual(expression, Convert.ToInt64(constant.GetRawConstantValue(), CultureInfo.InvariantCulture));
        }
    }

    /// <summary>The size of a structure and where its fields lie, each under its native name.</summary>
    public void HasLayoutOf<T>(string structure, IReadOnlyDictionary<string, string>? nativeNames = null)
        where T : struct
    {
        AreEqual($"sizeof(struct {structure})", Marshal.SizeOf<T>());
        foreach (var field in typeof(T).GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic))
        {
            var size = field.FieldType.IsPointer ? nint.Size : Marshal.SizeOf(field.FieldType);
            HasField(structure, nativeNames?[field.Name] ?? field.Name, (int)Marshal.OffsetOf<T>(field.Name), size);
        }
    }

    public void HasField(string structure, string field, int offset, int size)
    {
        AreEqual($"offsetof(struct {structure}, {field})", offset);
        AreEqual($"sizeof(((struct {structure} *)0)->{field})", size);
    }
}
