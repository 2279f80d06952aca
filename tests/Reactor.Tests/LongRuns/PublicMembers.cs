using System.Reflection;

namespace Reactor.Tests;

/// <summary>The public members of a type by name, as the table of operations has them.</summary>
internal static class PublicMembers
{
    /// <summary>
    /// Its constructors, methods and property accessors, except those of object, those that are obsolete, and the factories of an
    /// abstract type, which make something else.
    /// </summary>
    public static IEnumerable<string> Of(Type type)
    {
        const BindingFlags Public = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static;
        var methods = type.GetMethods(Public)
            .Where(static method => method.DeclaringType != typeof(object) && method.GetCustomAttribute<ObsoleteAttribute>() is null)
            .Where(method => !method.IsStatic || !type.IsAbstract)
            .Cast<MethodBase>();
        var constructors = type.IsAbstract ? [] : type.GetConstructors();
        return methods.Concat(constructors).Select(member => $"{type.Name}.{Name(member)}").Distinct(StringComparer.Ordinal);
    }

    private static string Name(MethodBase member)
    {
        if (member.IsSpecialName && member.Name.StartsWith("get_", StringComparison.Ordinal))
            return member.Name["get_".Length..];
        var name = member.IsConstructor ? "new" : member.Name;
        return $"{name}({string.Join(", ", member.GetParameters().Select(static parameter => Name(parameter.ParameterType)))})";
    }

    private static string Name(Type type) =>
        type.IsGenericType ? $"{type.Name[..type.Name.IndexOf('`', StringComparison.Ordinal)]}<{string.Join(", ", type.GetGenericArguments().Select(Name))}>" : type.Name;
}
