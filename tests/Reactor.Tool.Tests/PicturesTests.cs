using System.Text;
using System.Xml.Linq;
using Reactor.Perf.Comparison;
using Reactor.Perf.Drawing;

namespace Reactor.Tool.Tests;

/// <summary>The pictures that <c>perf/run --draw</c> makes of a result.</summary>
public sealed class PicturesTests
{
    private const string Json = """
        {
          "machine": { "processor": "A <fast> & quiet one", "cores": 2, "kernel": "6.1", "dotnet": ".NET 10", "governors": ["none", "none"] },
          "day": "2026-11-21", "seconds": 3, "warmup_seconds": 5, "rounds": 5,
          "summaries": [
            { "scenario": "64x64", "title": "64 connections of 64 B", "server": "epoll", "group": "echo", "yardstick": "epoll",
              "figure": { "name": "processor time a request", "unit": "CPU us/request", "less_is_better": true },
              "value": 5.5, "ratio": 1, "least_ratio": 1, "greatest_ratio": 1 },
            { "scenario": "64x64", "title": "64 connections of 64 B", "server": "reactor", "group": "echo", "yardstick": "epoll",
              "figure": { "name": "processor time a request", "unit": "CPU us/request", "less_is_better": true },
              "value": 5, "ratio": 1.1, "least_ratio": 0.9, "greatest_ratio": 9 },
            { "scenario": "64x64", "title": "64 connections of 64 B", "server": "socket", "group": "echo", "yardstick": "epoll",
              "figure": { "name": "processor time a request", "unit": "CPU us/request", "less_is_better": true } },
            { "scenario": "idle", "title": "An idle loop", "server": "reactor", "group": "../idle", "yardstick": "epoll",
              "figure": { "name": "processor time", "unit": "CPU us/s", "less_is_better": true }, "value": 0 }
          ],
          "cells": []
        }
        """;

    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [Test]
    public async Task Every_contestant_with_a_figure_has_a_bar_as_long_as_its_ratio()
    {
        var picture = XDocument.Parse(Encoding.UTF8.GetString(Pictures.Draw(await ReportAsync(), "echo")));
        var bars = picture.Descendants(Svg + "rect").Where(static each => Class(each).StartsWith("bar", StringComparison.Ordinal)).ToList();

        Assert.That(bars.Select(Class), Is.EqualTo((string[])["bar yardstick", "bar reactor"]));
        Assert.That((double)bars[1].Attribute("width")! / (double)bars[0].Attribute("width")!, Is.EqualTo(1.1).Within(0.001));
        var one = picture.Descendants(Svg + "line").Single(static each => Class(each) is "one");
        Assert.That((double)one.Attribute("x1")!, Is.EqualTo((double)bars[0].Attribute("x")! + (double)bars[0].Attribute("width")!).Within(0.1));
    }

    [Test]
    public async Task What_was_thrown_out_and_where_it_was_measured_stands_there_in_words()
    {
        var picture = XDocument.Parse(Encoding.UTF8.GetString(Pictures.Draw(await ReportAsync(), "echo")));
        var words = picture.Descendants(Svg + "text").Select(static each => each.Value).ToList();

        Assert.That(words, Has.Member("socket").And.Member("no good cell").And.Member("1.10 (0.90..9.00), 5.00 CPU us/request"));
        Assert.That(words, Has.Some.Contains("A <fast> & quiet one"));
    }

    [Test]
    public async Task The_same_result_gives_the_same_bytes_and_nothing_is_fetched()
    {
        var report = await ReportAsync();
        var picture = Pictures.Draw(report, "echo");

        Assert.That(Pictures.Draw(report, "echo"), Is.EqualTo(picture));
        Assert.That(Encoding.UTF8.GetString(picture).Replace(Svg.NamespaceName, "", StringComparison.Ordinal), Does.Not.Contain("http").And.Not.Contain("\r"));
    }

    [Test]
    public async Task Each_group_has_a_file_in_the_folder_whatever_it_is_called()
    {
        var folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, "pictures");

        var files = await Pictures.WriteAsync(await ReportAsync(), folder);

        Assert.That(files, Is.EqualTo((string[])[Path.Combine(folder, "echo.svg"), Path.Combine(folder, "---idle.svg")]));
        Assert.That(files, Is.All.Exist);
    }

    [TestCase("{}")]
    [TestCase("null")]
    [TestCase("not JSON")]
    public void A_file_that_is_no_result_is_refused(string text)
    {
        Assert.That(async () => await Report.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(text)), CancellationToken.None), Throws.InstanceOf<System.Text.Json.JsonException>());
    }

    [TestCase(true, 2.0)]
    [TestCase(false, 0.5)]
    public void Better_than_the_yardstick_is_more_than_one_whichever_way_the_figure_counts(bool lessIsBetter, double ratio)
    {
        var figure = new Figure("a figure", "units", lessIsBetter);

        Assert.That(figure.Ratio(5, yardstick: 10), Is.EqualTo(ratio));
        Assert.That((figure.Ratio(0, 10), figure.Ratio(10, 0), figure.Ratio(null, 10)), Is.EqualTo(((double?)null, (double?)null, (double?)null)));
    }

    private static string Class(XElement element) => (string?)element.Attribute("class") ?? "";

    private static Task<Report> ReportAsync() => Report.ReadAsync(new MemoryStream(Encoding.UTF8.GetBytes(Json)), CancellationToken.None);
}
