"""Graders as metrics of a run: a score from 0 to 1 for each item, beside those of `luthier.evaluation.metrics`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from luthier.evaluation.answers import Answer
from luthier.evaluation.graders.agreement import repeat_agreement
from luthier.evaluation.graders.forms import ScoreModel
from luthier.evaluation.graders.grades import Grade, TokenUsage, merged_usage
from luthier.evaluation.graders.grading import grade
from luthier.evaluation.graders.items import item_of
from luthier.evaluation.graders.parsing import Grader
from luthier.evaluation.graders.samples import Sample
from luthier.evaluation.graders.tools import GraderTools
from luthier.examples import Example, Origin


@dataclass(frozen=True)
class GraderMetric:
    """A grader under the name it has in reports. ``rows`` are the original rows, by where they came from."""

    name: str
    grader: Grader
    tools: GraderTools
    rows: Mapping[Origin, Mapping[str, Any]] = field(default_factory=dict)

    def score_of(self, found: Grade) -> float:
        """A score_model's range becomes 0 to 1; any other reward beyond 0 and 1 is cut."""
        low, high = self.grader.range if isinstance(self.grader, ScoreModel) else (0.0, 1.0)
        # What failed has the reward 0, which is not the bottom of every range.
        share = 0.0 if found.errors and found.reward == 0 else (found.reward - low) / (high - low)
        return min(1.0, max(0.0, share))


@dataclass(frozen=True)
class Graded:
    """All answers of one arm under one grader."""

    metric: GraderMetric
    grades: tuple[Grade, ...]

    @property
    def scores(self) -> tuple[float, ...]:
        return tuple(self.metric.score_of(found) for found in self.grades)

    @property
    def token_usage(self) -> Mapping[str, TokenUsage]:
        return merged_usage(found.token_usage for found in self.grades)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader of the scores has to know, in sentences; empty where all went well."""
        name, total, notes = self.metric.name, len(self.grades), []
        failed = [found for found in self.grades if found.errors]
        if failed:
            kinds = Counter(kind for found in failed for kind in found.errors.names)
            counts = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
            details = next(
                (f"; the first says: {text[:300]}" for found in failed if (text := found.errors.details)), ""
            )
            notes.append(f"grader {name}: errors in {len(failed)} of {total} grades ({counts}){details}")
        if not isinstance(self.metric.grader, ScoreModel):
            cut = sum(not 0 <= found.reward <= 1 for found in self.grades)
            if cut:
                notes.append(f"grader {name}: {cut} of {total} rewards were beyond 0 and 1 and were cut")
        same = repeat_agreement([found.repeats for found in self.grades])
        if same is not None:
            notes.append(
                f"grader {name}: asked twice about the same answer, the judge says the same {same:.0%} of times"
            )
        for model, used in self.token_usage.items():
            notes.append(
                f"grader {name}: {model} read {used.prompt_tokens:,} and wrote {used.completion_tokens:,} tokens"
            )
        return tuple(notes)


def grade_answers(metric: GraderMetric, answers: Sequence[Answer], golden: Sequence[Example]) -> Graded:
    """Every answer, in order; several at once where that helps (judges and sandboxes wait)."""

    def one(pair: tuple[Answer, Example]) -> Grade:
        answer, example = pair
        sample = Sample(answer.text, finish_reason=answer.finish_reason)
        return grade(metric.grader, item_of(example, metric.rows.get(example.origin)), sample, metric.tools)

    pairs = list(zip(answers, golden, strict=True))
    if metric.tools.at_once <= 1:
        return Graded(metric, tuple(map(one, pairs)))
    with ThreadPoolExecutor(metric.tools.at_once) as pool:
        return Graded(metric, tuple(pool.map(one, pairs)))
