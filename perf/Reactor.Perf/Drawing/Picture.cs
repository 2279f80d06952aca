using System.Globalization;
using System.Xml.Linq;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Drawing;

/// <summary>
/// A group of scenarios as SVG: a panel each, one under the other, all to one scale so that they can be compared. The
/// picture has a background and colours of its own for light and for dark, and asks for nothing from anywhere.
/// </summary>
internal static class Picture
{
    internal const int Width = 860;
    internal const int Margin = 20;

    private const int FooterLine = 16;

    private const string Style = """

        text { font: 13px -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; fill: #1f2328 }
        .background { fill: #ffffff; stroke: #d1d9e0 }
        .title { font-size: 15px; font-weight: 600 }
        .note { font-size: 11px; fill: #59636e }
        .bar { fill: #9aa4af }
        .yardstick { fill: #6b7580 }
        .reactor { fill: #0969da }
        .spread { stroke: #1f2328; stroke-width: 1.2; fill: none }
        .one { stroke: #cf222e; stroke-width: 1.2; stroke-dasharray: 4 3 }
        @media (prefers-color-scheme: dark) {
          text { fill: #e6edf3 }
          .background { fill: #0d1117; stroke: #3d444d }
          .note { fill: #9198a1 }
          .bar { fill: #656c76 }
          .yardstick { fill: #9198a1 }
          .reactor { fill: #4493f8 }
          .spread { stroke: #e6edf3 }
          .one { stroke: #f85149 }
        }

        """;

    public static XElement Of(IReadOnlyList<Summary> rows, Report report)
    {
        var panels = rows.GroupBy(static row => row.Scenario, StringComparer.Ordinal).Select(static panel => new Panel([.. panel])).ToList();
        var scale = panels.Where(static panel => panel.IsOfRatios).Select(static panel => panel.Greatest).DefaultIfEmpty(1).Max();
        var footer = Footer(report);
        var height = Margin + panels.Sum(static panel => panel.Height) + footer.Length * FooterLine + Margin / 2;
        var svg = Svg.Element(
            "svg",
            ("viewBox", string.Create(CultureInfo.InvariantCulture, $"0 0 {Width} {height}")),
            ("width", Svg.Text(Width)),
            ("height", Svg.Text(height)),
            ("role", "img"));
        svg.Add(
            new XElement(Svg.Namespace + "title", string.Join("; ", panels.Select(static panel => panel.Title))),
            new XElement(Svg.Namespace + "style", Style),
            Svg.Element("rect", ("class", "background"), ("x", "0.5"), ("y", "0.5"), ("width", Svg.Text(Width - 1)), ("height", Svg.Text(height - 1)), ("rx", "6")));

        var top = Margin;
        foreach (var panel in panels)
        {
            svg.Add(panel.Draw(top, panel.IsOfRatios ? scale : panel.Greatest));
            top += panel.Height;
        }

        svg.Add(footer.Select((line, index) => Svg.Words(line, Margin, top + FooterLine * index + 4, "note")));
        return svg;
    }

    private static string[] Footer(Report report)
    {
        var source = report.Machine.Commit is null ? "" : ", " + Table.Tree(report.Machine);
        return
        [
            Table.Describe(report.Machine),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{report.Day:yyyy-MM-dd}{source}; medians of {report.Rounds} rounds, the line across a bar is the range over them"),
        ];
    }
}
