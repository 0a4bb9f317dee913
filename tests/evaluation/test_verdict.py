"""The verdict says better or worse only with evidence, in words one can act on."""

from luthier.evaluation import Answer, ArmResult, ClassicalBaseline, Verdict, decide


def arm(name: str, right: int, of: int, cut_off: int = 0) -> ArmResult:
    answers = [Answer("", finish_reason="length" if index < cut_off else "stop") for index in range(of)]
    return ArmResult(name, tuple(answers), {"field_match": (1.0,) * right + (0.0,) * (of - right)})


def judge(tuned: int, few_shot: int, base: int = 20, of: int = 200) -> Verdict:
    return decide([arm("base", base, of), arm("few-shot", few_shot, of), arm("tuned", tuned, of)], "field_match")


def classifier(right: int, of: int = 200) -> ClassicalBaseline:
    return ClassicalBaseline(arm("tf-idf", right, of), training_seconds=12.2, answering_seconds=1.0)


def test_a_clear_win_over_the_best_untuned_arm_is_tuned_better():
    verdict = judge(tuned=180, few_shot=133)
    assert verdict.decision == "tuned better"
    assert verdict.sentence == (
        "Tuned is better than few-shot, the best untuned arm, by 23.5 points of field match "
        "(95 % interval 17.5 to 30.8) on 200 items."
    )
    assert (verdict.best_untuned, verdict.items, len(verdict.comparisons)) == ("few-shot", 200, 2)


def test_a_win_over_a_weak_arm_does_not_count_when_a_strong_one_is_near():
    verdict = judge(tuned=180, few_shot=177)
    assert verdict.decision == "no evidence"
    assert verdict.sentence.startswith("Cannot tell whether tuned is better than few-shot, the best untuned arm: ")
    assert verdict.sentence.endswith(" more items would settle a difference of this size.")


def test_a_clear_loss_is_tuned_worse():
    verdict = judge(tuned=100, few_shot=150)
    assert verdict.decision == "tuned worse"
    assert verdict.sentence.startswith("Tuned is worse than few-shot, the best untuned arm, by 25.0 points")


def test_a_small_loss_is_no_evidence_of_harm():
    assert "Cannot tell whether tuned is worse than few-shot" in judge(tuned=148, few_shot=150).sentence


def test_equal_scores_need_no_more_items():
    verdict = judge(tuned=150, few_shot=150)
    assert verdict.decision == "no evidence"
    assert verdict.sentence == (
        "Cannot tell tuned and few-shot, the best untuned arm, apart: they score the same on 200 items; "
        "a difference may still lie anywhere in the 95 % interval -2.5 to 2.5."
    )


def test_with_one_untuned_arm_nobody_is_called_the_best():
    verdict = decide([arm("base", 20, 200), arm("tuned", 180, 200)], "field_match")
    assert verdict.sentence.startswith("Tuned is better than base by 80.0 points")


def test_one_arm_alone_gets_no_verdict():
    for alone, missing in (("tuned", "an untuned arm"), ("base", "the tuned arm")):
        verdict = decide([arm(alone, 5, 10)], "field_match")
        assert verdict.decision == "no evidence" and missing in verdict.sentence


def test_five_of_five_is_not_enough_to_decide():
    verdict = decide([arm("base", 0, 5), arm("tuned", 5, 5)], "field_match")
    assert verdict.decision == "no evidence"
    assert any("disagree" in reason for reason in verdict.reasons)
    assert any(reason.startswith("Only 5 items") for reason in verdict.reasons)


def test_a_classifier_that_does_as_well_is_said_plainly():
    arms = [arm("base", 20, 200), arm("tuned", 178, 200)]
    for right, words in ((178, "does as well: 89.0 % field match"), (195, "does better: 97.5 %")):
        verdict = decide(arms, "field_match", classifier(right))
        expected = f"A TF-IDF classifier that trains in 12 seconds {words}"
        assert verdict.classical_sentence and verdict.classical_sentence.startswith(expected)
        assert verdict.classical_sentence in verdict.reasons
        assert "Consider using it instead." in verdict.classical_sentence


def test_a_classifier_slightly_behind_is_as_good_as_the_items_can_tell():
    verdict = decide([arm("base", 20, 200), arm("tuned", 178, 200)], "field_match", classifier(177))
    assert verdict.classical_sentence and "as far as 200 items can tell" in verdict.classical_sentence


def test_a_classifier_far_behind_is_reported_too_and_does_not_change_the_decision():
    arms = [arm("base", 20, 200), arm("tuned", 178, 200)]
    verdict = decide(arms, "field_match", classifier(100))
    assert verdict.classical_sentence and "does less well: 50.0 %" in verdict.classical_sentence
    assert verdict.decision == decide(arms, "field_match").decision == "tuned better"


def test_answers_cut_off_at_the_limit_are_a_reason_to_look_twice():
    verdict = decide([arm("base", 20, 200, cut_off=50), arm("tuned", 180, 200, cut_off=1)], "field_match")
    assert "50 of 200 answers of base were cut off at the token limit." in verdict.reasons
    assert not any("of tuned were cut off" in reason for reason in verdict.reasons)


def two_metrics(name: str, exact: int, valid: int, of: int = 200) -> ArmResult:
    scores = {
        "exact_match": (1.0,) * exact + (0.0,) * (of - exact),
        "json_valid": (1.0,) * valid + (0.0,) * (of - valid),
    }
    return ArmResult(name, (Answer(""),) * of, scores)


def test_a_further_metric_may_decide_and_all_are_judged_together():
    arms = [two_metrics("base", 100, 100), two_metrics("tuned", 101, 150)]
    assert decide(arms, "exact_match").decision == "no evidence"
    verdict = decide(arms, "exact_match", also_deciding=["json_valid"])
    assert verdict.decision == "tuned better" and "points of json valid" in verdict.sentence
    assert len(verdict.comparisons) == 2
    assert verdict.comparisons[0].low < decide(arms, "exact_match").comparisons[0].low


def test_better_on_one_metric_and_worse_on_another_decides_nothing():
    arms = [two_metrics("base", 100, 150), two_metrics("tuned", 150, 100)]
    verdict = decide(arms, "exact_match", also_deciding=["json_valid"])
    assert verdict.decision == "no evidence"
    assert verdict.sentence == "Cannot tell whether tuning helps or harms: it does both, by metric, on 200 items."
    assert "Tuned is better by exact match and worse by json valid: which counts is yours to say." in verdict.reasons


def test_an_evaluation_that_stopped_early_is_judged_more_strictly_and_says_so():
    arms = [arm("base", 100, 200), arm("tuned", 106, 200)]
    assert decide(arms, "field_match").decision == "tuned better"
    early = decide(arms, "field_match", stopped_early=True)
    assert early.decision == "no evidence"
    assert any("Items were asked until it was decided" in reason for reason in early.reasons)
    assert decide([arm("base", 100, 200), arm("tuned", 150, 200)], "field_match", stopped_early=True).decision == (
        "tuned better"
    )
