"""The main story, whole: from rows to a verdict, stopped and gone on with, killed and gone on with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from luthier.errors import Interrupted, StorageError
from luthier.evaluation.report import validate_report
from luthier.events import StepFinished, Validated, VerdictReached
from luthier.examples import Message
from luthier.runs import RunFolder, ask, finetune

PROMISED_FILES = (
    "recipe.yaml",
    "resolved.yaml",
    "events.jsonl",
    "data/train.jsonl",
    "data/validation.jsonl",
    "data/golden.jsonl",
    "data/preflight.json",
    "adapter/adapter_model.safetensors",
    "adapter/tokenizer.json",
    "evaluation/base.jsonl",
    "evaluation/tuned.jsonl",
    "report.json",
    "report.html",
    "README.md",
)
WHOLE = """
import sys
from pathlib import Path
from luthier.runs import RunFolder, finetune
for event in finetune(RunFolder.open(Path(sys.argv[1]))):
    print(type(event).__name__, getattr(event, "step", ""), flush=True)
"""


def adapter(folder: RunFolder) -> dict[str, torch.Tensor]:
    return load_file(folder.path / "adapter" / "adapter_model.safetensors")


def assert_same_tensors(left, right):
    assert left.keys() == right.keys()
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_a_run_ends_in_a_verdict_and_leaves_what_the_design_promises(new_run):
    folder = new_run()
    events = list(finetune(folder))
    assert isinstance(events[-1], VerdictReached)
    assert [name for name in PROMISED_FILES if not (folder.path / name).is_file()] == []
    report = validate_report(json.loads((folder.path / "report.json").read_text()))
    assert [arm.name for arm in report.arms] == ["base", "prompt", "few-shot", "rag", "tuned"]
    assert report.ledger.steps == sum(isinstance(event, StepFinished) for event in events)
    assert report.ledger.computed_tokens <= report.ledger.given_tokens


def test_the_loss_falls_and_validation_is_measured(new_run):
    events = list(finetune(new_run("training.epochs=6")))
    losses = [event.loss for event in events if isinstance(event, StepFinished)]
    assert losses[-1] < 0.8 * losses[0]
    assert next(event.step for event in events if isinstance(event, Validated)) == 0


def test_golden_rows_are_never_trained_on(new_run):
    folder = new_run()
    list(finetune(folder))
    sets = [
        {
            json.loads(line)["messages"][0]["content"]
            for line in (folder.data / f"{name}.jsonl").read_text().splitlines()
        }
        for name in ("train", "validation", "golden")
    ]
    assert all(sets) and not sets[0] & sets[2] and not sets[1] & sets[2] and not sets[0] & sets[1]


def test_the_adapter_answers_alike_in_peft(new_run, tiny_model):
    folder = new_run("training.epochs=6")
    list(finetune(folder))
    row = json.loads((folder.data / "golden.jsonl").read_text().splitlines()[0])
    tokenizer = AutoTokenizer.from_pretrained(folder.path / "adapter")
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_model), str(folder.path / "adapter"))
    ids = tokenizer.apply_chat_template(row["messages"][:1], add_generation_prompt=True, return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=4, do_sample=False, pad_token_id=0)
    expected = tokenizer.decode(out[0, ids["input_ids"].shape[1] :], skip_special_tokens=True)
    assert ask(folder, (Message("user", row["messages"][0]["content"]),), max_new_tokens=4) == expected


def test_full_tuning_saves_a_model_that_transformers_loads(new_run):
    folder = new_run("method.kind=full", "training.learning_rate=0.003")
    list(finetune(folder))
    AutoModelForCausalLM.from_pretrained(folder.path / "model")
    assert ask(folder, (Message("user", "card lost"),), max_new_tokens=4) is not None


def test_a_stopped_run_goes_on_bit_for_bit(new_run):
    whole = new_run(name="whole")
    list(finetune(whole))
    stopped = new_run(name="stopped")
    seen = []
    with pytest.raises(Interrupted, match="stopped after step 3"):
        for event in finetune(stopped, lambda: any(isinstance(e, StepFinished) and e.step == 3 for e in seen)):
            seen.append(event)
    steps = [event.step for event in finetune(stopped) if isinstance(event, StepFinished)]
    assert steps[0] == 4
    assert_same_tensors(adapter(stopped), adapter(whole))


def test_a_killed_run_goes_on_bit_for_bit(new_run):
    """kill -9 between two steps, then again; the final adapter equals that of an undisturbed run."""
    whole, killed = new_run(name="whole"), new_run(name="killed")
    run_until(whole, None)
    run_until(killed, "StepFinished 5")
    run_until(killed, "StepFinished 9")
    run_until(killed, None)
    assert_same_tensors(adapter(killed), adapter(whole))
    scores = [json.loads((run.path / "report.json").read_text())["arms"] for run in (whole, killed)]
    assert [arm["metrics"] for arm in scores[0]] == [arm["metrics"] for arm in scores[1]]


def run_until(folder: RunFolder, line: str | None) -> None:
    """Run in a process of its own; SIGKILL it when it has printed ``line``."""
    source = Path(__file__).parents[2] / "src"
    command = [sys.executable, "-c", WHOLE, str(folder.path)]
    environment = {**os.environ, "PYTHONPATH": str(source)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    with process.stdout:
        for printed in process.stdout:
            if line is not None and printed.startswith(line):
                process.send_signal(signal.SIGKILL)
                break
    code = process.wait()
    assert code == (0 if line is None else -signal.SIGKILL)


def test_a_finished_run_only_writes_its_report_again(new_run):
    folder = new_run()
    list(finetune(folder))
    before = (folder.path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns
    kinds = {type(event).__name__ for event in finetune(folder)}
    assert "StepFinished" not in kinds and "ItemsAnswered" not in kinds
    assert (folder.path / "adapter" / "adapter_model.safetensors").stat().st_mtime_ns == before


def test_two_processes_cannot_run_the_same_run(new_run):
    folder = new_run()
    story = finetune(folder)
    next(story)
    with pytest.raises(StorageError, match="another process"):
        next(finetune(folder))
    story.close()


def test_arms_are_as_the_recipe_asks_and_one_alone_gives_no_verdict(new_run):
    folder = new_run("evaluation.arms=[tuned]")
    last = list(finetune(folder))[-1]
    assert isinstance(last, VerdictReached) and "No verdict" in last.sentence


def test_closed_answers_bring_the_classical_baseline(new_run):
    folder = new_run("evaluation.arms=[base, tuned]", "evaluation.choices=[card, lost, bill, late, app]")
    list(finetune(folder))
    report = json.loads((folder.path / "report.json").read_text())
    assert report["baseline"]["name"] == "tf-idf" and report["primary_metric"] == "choice_accuracy"


def test_run_folders_made_in_the_same_second_do_not_collide(new_run):
    began = time.time()
    names = {new_run().name for _ in range(3)}
    assert len(names) == 3 and time.time() - began < 60
