"""The main story over a model that carries a state: it cannot fold, and answers through Transformers' own generate."""

import json

import pytest
from transformers import AutoTokenizer

from luthier.events import Noticed, VerdictReached
from luthier.examples import Message
from luthier.recipe import load_recipe
from luthier.runs import RunFolder, ask, finetune
from models.architectures import UNROLLED, build
from tiny import ticket_rows, write_tiny_model


@pytest.fixture
def new_recurrent_run(tmp_path) -> RunFolder:
    folder = write_tiny_model(tmp_path / "model")  # for its tokenizer and template
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model_type, changes = UNROLLED["falcon h1"]
    names = {"vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id}
    build(model_type, changes | names, "eager").save_pretrained(folder)
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in ticket_rows(30)), encoding="utf-8")
    recipe = tmp_path / "recipe.yaml"
    settings = {
        "model": {"path": str(folder), "precision": "float32"},
        "data": {"train": str(rows)},
        "training": {"epochs": 1, "batch_examples": 8, "threads": 1},
        "evaluation": {
            "max_new_tokens": 3,
            "few_shot_examples": 1,
            "arms": ["base", "tuned"],
            "forgetting": {"size": "off"},
        },
    }
    recipe.write_text(json.dumps(settings), encoding="utf-8")
    return RunFolder.create(tmp_path / "runs", "recurrent", load_recipe(recipe))


def test_a_recurrent_model_runs_to_its_verdict_and_says_once_how_it_answers(new_recurrent_run):
    folder = new_recurrent_run
    events = list(finetune(folder))
    assert isinstance(events[-1], VerdictReached)
    said = [event for event in events if isinstance(event, Noticed) and "Transformers' own generate" in event.message]
    assert len(said) == 1
    resolved = (folder.path / "resolved.yaml").read_text(encoding="utf-8")
    assert 'generation.path: "transformers"  # answers by Transformers' in resolved
    assert "get no adapter: " in resolved
    assert ask(folder, (Message("user", "card lost"),), max_new_tokens=3) is not None
