"""The drawn path is XML of its own, says what the text says, and lets nothing in."""

import itertools
from xml.etree import ElementTree

import pytest

from advice.cases import ASSUMED, MEASURED
from advice.situations import arm, evidence
from luthier.advice import decide_approach, draw_path_svg

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("known", [case[1] for case in (*ASSUMED, *MEASURED)])
def test_every_path_is_drawn_whole(known: dict):
    advice = decide_approach(evidence(**known))
    drawing = ElementTree.fromstring(draw_path_svg(advice))
    words = " ".join(element.text or "" for element in drawing.iter(f"{SVG}text"))
    for step in advice.path:
        assert step.question in words and step.went in words
    assert len(list(drawing.iter(f"{SVG}rect"))) == len(advice.path) + 1


def test_boxes_lie_inside_the_drawing_and_below_each_other():
    drawing = ElementTree.fromstring(draw_path_svg(decide_approach(evidence(goal="knowledge"))))
    height = float(drawing.attrib["viewBox"].split()[3])
    boxes = [(float(box.attrib["y"]), float(box.attrib["height"])) for box in drawing.iter(f"{SVG}rect")]
    assert all(top + size < next_top for (top, size), (next_top, _) in itertools.pairwise(boxes))
    assert boxes[-1][0] + boxes[-1][1] <= height


def test_names_from_outside_cannot_leave_their_place():
    hostile = evidence(arms=(arm("<script>alert(1)</script>\x00", 0.2), arm("tuned", 0.9)))
    text = draw_path_svg(decide_approach(hostile))
    ElementTree.fromstring(text)
    assert "<script>" not in text
