"""Figures in words: who is ahead, how sure that is, what it cost."""

from __future__ import annotations

from luthier.evaluation.report.sentences import say_comparison, say_prediction, say_saving
from luthier.evaluation.report.wording import JOINT


def say(report, **changes):
    comparison = report.comparisons[0].model_copy(update=changes)
    said = say_comparison(comparison, report)
    return said.mark, said.claim, said.figures.replace(JOINT, " ")


def test_a_settled_gain_names_both_arms_the_interval_and_the_count(report):
    mark, claim, figures = say(report)
    assert (mark, claim) == ("better", "Tuned scores 42.9 points above Base + few-shot")
    assert figures == "field match, 95 % interval of the difference +37.1 to +48.6 points, p < 0.001, n = 200"


def test_a_settled_loss_of_the_tuned_arm_is_bad_news_whichever_side_it_is_named_on(report):
    assert say(report, better="few-shot", worse="tuned")[0] == "worse"
    assert say(report, difference=-0.05, low=-0.08, high=-0.02)[0] == "worse"


def test_an_open_comparison_says_how_many_more_items_it_would_take(report):
    mark, claim, figures = say(report, difference=0.01, low=-0.03, high=0.05, p=0.6, more_items_needed=1450)
    assert mark == "open"
    assert claim.startswith("No evidence of a difference")
    assert "about 1,500 more items like these would settle it" in figures


def test_an_interval_that_excludes_zero_is_open_when_the_corrected_test_disagrees(report):
    mark, _, figures = say(report, low=0.001, adjusted_p=0.06)
    assert mark == "open"
    assert "adjusted p = 0.060" in figures


def test_a_comparison_without_the_tuned_arm_is_a_note(report):
    assert say(report, better=report.baseline.name)[0] == "note"


def test_the_saving_of_folding_is_told_as_a_share(report):
    assert "spared 40 % of the computation" in say_saving(report.ledger)


def test_no_saving_is_said_plainly(report):
    ledger = report.ledger.model_copy(update={"computed_tokens": report.ledger.given_tokens})
    assert say_saving(ledger).startswith("Folding saved nothing")


def test_the_prediction_stands_beside_what_happened(report):
    said = say_prediction(report.ledger).replace(JOINT, " ")
    assert said == "Training took 3 min 37 s against 4 min 6 s predicted, 1.7 GB at the peak against 1.9 GB predicted."
