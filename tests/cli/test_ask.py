"""`luthier ask`; answers of a finished run are tested in test_run.py."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import luthier.runs
from luthier.examples import Message
from luthier.recipe import load_recipe
from luthier.runs import RunFolder


@pytest.fixture
def run(recipe_file: Path, here: Path) -> RunFolder:
    return RunFolder.create(here / "runs", None, load_recipe(recipe_file))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What reaches the model, which answers with a colour of its own."""
    calls: list[Any] = []

    def ask(folder: RunFolder, messages: tuple[Message, ...], max_new_tokens: int, tuned: bool = True) -> str:
        calls.append((folder.path, messages, max_new_tokens, tuned))
        return "\x1b[31myes"

    monkeypatch.setattr(luthier.runs, "ask", ask)
    return calls


def test_a_run_that_is_not_tuned_yet_says_so(run: RunFolder, call: Callable[..., Any]):
    outcome = call("ask", run.path, "hello")
    assert outcome.code == 6
    assert f"fix: luthier resume {run.path}" in outcome.err


def test_text_comes_from_the_standard_input_where_a_dash_stands(
    run: RunFolder, asked: list[Any], call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.StringIO("two\nlines\n"))
    outcome = call("ask", run.path, "-", "--system", "be kind", "--base", "--max-new-tokens", 7)
    messages = (Message("system", "be kind"), Message("user", "two\nlines"))
    assert asked == [(run.path, messages, 7, False)]
    assert outcome.out == "\x1b[31myes\n", "a program that reads the answer gets it unchanged"


@pytest.mark.parametrize("text", ["", "  "])
def test_nothing_cannot_be_asked(text: str, run: RunFolder, call: Callable[..., Any]):
    outcome = call("ask", run.path, text)
    assert outcome.code == 2 and "TEXT is empty" in outcome.err
