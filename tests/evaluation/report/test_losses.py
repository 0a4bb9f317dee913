"""The loss curves are well-formed, stay inside their frame and mark the best step."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation.report import Overfitting
from luthier.evaluation.report.losses import curve_stride, loss_plot

LOSSES = st.floats(0, 1e6)
CURVES = st.lists(st.tuples(st.integers(0, 5000), LOSSES), max_size=12).map(lambda pairs: sorted(dict(pairs).items()))


def places(svg: ElementTree.Element) -> list[float]:
    names = ("x", "x1", "x2", "cx")
    texts = [element.get(name, "") for element in svg.iter() for name in names]
    return [float(text[:-1]) for text in texts if text.endswith("%")]


@given(CURVES, CURVES)
def test_any_curves_give_a_well_formed_drawing_within_its_frame(train, validation):
    drawn = loss_plot(
        Overfitting(verdict="no sign", sentence="", best_step=None, train_curve=train, validation_curve=validation)
    )
    if train or validation:
        assert all(0 <= place <= 100 for place in places(ElementTree.fromstring(drawn)))
    else:
        assert drawn == ""


def test_the_best_step_is_marked(report):
    assert "best: step 6" in loss_plot(report.overfitting)


@pytest.mark.parametrize(("steps", "stride"), [(10, 1), (240, 1), (241, 2), (5000, 21)])
def test_a_long_curve_is_averaged_to_what_a_screen_can_show(steps, stride):
    curve = tuple((step, 1.0) for step in range(steps))
    assert curve_stride(curve) == stride
    drawn = ElementTree.fromstring(loss_plot(Overfitting(verdict="", sentence="", train_curve=curve)))
    line = next(drawn.iter("polyline"))
    assert len((line.get("points") or "").split()) <= 240


def test_losses_that_span_a_wide_range_are_drawn_on_a_logarithmic_scale():
    curve = ((0, 5.0), (10, 0.5), (20, 0.05))
    drawn = ElementTree.fromstring(loss_plot(Overfitting(verdict="", sentence="", validation_curve=curve)))
    first, second, third = (float(circle.get("cy", "")) for circle in drawn.iter("circle"))
    assert second - first == pytest.approx(third - second, abs=0.2)
