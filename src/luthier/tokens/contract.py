"""The loss-mask contract: a run does not start on data that would train nothing, everything, or half an answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from luthier.errors import DataError, TrainingError
from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.encode import EncodedExample


@dataclass(frozen=True)
class ContractReport:
    """What passed. ``counts``: examples, branches, tokens, trained_tokens, longest (tokens of a branch),
    skipped_too_long (branches), cut (branches), examples_skipped (no branch of theirs fits) and
    examples_without_training (every weight is 0). ``notes``: how many examples carry each kind of note."""

    kept: tuple[EncodedExample, ...]
    counts: dict[str, int]
    notes: dict[str, int]
    skipped: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {"counts": self.counts, "notes": self.notes, "skipped": list(self.skipped)}


def check_contract(
    encoded: Sequence[EncodedExample],
    chat: ChatTemplate,
    max_tokens: int | None = None,
    on_too_long: Literal["stop", "skip-and-report", "cut-and-report"] = "stop",
) -> ContractReport:
    """Raise if training would not mean what the user thinks; nothing is truncated unless that is asked for."""
    if not any(branch.trained_tokens for example in encoded for branch in example.branches):
        raise DataError(
            f"nothing to train: none of {len(encoded)} examples has an assistant turn with a weight above 0",
            expected="at least one assistant turn that is learnt from",
            fix='give an assistant turn "weight": 1 (the default), or look at the rows: luthier show',
        )
    _refuse_all_trained(encoded)
    _refuse_missing_ends(encoded, chat)
    too_long = 0
    if on_too_long == "cut-and-report" and max_tokens is not None:
        encoded, too_long = _cut(encoded, max_tokens)
    kept, skipped, branches_skipped = _fit(encoded, max_tokens, on_too_long)
    branches = [branch for example in kept for branch in example.branches]
    counts = {
        "examples": len(kept),
        "branches": len(branches),
        "tokens": sum(len(branch.ids) for branch in branches),
        "trained_tokens": sum(branch.trained_tokens for branch in branches),
        "longest": max((len(branch.ids) for branch in branches), default=0),
        "skipped_too_long": branches_skipped,
        "cut": too_long,
        "examples_skipped": len(skipped),
        "examples_without_training": sum(not example.branches for example in encoded),
    }
    notes = Counter(note for example in kept for note in example.notes)
    notes.update({note: len(kept) for note in chat.notes})
    return ContractReport(tuple(kept), counts, dict(notes), tuple(skipped))


def _refuse_all_trained(encoded: Sequence[EncodedExample]) -> None:
    if any(0 in branch.weights for example in encoded for branch in example.branches):
        return
    raise TrainingError(
        "every token would be trained: no example has a prompt that is only read",
        expected="a prompt (system, user or tool turns) before each answer",
        fix="check which column holds the prompt: luthier show prints what is trained",
    )


def _refuse_missing_ends(encoded: Sequence[EncodedExample], chat: ChatTemplate) -> None:
    """A model that never trains its end of turn talks on and on after tuning."""
    lacking = [
        (example, branch)
        for example in encoded
        for branch in example.branches
        if branch.trained_tokens and (branch.ids[-1] not in chat.end_ids or branch.weights[-1] == 0)
    ]
    if not lacking:
        return
    example, branch = lacking[0]
    total = sum(len(e.branches) for e in encoded)
    raise TrainingError(
        f"{len(lacking)} of {total} answers do not train the end of their turn; the first is {example.origin}, "
        f"which ends in {chat.decode_all(branch.ids[-3:])!r} (template: {chat.source})",
        expected=f"answers that end in one of {', '.join(chat.endings.texts)}",
        fix="let the template write the end of turn after every answer, or set model.chat_template=plain",
    )


def _cut(encoded: Sequence[EncodedExample], max_tokens: int) -> tuple[list[EncodedExample], int]:
    """End what is too long after ``max_tokens``; a branch that then trains nothing is left out. And how many."""
    count = sum(len(branch.ids) > max_tokens for example in encoded for branch in example.branches)
    cut = []
    for example in encoded:
        ends = (Branch(branch.ids[:max_tokens], branch.weights[:max_tokens]) for branch in example.branches)
        cut.append(replace(example, branches=tuple(branch for branch in ends if branch.trained_tokens)))
    return cut, count


def _fit(
    encoded: Sequence[EncodedExample], max_tokens: int | None, on_too_long: str
) -> tuple[list[EncodedExample], list[str], int]:
    """Drop branches that are too long, and with its last branch the example; or refuse to."""
    limit = max_tokens if max_tokens is not None else float("inf")
    too_long = [(e, b) for e in encoded for b in e.branches if len(b.ids) > limit]
    if too_long and on_too_long == "stop":
        raise _too_long_error(too_long, max_tokens or 0)
    kept: list[EncodedExample] = []
    skipped: list[str] = []
    for example in encoded:
        branches = tuple(branch for branch in example.branches if len(branch.ids) <= limit)
        if branches:
            kept.append(replace(example, branches=branches))
        elif example.branches:
            skipped.append(f"{example.origin}: {max(len(b.ids) for b in example.branches)} tokens")
    if not kept:
        raise _too_long_error(too_long, max_tokens or 0)
    return kept, skipped, len(too_long)


def _too_long_error(too_long: Sequence[tuple[EncodedExample, Branch]], max_tokens: int) -> DataError:
    longest = max(len(branch.ids) for _, branch in too_long)
    return DataError(
        f"{len(too_long)} answers do not fit: with their prompt they take up to {longest} tokens; the first is "
        f"{too_long[0][0].origin}",
        expected=f"at most {max_tokens} tokens (data.max_tokens, or the model's context)",
        fix=f"set data.max_tokens={longest} if the model's context allows it, shorten the rows, or leave them out "
        "with data.on_too_long=skip-and-report",
    )
