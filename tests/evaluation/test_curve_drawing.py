"""A learning curve as SVG and as letters."""

from xml.etree import ElementTree

from luthier.evaluation import (
    CurvePoint,
    curve_svg,
    curve_text,
    drawn_curve,
    fit_loss_curve,
    fit_score_curve,
    forecast_rows,
)

SVG = "{http://www.w3.org/2000/svg}"


def drawn():
    points = [CurvePoint(n, seed, 0.9 / (1 + 500 / n), 500, 1.0, 0.05) for n in (50, 100, 200, 400) for seed in (0, 1)]
    score, loss = fit_score_curve(points), fit_loss_curve(points)
    return drawn_curve(points, score, [forecast_rows(score, loss, n, 400, None) for n in (400, 800, 2_000)])


def test_the_drawing_holds_every_point_and_every_forecast():
    root = ElementTree.fromstring(curve_svg(drawn()))
    assert len(root.findall(f"{SVG}circle")) == 8
    assert len([line for line in root.findall(f"{SVG}line") if line.get("class") == "forecast"]) == 3
    labels = [text.text for text in root.findall(f"{SVG}text")]
    assert {"50", "100", "2,000"} <= set(labels)


def test_the_drawing_stays_within_its_frame():
    root = ElementTree.fromstring(curve_svg(drawn()))
    for circle in root.findall(f"{SVG}circle"):
        assert 0 < float(circle.get("cx", "-1")) < 640 and 0 < float(circle.get("cy", "-1")) < 320


def test_letters_rise_from_left_to_right():
    *lines, axis = curve_text(drawn()).splitlines()
    columns = [line.find("o") for line in reversed(lines) if "o" in line]
    assert columns == sorted(columns) and len(columns) == 4
    assert axis.split() == ["50", "100", "200", "400", "800", "2,000", "rows"]
