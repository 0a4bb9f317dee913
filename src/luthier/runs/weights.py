"""Tuned weights on disk, with tokenizer and template, whole or not there: at the end, and after epochs if asked."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from luthier.adapters import Adapter
from luthier.errors import StorageError
from luthier.events import WeightsSaved
from luthier.recipe import TrainingSettings
from luthier.runs.folder import RunFolder
from luthier.runs.workbench import Workbench
from luthier.training import StepPlan, Training


def save_adapter(adapter: Adapter, bench: Workbench, folder: RunFolder) -> str:
    """The finished adapter with its tokenizer and template, whole or not there."""
    return _write(adapter, bench, folder.path, folder.path / adapter.folder_name)


def save_weights(training: Training, bench: Workbench, folder: RunFolder, keep: int, is_epoch: bool) -> WeightsSaved:
    """The weights as they are now, in the layout of a finished run's; the newest ``keep`` stay."""
    step = training.progress.step
    final = folder.path / "epochs" / f"step-{step:06d}"
    _write(training.adapter, bench, folder.path, final)
    for old in sorted(final.parent.glob("step-*"))[:-keep]:
        shutil.rmtree(old)
    return WeightsSaved(step, str(final), is_epoch)


def ends_an_epoch(step: int, settings: TrainingSettings, plan: StepPlan) -> bool:
    """Whether weights are due after ``step`` steps; the last step ends an epoch, whole or not."""
    return settings.keep_epochs > 0 and (step % plan.steps_per_epoch == 0 or step == plan.steps)


def _write(adapter: Adapter, bench: Workbench, run: Path, final: Path) -> str:
    part = final.with_name(f".{final.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        final.parent.mkdir(exist_ok=True)
        adapter.save(part)
        tokenizer: Any = bench.chat.tokenizer
        tokenizer.save_pretrained(part)
        # A run that goes on from an earlier step comes to the same weights again.
        shutil.rmtree(final, ignore_errors=True)
        os.rename(part, final)
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(part, ignore_errors=True)
        raise StorageError(
            f"{final} could not be written: {error}",
            expected="room and permission to write there",
            fix=f"free some space, then: luthier resume {run}",
        ) from None
    return str(final)
