using System.CommandLine;

namespace Reactor.Tool;

/// <summary>What the command uses of System.CommandLine 3 and version 2 does not have.</summary>
internal static class RootCommandOfVersion2
{
    extension(RootCommand root)
    {
        // Version 2 always takes the name of the executable, which is the right one when it is `reactor`.
        public string HelpName
        {
            set => _ = root;
        }
    }
}
