"""Green, amber or red: what was measured, held against the thresholds, and said in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.evaluation.answers import Answer
from luthier.evaluation.forgetting.checks import passes
from luthier.evaluation.forgetting.drift import Reading, measure_drift
from luthier.evaluation.forgetting.evidence import AnsweredTwice, Evidence, RegressionAnswers, readable_languages
from luthier.evaluation.forgetting.flips import Flips, count_flips, right_or_wrong
from luthier.evaluation.forgetting.measures import (
    Measure,
    drift_measures,
    graded_measure,
    informative,
    length_measure,
    share_measure,
)
from luthier.evaluation.forgetting.memorisation import Memorisation
from luthier.evaluation.forgetting.remedies import HowTuned, remedies
from luthier.evaluation.forgetting.thresholds import LEAST_SHARE_RIGHT, SEVERITY, Colour
from luthier.evaluation.forgetting.traits import is_refusal, language_of, repetition
from luthier.evaluation.overfitting import SetGaps
from luthier.evaluation.statistics import mean_interval

WORDS: dict[Colour, str] = {
    "green": "No sign of forgetting",
    "amber": "Some forgetting",
    "red": "Much is forgotten",
    "grey": "Forgetting could not be judged",
}


@dataclass(frozen=True)
class ForgettingReport:
    """What `forgetting.json` holds."""

    verdict: Colour
    sentence: str
    measures: tuple[Measure, ...]
    flips: Flips
    memorisation: Memorisation | None
    overfitting: SetGaps | None
    languages: tuple[str, ...]
    remedies: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "sentence": self.sentence,
            "measures": [measure.as_json() for measure in self.measures],
            "flips": self.flips.as_json(),
            "memorisation": self.memorisation.as_json() if self.memorisation else {},
            "overfitting": self.overfitting.as_json() if self.overfitting else {},
            "languages": list(self.languages),
            "remedies": list(self.remedies),
        }


def judge_forgetting(
    evidence: Evidence, memorisation: Memorisation | None, overfitting: SetGaps | None, how: HowTuned
) -> ForgettingReport:
    """The verdict is the worst colour of all measures that are judged; remedies come with amber and red."""
    languages = readable_languages(evidence.battery.passages, evidence.passages)
    items = _items(evidence)
    answers_at_all = mean_interval([float(hit) for hit in _base_hits(evidence)]).low >= LEAST_SHARE_RIGHT
    answered = (items, *_own_answers(evidence.own_answers), *_traits(evidence))
    if not answers_at_all:
        reason = (
            f"the base got only {100 * (items.base or 0):.0f} % of the items right, so what it answers says little; "
            "the verdict rests on the passages."
        )
        answered = informative(answered, reason)
    measures = (
        *_passages(evidence, languages),
        *answered,
        *_task_inputs(evidence.task_inputs),
        *(_regression(evidence.regression) if evidence.regression else ()),
    )
    colours: list[Colour] = [measure.colour for measure in measures]
    if memorisation:
        colours.append(memorisation.colour)
    verdict = max(colours, key=lambda colour: SEVERITY[colour])
    has_memorised = memorisation is not None and memorisation.colour != "green"
    return ForgettingReport(
        verdict=verdict,
        sentence=_sentence(verdict, measures, memorisation, languages),
        measures=measures,
        flips=count_flips(evidence.battery.items, evidence.items),
        memorisation=memorisation,
        overfitting=overfitting,
        languages=languages,
        remedies=remedies(how, has_memorised) if verdict in ("amber", "red") else (),
    )


def _passages(evidence: Evidence, languages: Sequence[str]) -> tuple[Measure, ...]:
    pairs = zip(evidence.battery.passages, evidence.passages, strict=True)
    drift = measure_drift([reading for passage, reading in pairs if passage.language in languages])
    return drift_measures(drift, "generic passages", "passages") if drift else ()


def _own_answers(readings: Sequence[Reading]) -> tuple[Measure, ...]:
    drift = measure_drift(readings)
    return drift_measures(drift, "the base's own answers", "own_answers")[:1] if drift else ()


def _task_inputs(readings: Sequence[Reading]) -> tuple[Measure, ...]:
    drift = measure_drift(readings)
    if drift is None:
        return ()
    reason = "to move here is what tuning is for."
    return informative(drift_measures(drift, "the inputs of validation rows", "task_inputs"), reason)


def _items(evidence: Evidence) -> Measure:
    base, tuned = right_or_wrong(evidence.battery.items, evidence.items)
    return share_measure("items_right", base, tuned, "Generic items answered rightly")


def _base_hits(evidence: Evidence) -> list[bool]:
    return right_or_wrong(evidence.battery.items, evidence.items)[0]


def _traits(evidence: Evidence) -> tuple[Measure, ...]:
    questions, answers = evidence.battery.questions, evidence.questions
    base, tuned = _texts(answers.base), _texts(answers.tuned)
    lengths = [[answer.completion_tokens for answer in part] for part in (answers.base, answers.tuned)]
    languages = [question.language for question in questions]
    return (
        length_measure(lengths[0], lengths[1]),
        graded_measure(
            "repetition",
            [repetition(text) for text in base],
            [repetition(text) for text in tuned],
            "Runs of four words that occurred before in the same answer",
        ),
        share_measure(
            "refusals",
            [is_refusal(text) for text in base],
            [is_refusal(text) for text in tuned],
            "Open questions that were refused",
        ),
        share_measure(
            "own_language",
            [language_of(text) == own for text, own in zip(base, languages, strict=True)],
            [language_of(text) == own for text, own in zip(tuned, languages, strict=True)],
            "Open questions answered in their own language",
        ),
    )


def _texts(answers: Sequence[Answer]) -> list[str]:
    return [answer.text for answer in answers]


def _regression(found: RegressionAnswers) -> tuple[Measure, ...]:
    """A gate: the drop itself decides, not its interval, since the user chose both the items and the limit."""
    base, tuned = _passed(found.answers, found)
    measure = share_measure("regression", base, tuned, "Your regression set")
    has_dropped = -measure.change > found.max_drop + 1e-12
    sentence = f"{measure.sentence} {'More' if has_dropped else 'No more'} than the allowed drop of "
    sentence += f"{100 * found.max_drop:g} points."
    colour: Colour = "red" if has_dropped else "green"
    return (replace(measure, colour=colour, threshold_red=-found.max_drop, sentence=sentence),)


def _passed(answers: AnsweredTwice, found: RegressionAnswers) -> tuple[list[bool], list[bool]]:
    base = [passes(item.check, answer.text) for item, answer in zip(found.items, answers.base, strict=True)]
    tuned = [passes(item.check, answer.text) for item, answer in zip(found.items, answers.tuned, strict=True)]
    return base, tuned


def _sentence(
    verdict: Colour, measures: Sequence[Measure], memorisation: Memorisation | None, languages: Sequence[str]
) -> str:
    """The verdict and the measures that decided it; in green, the perplexity ratio, which says most in one number."""
    deciding = [measure.sentence for measure in measures if measure.colour == verdict != "green"]
    if memorisation and memorisation.colour == verdict != "green":
        deciding.append(memorisation.sentence)
    if verdict == "green":
        deciding = [m.sentence for m in measures if m.name == "perplexity_ratio_passages"]
    silent = any(measure.name == "items_right" and measure.colour == "grey" for measure in measures)
    note = " The base answers too few items for them to say anything." if silent else ""
    read = f" Passages in: {', '.join(languages)}."
    return f"{WORDS[verdict]}. {' '.join(deciding)}{note}{read}"
