"""How a call ends: exit code and words, whatever happened."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from luthier import __version__
from luthier.cli import verbs


def run_luthier(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "luthier", *arguments], text=True, stderr=subprocess.PIPE, **options)


@pytest.fixture
def broken_verb(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make `luthier ask` fail in a way of one's choice."""

    def make(error: BaseException) -> None:
        @click.command("ask")
        def command() -> None:
            raise error

        monkeypatch.setattr(verbs.luthier, "get_command", lambda *_: command)

    return make


def test_the_version_is_told(call: Callable[..., Any]):
    assert call("--version").out == f"luthier {__version__}\n"


def test_without_a_verb_there_is_help(call: Callable[..., Any]):
    outcome = call()
    assert outcome.code == 2
    assert "First steps:" in outcome.err


def test_an_unknown_verb_is_answered_with_the_nearest(call: Callable[..., Any]):
    outcome = call("trian", "recipe.yaml")
    assert outcome.code == 2
    assert outcome.err.startswith("error: no verb 'trian'; did you mean run?\n")


def test_a_missing_argument_is_answered_with_an_example(call: Callable[..., Any]):
    outcome = call("show")
    assert outcome.code == 2
    assert "Missing argument 'DATA'" in outcome.err
    assert "  example: luthier show examples/support-triage/train.jsonl --rows 1\n" in outcome.err


def test_an_unknown_option_is_a_usage_error(call: Callable[..., Any]):
    outcome = call("run", "recipe.yaml", "--epochs", "3")
    assert outcome.code == 2
    assert "--epochs" in outcome.err and "Traceback" not in outcome.err


def test_our_own_mistake_has_its_exit_code_and_no_traceback_on_the_screen(
    call: Callable[..., Any],
    broken_verb: Callable[[BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.delenv("LUTHIER_DEBUG", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    broken_verb(ZeroDivisionError("oh"))
    outcome = call("ask")
    assert outcome.code == 70
    assert outcome.err.startswith("luthier met a mistake of its own: ZeroDivisionError: oh\n")
    assert "Traceback" not in outcome.err


def test_debugging_prints_the_traceback(
    call: Callable[..., Any],
    broken_verb: Callable[[BaseException], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("LUTHIER_DEBUG", "1")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    broken_verb(ZeroDivisionError("oh"))
    assert "Traceback" in call("ask").err


def test_ctrl_c_outside_a_run_ends_quietly(call: Callable[..., Any], broken_verb: Callable[[BaseException], None]):
    broken_verb(KeyboardInterrupt())
    outcome = call("ask")
    assert (outcome.code, outcome.err.strip()) == (130, "stopped")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path):
    program = f"{sys.executable} -m luthier recipe schema | head -c 1"
    finished = subprocess.run(["sh", "-c", program], capture_output=True, text=True)
    assert (finished.stdout, finished.stderr) == ("{", "")


def test_output_that_cannot_be_written_is_an_error():
    with Path("/dev/full").open("w") as full:
        finished = run_luthier("recipe", "settings", stdout=full)
    assert finished.returncode == 6
    assert finished.stderr.startswith("error: ") and len(finished.stderr.splitlines()) == 3


def test_a_terminal_without_our_letters_still_gets_the_text(
    here: Path, rows_file: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PYTHONIOENCODING", "iso8859-5")
    rows_file.rename(here / "Grüße.jsonl")
    finished = run_luthier("init", "Grüße.jsonl", stdout=subprocess.PIPE)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout.startswith("Gr??e.jsonl: 40 rows")
