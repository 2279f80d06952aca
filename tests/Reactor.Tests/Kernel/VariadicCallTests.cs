using System.Reflection;
using System.Text.RegularExpressions;

namespace Reactor.Tests;

/// <summary>
/// Our declarations of fcntl(2) and ioctl(2) are not variadic, and pass the argument where a variadic call of macOS's own
/// compiler passes it.
/// </summary>
[TestFixture]
public sealed partial class VariadicCallTests
{
    private const string Variadic = """
        long called(int descriptor, int operation, ...)
        {
            __builtin_va_list rest;
            __builtin_va_start(rest, operation);
            long argument = __builtin_va_arg(rest, long);
            __builtin_va_end(rest);
            return argument;
        }
        """;

    [TestCase("fcntl", "int, int, ...", "long")]
    [TestCase("ioctl", "int, unsigned long, ...", "int *")]
    public async Task On_arm64_the_argument_lies_on_top_of_the_stack(string name, string variadic, string argument)
    {
        var compiler = await For("arm64");

        var expected = OnStack().Match(await compiler.AssemblyOf(Call(name, variadic, 2, argument)));
        var ours = OnStack().Match(await compiler.AssemblyOf(Call($"{name}_arm64", argument)));
        var plain = OnStack().Match(await compiler.AssemblyOf(Call($"{name}_x64", argument)));

        Assert.That(expected.Groups["place"].Value, Is.EqualTo("sp"));
        Assert.That(ours.Groups["place"].Value, Is.EqualTo("sp"));
        Assert.That(plain.Success, Is.False, "A plain call of three arguments passes them all in registers.");
    }

    // A variadic call also says in al how many vector registers it uses, none; the one called looks at no more than whether to save them.
    [TestCase("fcntl", "int, int, ...", "long")]
    [TestCase("ioctl", "int, unsigned long, ...", "int *")]
    public async Task On_x64_the_argument_is_in_the_third_register(string name, string variadic, string argument)
    {
        var compiler = await For("x86_64");

        var expected = InRegister().Match(await compiler.AssemblyOf(Call(name, variadic, 2, argument)));
        var ours = InRegister().Match(await compiler.AssemblyOf(Call($"{name}_x64", argument)));
        var called = AlOrAx().Matches(await compiler.AssemblyOf(Variadic)).Select(static use => use.Value).First();

        Assert.That(expected.Groups["register"].Value, Is.EqualTo("rdx"));
        Assert.That(ours.Groups["register"].Value, Is.EqualTo("rdx"));
        Assert.That(called, Does.Match(@"testb\s+%al, %al"));
    }

    private static async Task<CCompiler> For(string architecture)
    {
        var compiler = CCompiler.Need("clang", "-target", $"{architecture}-apple-macos11", "-O1");
        if (!await compiler.MakesCode()) Assert.Ignore($"The clang on the PATH makes no code for {architecture}-apple-macos11.");
        return compiler;
    }

    /// <summary>A call of the function as a method of <see cref="LibSystem"/> declares it.</summary>
    private static string Call(string method, string argument)
    {
        var types = typeof(LibSystem).GetMethod(method, BindingFlags.Static | BindingFlags.NonPublic)!.GetParameters().Select(static parameter => InC(parameter.ParameterType)).ToList();
        return Call("call", string.Join(", ", types), types.Count - 1, argument);
    }

    /// <summary>A call with the argument behind the two that are always there, and zeros between, as far as there are more.</summary>
    private static string Call(string name, string parameters, int before, string argument)
    {
        var zeros = string.Concat(Enumerable.Repeat("0, ", before - 2));
        return $$"""
            int {{name}}({{parameters}});
            int caller(int descriptor, {{argument}} argument) { return {{name}}(descriptor, 4, {{zeros}}argument); }
            """;
    }

    private static string InC(Type type) => type switch
    {
        _ when type == typeof(int) => "int",
        _ when type == typeof(nint) => "long",
        _ when type == typeof(nuint) => "unsigned long",
        _ when type.IsPointer => $"{InC(type.GetElementType()!)} *",
        _ => throw new ArgumentException(type.Name, nameof(type)),
    };

    // The second argument of the caller comes in x1.
    [GeneratedRegex(@"\bstr\s+x1, \[(?<place>sp[^\]]*)\]", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex OnStack();

    // The second argument of the caller comes in rsi.
    [GeneratedRegex(@"\bmovq\s+%rsi, %(?<register>\w+)", RegexOptions.ExplicitCapture, 5_000)]
    private static partial Regex InRegister();

    [GeneratedRegex(@"^.*%(al|ax|eax|rax)\b.*$", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 5_000)]
    private static partial Regex AlOrAx();
}
