using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;

namespace Reactor.Tests;

/// <summary>
/// The public surface, pinned: a change of it is a change of <c>Reactor.approved.txt</c>, or of the file of the other
/// library, that a reviewer sees. A run that differs leaves <c>Reactor.received.txt</c> in the test's output folder, to be
/// looked at and copied over.
/// </summary>
[TestFixture]
public sealed class PublicApiTests
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    [TestCase(typeof(EventLoop))]
    [TestCase(typeof(FaultyKernel))]
    public void The_public_surface_is_the_approved_one(Type ofTheLibrary)
    {
        var library = ofTheLibrary.Assembly.GetName().Name;
        var approved = Path.Combine(SourceTree.HereOf(), $"{library}.approved.txt");
        var received = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"{library}.received.txt");
        var surface = Describe(ofTheLibrary.Assembly);
        File.WriteAllText(received, surface);

        Assert.That(surface, Is.EqualTo(File.ReadAllText(approved)), $"If this is meant: cp {received} {SourceTree.Relative(approved)}");
    }

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(static type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"{Kind(type)} {Name(type)}{Parents(type)}\n");
            foreach (var member in Members(type).Order(StringComparer.Ordinal))
                text.Append(CultureInfo.InvariantCulture, $"  {member}\n");
        }

        return text.ToString();
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
            return Enum.GetValues(type).Cast<Enum>().Select(static value => string.Create(CultureInfo.InvariantCulture, $"{value} = {value:d}"));
        if (typeof(Delegate).IsAssignableFrom(type))
            return [Signature(type.GetMethod("Invoke")!)];

        return
        [
            .. type.GetFields(Declared).Where(static field => field.IsPublic || field.IsFamily).Select(static field => $"{Static(field.IsStatic)}{(field.IsLiteral ? "const " : "")}{Name(field.FieldType)} {field.Name}"),
            .. type.GetConstructors(Declared).Where(IsVisible).Select(static constructor => $"new({Parameters(constructor)})"),
            .. type.GetProperties(Declared).Where(static property => property.GetAccessors(nonPublic: true).Any(IsVisible) && property.GetCustomAttribute<CompilerGeneratedAttribute>() is null && property.Name is not "EqualityContract").Select(Property),
            .. type.GetMethods(Declared).Where(static method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal)) && !IsGenerated(method)).Select(Signature),
        ];
    }

    private static string Property(PropertyInfo property)
    {
        var accessors = property.GetAccessors(nonPublic: true).Where(IsVisible).Select(accessor =>
            accessor.ReturnType != typeof(void) ? "get"
            : accessor.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init" : "set");
        return $"{Static(property.GetAccessors(nonPublic: true)[0].IsStatic)}{Name(property.PropertyType)} {property.Name} {{ {string.Join("; ", accessors)} }}";
    }

    private static string Signature(MethodInfo method) =>
        $"{Static(method.IsStatic)}{Modifier(method)}{Name(method.ReturnType)} {method.Name}{Generics(method)}({Parameters(method)})";

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(static parameter =>
        $"{(parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? "in " : "")}{Name(parameter.ParameterType)} {parameter.Name}{(parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "default"}" : "")}"));

    private static string Kind(Type type)
    {
        if (type.IsEnum)
            return "enum";
        if (type.IsInterface)
            return "interface";
        if (type.IsValueType)
            return "struct";
        if (typeof(Delegate).IsAssignableFrom(type))
            return "delegate";
        return type switch
        {
            { IsAbstract: true, IsSealed: true } => "static class",
            { IsAbstract: true } => "abstract class",
            { IsSealed: true } => "sealed class",
            _ => "class",
        };
    }

    private static string Parents(Type type)
    {
        if (type.IsEnum || typeof(Delegate).IsAssignableFrom(type))
            return "";
        var parents = new List<Type>();
        if (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType))
            parents.Add(parent);
        parents.AddRange(type.GetInterfaces().Where(static one => one.IsVisible).Except(type.BaseType?.GetInterfaces() ?? []).OrderBy(static one => one.Name, StringComparer.Ordinal));
        return parents.Count == 0 ? "" : " : " + string.Join(", ", parents.Select(Name));
    }

    private static string Name(Type type)
    {
        if (type.IsByRef || type.IsPointer)
            return Name(type.GetElementType()!) + (type.IsPointer ? "*" : "");
        if (type.IsArray)
            return Name(type.GetElementType()!) + "[]";
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        var name = type.IsNested && !type.IsGenericParameter ? $"{Name(type.DeclaringType!)}.{type.Name}" : type.Name;
        return type.IsGenericType ? $"{name.Split('`')[0]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : name;
    }

    private static string Generics(MethodInfo method) => method.IsGenericMethod ? $"<{string.Join(", ", method.GetGenericArguments().Select(Name))}>" : "";

    private static string Static(bool isStatic) => isStatic ? "static " : "";

    private static string Modifier(MethodInfo method) =>
        method.IsAbstract ? "abstract " : method.GetBaseDefinition() != method ? "override " : method is { IsVirtual: true, IsFinal: false } ? "virtual " : "";

    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static bool IsGenerated(MethodInfo method) => method.GetCustomAttribute<CompilerGeneratedAttribute>() is not null;
}
