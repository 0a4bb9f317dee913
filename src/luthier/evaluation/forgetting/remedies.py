"""What helps against forgetting, in the order in which one would try it, with the numbers of the run at hand."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class HowTuned:
    """How a run was tuned. ``rank`` is None but for LoRA; ``best_step`` is that of the lowest validation loss."""

    method: str
    rank: int | None
    epochs: float
    learning_rate: float | None
    best_step: int | None
    steps: int


def remedies(how: HowTuned, has_memorised: bool) -> tuple[str, ...]:
    """Smallest change first; all of them can be combined."""
    return (*_fewer_epochs(how, has_memorised), *_gentler(how), *_OTHER_DATA)


_OTHER_DATA = (
    "Replay: mix general rows into data.train, about one for every five of yours, so that old abilities are practised.",
    "Self-distillation: let the base itself answer general prompts and mix those answers in; it then practises its own "
    "ways, which drifts less than answers by others.",
)


def _fewer_epochs(how: HowTuned, has_memorised: bool) -> tuple[str, ...]:
    if how.best_step is not None and 0 < how.best_step < 0.8 * how.steps:
        epochs = how.epochs * how.best_step / how.steps
        return (
            f"Fewer epochs: validation loss was lowest at step {how.best_step} of {how.steps} "
            f"(--set training.epochs={epochs:.2g}, or --set training.early_stopping_patience=2).",
        )
    if how.epochs > 1:
        why = "training rows are remembered by heart" if has_memorised else "each further epoch drifts further"
        return (f"Fewer epochs: {why} (--set training.epochs={max(1.0, how.epochs / 2):.2g}).",)
    return ()


def _gentler(how: HowTuned) -> tuple[str, ...]:
    found = []
    if how.learning_rate is not None:
        found.append(f"A lower learning rate (--set training.learning_rate={how.learning_rate / 3:.1e}).")
    if how.method == "full":
        found.append(
            "LoRA instead of full tuning: it learns a little less and forgets much less "
            """(--set 'method={"kind": "lora"}')."""
        )
    elif how.rank is not None and how.rank > 4:
        found.append(f"A lower rank (--set method.rank={how.rank // 2}).")
    return tuple(found)
