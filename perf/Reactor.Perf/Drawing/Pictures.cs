using System.Text;
using System.Xml;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Drawing;

/// <summary>The pictures of a report, a file a group of scenarios. The same report gives the same bytes.</summary>
internal static class Pictures
{
    private static readonly XmlWriterSettings Format = new()
    {
        Indent = true,
        NewLineChars = "\n",
        OmitXmlDeclaration = true,
        Encoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false),
    };

    /// <summary>Gives the files that it wrote.</summary>
    public static async Task<IReadOnlyList<string>> WriteAsync(Report report, string folder)
    {
        Directory.CreateDirectory(folder);
        var files = new List<string>();
        foreach (var group in report.Summaries.GroupBy(summary => summary.Group, StringComparer.Ordinal))
        {
            var file = Path.Combine(folder, FileName(group.Key));
            await File.WriteAllBytesAsync(file, Draw(report, group.Key));
            files.Add(file);
        }

        return files;
    }

    internal static byte[] Draw(Report report, string group)
    {
        var rows = report.Summaries.Where(summary => string.Equals(summary.Group, group, StringComparison.Ordinal)).ToList();
        using var bytes = new MemoryStream();
        using (var writer = XmlWriter.Create(bytes, Format))
            Picture.Of(rows, report).Save(writer);
        bytes.WriteByte((byte)'\n');
        return bytes.ToArray();
    }

    // A group's name comes from a file that anybody may have written.
    private static string FileName(string group) => string.Concat(group.Select(static each => char.IsAsciiLetterOrDigit(each) ? each : '-')) + ".svg";
}
