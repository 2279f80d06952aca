using BenchmarkDotNet.Running;
using Reactor.Benchmarks;

if (BenchmarkConfig.FindRepository() is not { } repository)
{
    await Console.Error.WriteLineAsync("Reactor.Benchmarks builds what it measures: start it in the repository.");
    return 2;
}

var summaries = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(args, BenchmarkConfig.Create(repository));
return summaries.Any(static summary => summary.HasCriticalValidationErrors || summary.Reports.Any(static report => !report.Success)) ? 1 : 0;
