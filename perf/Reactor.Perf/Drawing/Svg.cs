using System.Globalization;
using System.Xml.Linq;

namespace Reactor.Perf.Drawing;

/// <summary>The few elements of SVG that the pictures are made of.</summary>
internal static class Svg
{
    public static readonly XNamespace Namespace = "http://www.w3.org/2000/svg";

    public static XElement Element(string name, params ReadOnlySpan<(string Name, string Value)> attributes)
    {
        var element = new XElement(Namespace + name);
        foreach (var (attribute, value) in attributes)
            element.SetAttributeValue(attribute, value);
        return element;
    }

    public static XElement Words(string words, double x, double y, string? style = null, string? anchor = null)
    {
        var text = Element("text", ("x", Text(x)), ("y", Text(y)));
        text.SetAttributeValue("class", style);
        text.SetAttributeValue("text-anchor", anchor);
        text.Value = words;
        return text;
    }

    public static XElement Line(string style, double x1, double y1, double x2, double y2) =>
        Element("line", ("class", style), ("x1", Text(x1)), ("y1", Text(y1)), ("x2", Text(x2)), ("y2", Text(y2)));

    /// <summary>To a tenth of a pixel, which is as fine as can be seen and the same everywhere.</summary>
    public static string Text(double number) => number.ToString("0.#", CultureInfo.InvariantCulture);
}
