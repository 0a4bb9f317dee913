"""What advice is made of: the answer, its reasons, the questions on the way, and what would change it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = Literal["prompt", "few-shot", "rag", "tune", "tune+rag", "collect data", "revisit the goal"]
Basis = Literal["measured", "assumed"]

WORDS: dict[Answer, str] = {
    "prompt": "Write a good prompt",
    "few-shot": "Show examples in the prompt",
    "rag": "Retrieve: put the right passages into the prompt",
    "tune": "Tune the model",
    "tune+rag": "Tune the model, and retrieve",
    "collect data": "Collect data first",
    "revisit the goal": "Revisit the goal",
}


@dataclass(frozen=True)
class Reason:
    """One sentence and the figures it rests on."""

    sentence: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Step:
    """One question on the way, what was found, and where that led."""

    question: str
    found: str
    went: str


@dataclass(frozen=True)
class Advice:
    """``arm`` is the measured arm that is meant, where there is one."""

    answer: Answer
    sentence: str
    basis: Basis
    reasons: tuple[Reason, ...]
    path: tuple[Step, ...]
    would_change: tuple[str, ...]
    arm: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "answer": self.answer,
            "sentence": self.sentence,
            "basis": self.basis,
            "arm": self.arm,
            "reasons": [{"sentence": reason.sentence, "evidence": dict(reason.evidence)} for reason in self.reasons],
            "path": [{"question": step.question, "found": step.found, "went": step.went} for step in self.path],
            "would_change": list(self.would_change),
        }


@dataclass(frozen=True)
class Notes:
    """What has been asked and found so far; each addition makes a new one."""

    reasons: tuple[Reason, ...] = ()
    path: tuple[Step, ...] = ()
    would_change: tuple[str, ...] = ()

    def step(self, question: str, found: str, went: str) -> Notes:
        return Notes(self.reasons, (*self.path, Step(question, found, went)), self.would_change)

    def because(self, sentence: str, **evidence: Any) -> Notes:
        return Notes((*self.reasons, Reason(sentence, evidence)), self.path, self.would_change)

    def unless(self, *sentences: str) -> Notes:
        new = tuple(sentence for sentence in sentences if sentence not in self.would_change)
        return Notes(self.reasons, self.path, self.would_change + new)

    def conclude(self, answer: Answer, sentence: str, basis: Basis, arm: str | None = None) -> Advice:
        return Advice(answer, sentence, basis, self.reasons, self.path, self.would_change, arm)
