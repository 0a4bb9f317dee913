"""Advice as text: everything is there, and no line is too long."""

from advice.situations import arms, evidence
from luthier.advice import decide_approach, draw_advice, draw_path


def test_the_text_holds_answer_reasons_path_and_what_would_change_it():
    advice = decide_approach(evidence(freshness="weekly", arms=arms(prompt=0.3, rag=0.5, tuned=0.9)))
    text = draw_advice(advice)
    assert text.startswith("Retrieve")
    for part in ("Why (measured)", "The path:", "What would change it:", "they change: weekly"):
        assert part in text
    assert max(map(len, text.splitlines())) <= 96


def test_the_path_ends_in_the_answer():
    advice = decide_approach(evidence(goal="unclear"))
    assert draw_path(advice)[-1] == "* Revisit the goal"
    assert "assumed: nothing was measured yet" in draw_advice(advice)
