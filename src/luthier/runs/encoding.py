"""From prepared examples to training examples, under the loss-mask contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from luthier.errors import DataError
from luthier.events import Event, Noticed, Warned
from luthier.examples import Example
from luthier.recipe import DataSettings
from luthier.runs.workbench import Workbench
from luthier.tokens import ContractReport, EncodedExample, check_contract, encode_examples
from luthier.training import TrainingExample


@dataclass(frozen=True)
class EncodedData:
    """What the loop learns from and watches, and the contract's counts for the report."""

    train: tuple[TrainingExample, ...]
    validation: tuple[TrainingExample, ...]
    contract: dict[str, Any]


def encode_data(
    train: Sequence[Example], validation: Sequence[Example], bench: Workbench, settings: DataSettings
) -> tuple[EncodedData, list[Event]]:
    """Encode and check both sets; the events tell what was noted, skipped and counted."""
    events: list[Event] = []
    checked_train, refused = _encode(train, bench, settings)
    checked_validation = _encode(validation, bench, settings)[0] if validation else None
    counts = checked_train.counts
    events.append(
        Noticed(
            f"{counts['examples']:,} examples, {counts['tokens']:,} tokens, {counts['trained_tokens']:,} of them "
            f"trained; the longest has {counts['longest']:,} of {bench.context_tokens:,} tokens"
        )
    )
    events += [Noticed(f"{number:,} examples: {note}") for note, number in checked_train.notes.items()]
    if counts["skipped_too_long"]:
        events.append(
            Warned(f"{counts['skipped_too_long']:,} answers skipped: longer than {bench.context_tokens:,} tokens")
        )
    if counts["cut"]:
        events.append(Warned(f"{counts['cut']:,} examples cut at the end, after {bench.context_tokens:,} tokens"))
    if refused:
        events.append(
            Warned(f"{len(refused):,} rows skipped that the template cannot write; first: {refused[0].found}")
        )
    contract = {**checked_train.as_json(), "rows_the_template_refused": len(refused)}
    if checked_validation is not None:
        contract["validation"] = checked_validation.counts
    return (
        EncodedData(_examples(checked_train), _examples(checked_validation) if checked_validation else (), contract),
        events,
    )


def _encode(
    examples: Sequence[Example], bench: Workbench, settings: DataSettings
) -> tuple[ContractReport, list[DataError]]:
    seen = examples if settings.system_prompt is None else [e.with_system(settings.system_prompt) for e in examples]
    encoded: list[EncodedExample] = []
    refused: list[DataError] = []
    for result in encode_examples(seen, bench.chat, settings.on_bad_row):
        if isinstance(result, DataError):
            refused.append(result)
        else:
            encoded.append(result)
    return check_contract(encoded, bench.chat, bench.context_tokens, settings.on_too_long), refused


def _examples(report: ContractReport) -> tuple[TrainingExample, ...]:
    return tuple(TrainingExample(example.branches, str(example.origin)) for example in report.kept)
