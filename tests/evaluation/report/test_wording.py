"""Figures as people read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from luthier.evaluation.report import wording

MINUS = "\u2212"
SHARES = st.floats(0, 1)


@pytest.mark.parametrize(("share", "text"), [(0.913, "91.3"), (1.0, "100.0"), (0.0, "0.0"), (-0.00001, "0.0")])
def test_a_score_has_one_decimal(share, text):
    assert wording.points(share) == text


@pytest.mark.parametrize(("share", "text"), [(0.02, "+2.0"), (-0.02, f"{MINUS}2.0"), (0.0, "0.0")])
def test_a_difference_shows_its_sign(share, text):
    assert wording.signed_points(share) == text


def test_a_narrow_interval_gets_the_decimals_that_tell_its_ends_apart():
    assert wording.bounds(0.99912, 0.99934) == "99.91 to 99.93"


@given(SHARES, SHARES)
def test_an_interval_always_has_two_ends_and_never_a_plus_minus(one, other):
    text = wording.bounds(min(one, other), max(one, other))
    assert " to " in text
    assert "±" not in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0042, "4.2 ms"),
        (0.112, "112 ms"),
        (1.24, "1.2 s"),
        (59.7, "1 min"),
        (217, "3 min 37 s"),
        (5700, "1 h 35 min"),
    ],
)
def test_time_is_told_in_the_unit_one_would_use(seconds, text):
    assert wording.duration(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [(512, "512 bytes"), (16_300_000, "16.3 MB"), (1_720_000_000, "1.7 GB"), (999_600_000, "1.0 GB"), (None, "–")],
)
def test_memory_is_told_in_the_unit_one_would_use(size, text):
    assert wording.byte_size(size).replace(wording.JOINT, " ") == text


@pytest.mark.parametrize(
    ("value", "text"), [(812, "812"), (54_330, "54,330"), (1_234_567, "1.23 million"), (2.5e9, "2.50 billion")]
)
def test_counts_stay_readable(value, text):
    assert wording.count(value) == text


@pytest.mark.parametrize(("p", "text"), [(0.0, "p < 0.001"), (0.0213, "p = 0.021"), (0.41, "p = 0.41")])
def test_a_tiny_p_is_never_zero(p, text):
    assert wording.p_value(p).replace(wording.JOINT, " ") == text


@pytest.mark.parametrize(("name", "title"), [("field_match", "field match"), ("json_valid", "JSON valid")])
def test_metrics_are_named_in_words(name, title):
    assert wording.metric_title(name) == title


def test_small_settings_keep_their_exponent():
    assert wording.value_text(1e-8) == "1e-08"


def test_control_characters_become_visible_and_line_breaks_stay():
    assert wording.visible("bell\x07 nul\x00\r\nnext\tline") == "bell\u2407 nul\u2400\nnext\tline"
