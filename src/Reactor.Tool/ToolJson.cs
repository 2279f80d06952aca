using System.Text.Json;
using System.Text.Json.Serialization;
using Reactor.Load;

namespace Reactor.Tool;

/// <summary>The JSON of the command's results, generated at build time so that trimming does not harm it.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    Converters = [typeof(CamelCaseEnum<ConnectOutcome>), typeof(CamelCaseEnum<ReplyExpectation>)])]
[JsonSerializable(typeof(ProbeReport))]
[JsonSerializable(typeof(LoadReport))]
internal sealed partial class ToolJson : JsonSerializerContext;

/// <summary>Writes an enumeration's names as JSON writes names: <c>timedOut</c>.</summary>
internal sealed class CamelCaseEnum<T>() : JsonStringEnumConverter<T>(JsonNamingPolicy.CamelCase)
    where T : struct, Enum;
