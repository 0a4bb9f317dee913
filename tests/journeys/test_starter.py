"""The model that luthier brings along: whole, small, documented; and the program that makes it runs and resumes."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from luthier.advice.licence import stated_licence
from luthier.models import STARTER, choose_device, load_model, open_model_folder
from luthier.runs.workbench import answer_prompts, set_up

ROOT = Path(__file__).parents[2]
STORY = "The old cat sat on the warm stone and watched the small birds in the green tree. "


def test_the_starter_is_whole_small_and_under_a_free_licence():
    folder = open_model_folder(STARTER)
    assert folder.weight_bytes <= 16_000_000
    assert folder.context_tokens == 1024
    assert stated_licence(folder.path) == "apache-2.0"


def test_the_starter_has_between_4_and_8_million_parameters():
    import torch

    model = load_model(open_model_folder(STARTER), torch.float32, choose_device())
    assert 4_000_000 <= sum(p.numel() for p in model.parameters()) <= 8_000_000


def test_the_starter_knows_turns_and_ends_its_answers(tmp_path):
    from luthier.evaluation import Prompt
    from luthier.examples import Message
    from luthier.recipe import Recipe

    recipe = Recipe.model_validate({"data": {"train": "unused.jsonl"}, "model": {"precision": "float32"}})
    bench = set_up(recipe)
    import torch

    model = load_model(bench.base, torch.float32, bench.device)
    questions = ["Write as a JSON list: cat, soup, hammer", "Number these items: rain, coat", "What is 3 + 4?"]
    prompts = [Prompt((Message("user", question),)) for question in questions]
    answers = dict(answer_prompts(model, bench, prompts, 40, 8, 0))
    assert all(answer.finish_reason == "stop" for answer in answers.values())
    assert isinstance(json.loads(answers[0].text), list)


def test_its_record_tells_how_it_was_made():
    record = json.loads((open_model_folder(STARTER).path / "training.json").read_text())
    assert record["validation_bits_per_byte"] < 1.7
    assert record["plan"]["tokens"] > 1_000_000


@pytest.fixture
def text(tmp_path) -> Path:
    """A pretraining folder in miniature."""
    folder = tmp_path / "text"
    folder.mkdir()
    names = ["stories", "plain_english", "books_simple.1", "books_simple.2", "books.1", "books.2", "valid"]
    for name in names:
        documents = "".join(f"{STORY * 12}\n{name} {i} tells it again.\n<|endoftext|>\n" for i in range(40))
        with gzip.open(folder / f"{name}.txt.gz", "wt", encoding="utf-8") as file:
            file.write(documents)
    return folder


def test_the_program_that_makes_it_runs_and_goes_on_where_it_was_stopped(text, tmp_path):
    def pretrain(work: str, *more: str) -> None:
        command = [sys.executable, str(ROOT / "starter" / "pretrain.py"), "--text", str(text), "--device", "cpu"]
        command += ["--work", str(tmp_path / work), "--out", str(tmp_path / work / "out"), "--tokens", "16384", *more]
        subprocess.run(command, check=True, capture_output=True)

    pretrain("whole")
    pretrain("stopped", "--stop-step", "1")
    assert not (tmp_path / "stopped" / "out").exists()
    pretrain("stopped")
    whole, stopped = (load_file(tmp_path / work / "out" / "model.safetensors") for work in ("whole", "stopped"))
    assert all((whole[name] == stopped[name]).all() for name in whole)
