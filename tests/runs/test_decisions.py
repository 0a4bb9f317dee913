"""What was decided is written with its reason, memory part by part, and an interrupted run decides alike."""

import json

import pytest

from luthier.errors import Interrupted, TrainingError
from luthier.runs import finetune
from luthier.runs.decisions import earlier_decision

ONLY_TUNED = ("evaluation.arms=[tuned]", "data.golden_max_examples=4")


def report_of(folder):
    return json.loads((folder.path / "report.json").read_text())


def test_memory_is_predicted_part_by_part_and_held_against_what_was_measured(new_run):
    folder = new_run(*ONLY_TUNED)
    list(finetune(folder))
    lines = (folder.path / "resolved.yaml").read_text().splitlines()
    parts = {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith("forecast.memory.")}
    ledger = report_of(folder)["ledger"]
    assert ledger["predicted"]["peak_memory_bytes"] == sum(parts.values())
    assert ledger["actual"]["peak_memory_bytes"] == pytest.approx(sum(parts.values()), rel=0.15)
    assert any(line.startswith("training.micro_batch_tokens: 4096  # computed tokens at once") for line in lines)
    assert 'training.activation_checkpointing: "off"  # not needed to fit' in lines


def test_a_run_that_cannot_fit_says_so_before_its_first_step(new_run):
    folder = new_run(*ONLY_TUNED, "training.memory_limit_gb=0.05")
    with pytest.raises(TrainingError, match=r"does not fit: .* there is 0\.05 GB \(training\.memory_limit_gb\)"):
        list(finetune(folder))
    assert not folder.checkpoints.exists()


def test_an_interrupted_run_keeps_its_micro_batches(new_run):
    folder = new_run(*ONLY_TUNED, "training.activation_checkpointing=on")
    with pytest.raises(Interrupted):
        list(finetune(folder, wants_stop=lambda: True))
    assert earlier_decision(folder, "training.micro_batch_tokens") == 4096
    assert earlier_decision(folder, "training.activation_checkpointing") == "on"
    assert earlier_decision(new_run(name="new"), "training.micro_batch_tokens") is None
