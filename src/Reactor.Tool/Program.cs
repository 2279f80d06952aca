using Reactor.Tool;

return await ReactorCommand.RunAsync(args);
