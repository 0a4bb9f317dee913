"""`luthier show` as a user sees it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cli.tickets import chat_row, write_rows


def test_trained_tokens_are_marked_and_counted(here: Path, rows_file: Path, tiny_model: Path, call: Callable[..., Any]):
    outcome = call("show", "rows.jsonl", "--model", tiny_model)
    assert outcome.code == 0
    assert [line for line in outcome.out.splitlines() if line.startswith("rows.jsonl, line")] == [
        f"rows.jsonl, line {number}" for number in (1, 2, 3)
    ]
    assert "<|assistant|>[[y|e|s|<|end|>]]" in outcome.out
    assert "  trained tokens: 10\n" in outcome.out


def test_colour_can_be_asked_for(here: Path, rows_file: Path, tiny_model: Path, call: Callable[..., Any]):
    with_color = call("show", "rows.jsonl", "--model", tiny_model, "--rows", 1, "--color").out
    without = call("show", "rows.jsonl", "--model", tiny_model, "--rows", 1, "--no-color").out
    assert "\x1b[" in with_color and "\x1b[" not in without


def test_one_row_is_named_by_its_line(here: Path, rows_file: Path, tiny_model: Path, call: Callable[..., Any]):
    outcome = call("show", "rows.jsonl", "--model", tiny_model, "--row", 17)
    assert "rows.jsonl, line 17\n" in outcome.out and "line 1\n" not in outcome.out
    beyond = call("show", "rows.jsonl", "--model", tiny_model, "--row", 41)
    assert beyond.code == 3
    assert "expected: a line from 1 to 40" in beyond.err


def test_json_holds_every_token_and_the_counts(here: Path, rows_file: Path, tiny_model: Path, call: Callable[..., Any]):
    document = json.loads(call("show", "rows.jsonl", "--model", tiny_model, "--rows", 2, "--json").out)
    trained = [token["text"] for token in document["rows"][0]["branches"][0]["tokens"] if token["trained"]]
    assert "".join(trained) == "yes<|end|>"
    assert document["contract"]["counts"]["examples"] == 2


def test_a_recipe_brings_its_settings_and_set_changes_them(recipe_file: Path, call: Callable[..., Any], here: Path):
    outcome = call("show", "rows.jsonl", "--recipe", recipe_file, "--rows", 1, "--set", "data.system_prompt=be kind")
    assert outcome.code == 0
    assert outcome.out.replace("|", "").find("<system>be kind<end>") > 0


def test_rows_are_shown_before_the_contract_refuses_them(here: Path, tiny_model: Path, call: Callable[..., Any]):
    write_rows(here / "rows.jsonl", [chat_row(("user", "a"), ("assistant", "b" * 400))])
    outcome = call("show", "rows.jsonl", "--model", tiny_model)
    assert outcome.code == 3
    assert "b|b|b" in outcome.out and "expected: at most 256 tokens" in outcome.err


@pytest.mark.parametrize("option", ["--rows", "--row"])
def test_rows_are_counted_from_one(option: str, call: Callable[..., Any]):
    assert call("show", "rows.jsonl", option, 0).code == 2
