using System.Globalization;
using System.Xml.Linq;
using Reactor.Perf.Comparison;

namespace Reactor.Perf.Drawing;

/// <summary>
/// One scenario: a bar for each contestant's ratio to the yardstick, or for the figure itself where there is no ratio
/// because there is no yardstick or its figure is zero.
/// </summary>
internal sealed class Panel(IReadOnlyList<Summary> rows)
{
    private const int BarsLeft = 130;
    private const int BarsRight = 516;
    private const int RatioLeft = 530;
    private const int Heading = 44;
    private const int Row = 22;
    private const int Bar = 14;
    private const int Gap = 22;

    public string Title => rows[0].Title;

    public int Height => Heading + rows.Count * Row + Gap;

    public bool IsOfRatios { get; } = rows.Any(static row => row.Ratio is not null);

    /// <summary>Where the scale has to end. Only bars count: one disturbed round would press all of them against the edge.</summary>
    public double Greatest => IsOfRatios
        ? Math.Max(1, rows.Max(static row => row.Ratio ?? 0)) * 1.1
        : rows.Max(static row => row.Value ?? 0) is var most and > 0 ? most : 1;

    public IEnumerable<XElement> Draw(int top, double scale)
    {
        yield return Svg.Words(Title, Picture.Margin, top + 12, "title");
        yield return Svg.Words(Note(), Picture.Margin, top + 30, "note");
        top += Heading;
        for (var i = 0; i < rows.Count; i++)
        {
            foreach (var part in DrawRow(rows[i], top + i * Row, scale))
                yield return part;
        }

        if (IsOfRatios)
            yield return Svg.Line("one", At(1, scale), top - 4, At(1, scale), top + rows.Count * Row);
    }

    private static double At(double value, double scale) => BarsLeft + (BarsRight - BarsLeft) * Math.Clamp(value / scale, 0, 1);

    private IEnumerable<XElement> DrawRow(Summary row, int top, double scale)
    {
        const int middle = Row / 2;
        yield return Svg.Words(row.Server, BarsLeft - 8, top + middle + 4, anchor: "end");
        yield return Svg.Words(Numbers(row), RatioLeft, top + middle + 4);
        if ((IsOfRatios ? row.Ratio : row.Value) is not { } length)
            yield break;
        yield return Svg.Element(
            "rect",
            ("class", ClassOf(row)),
            ("x", Svg.Text(BarsLeft)),
            ("y", Svg.Text(top + (Row - Bar) / 2)),
            ("width", Svg.Text(At(length, scale) - BarsLeft)),
            ("height", Svg.Text(Bar)));
        if (IsOfRatios && row is { LeastRatio: { } least, GreatestRatio: { } greatest } && least < greatest)
        {
            yield return Svg.Line("spread", At(least, scale), top + middle, At(greatest, scale), top + middle);
            yield return Svg.Line("spread", At(least, scale), top + middle - 3, At(least, scale), top + middle + 3);

            // A whisker that leaves the scale is left open at its end; its number stands beside it.
            if (greatest <= scale)
                yield return Svg.Line("spread", At(greatest, scale), top + middle - 3, At(greatest, scale), top + middle + 3);
        }
    }

    private static string ClassOf(Summary row) =>
        string.Equals(row.Server, "reactor", StringComparison.Ordinal) ? "bar reactor"
        : string.Equals(row.Server, row.Yardstick, StringComparison.Ordinal) ? "bar yardstick"
        : "bar";

    private static string Numbers(Summary row)
    {
        if (row.Value is null)
            return "no good cell";
        var figure = $"{Table.Text(row.Value)} {row.Figure.Unit}";
        return row.Ratio is null
            ? figure
            : string.Create(CultureInfo.InvariantCulture, $"{row.Ratio:F2} ({row.LeastRatio:F2}..{row.GreatestRatio:F2}), {figure}");
    }

    private string Note()
    {
        var (figure, yardstick) = (rows[0].Figure, Table.NameOf(rows[0].Yardstick));
        if (!IsOfRatios)
            return $"{figure.Name}; {(figure.LessIsBetter ? "shorter" : "longer")} is better";
        var ratio = figure.LessIsBetter ? $"{yardstick}'s over the server's" : $"the server's over {yardstick}'s";
        return $"{figure.Name}, {ratio}: {yardstick} is 1.00, longer is better";
    }
}
