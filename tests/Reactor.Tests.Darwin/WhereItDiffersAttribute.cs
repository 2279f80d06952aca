using NUnit.Framework.Interfaces;
using Reactor.Tests.Fixtures;

[assembly: Reactor.Tests.WhereItDiffers]

namespace Reactor.Tests;

/// <summary>
/// Skips what the framework's tests say of Linux alone, and what polls where the library that this was built with is not named
/// any more.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
internal sealed class WhereItDiffersAttribute : Attribute, ITestAction
{
    private static readonly (string Test, string Reason)[] _different =
    [
        ("An_abstract_name", "macOS has no abstract names."),
        ("Autobind", "macOS has no abstract names."),
        ("A_full_Unix_listener_is_EAGAIN_and_not_a_hang", "On macOS it refuses: DarwinKernelTests has a test of it."),
    ];

    public ActionTargets Targets => ActionTargets.Test;

    public void BeforeTest(ITest test)
    {
        if (KqueueLibrary.Path is null && test.TypeInfo?.Type != typeof(DarwinKernelTests)) Assert.Ignore(KqueueLibrary.WhatIsMissing);
        foreach (var (different, reason) in _different)
        {
            if (test.Name.StartsWith(different, StringComparison.Ordinal)) Assert.Ignore(reason);
        }
    }

    public void AfterTest(ITest test)
    {
    }
}
