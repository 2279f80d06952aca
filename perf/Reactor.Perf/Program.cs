using Reactor.Perf.Clients;
using Reactor.Perf.Comparison;
using Reactor.Perf.Servers;

return args switch
{
    ["serve", var kind, .. var rest] => await ServeCommand.RunAsync(kind, rest),
    ["storm", var kind, .. var rest] => await StormCommand.RunAsync(kind, rest),
    ["compare", .. var rest] => await CompareCommand.RunAsync(rest),
    _ => await CompareCommand.RunAsync(["--help"]),
};
