"""Twelve things that go wrong for new users: one clear message, an exit code, no traceback, nothing half-written."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.tickets import chat_row, ticket_rows, write_rows
from luthier.runs import RunFolder

NOBODY = 65534
# Mounts a disk of a few pages that only the command sees, runs it, and lists what it left there.
ON_A_SMALL_DISK = """
mount -t tmpfs -o size=$SIZE tmpfs "$DISK" || exit 99
"$@"
code=$?
find "$DISK" -type f
exit $code
"""
# Where nothing can be mounted: no file may grow beyond some blocks, which fails in the same places.
WITH_SMALL_FILES = 'ulimit -f $BLOCKS && "$@"; code=$?; find "$DISK" -type f; exit $code'


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.fixture
def refuses(call: Callable[..., Any], here: Path) -> Callable[..., None]:
    """Call luthier and demand a refusal with these words that leaves the current folder as it was."""

    def check(*arguments: object, code: int, words: str) -> None:
        before = files(here)
        outcome = call(*arguments)
        assert outcome.code == code, outcome.err
        check_message(outcome.err, words)
        assert files(here) == before

    return check


def check_message(err: str, words: str) -> None:
    errors = [line for line in err.splitlines() if not line.startswith("warning: ")]
    assert errors[0].startswith("error: ")
    assert errors[1].startswith("  expected: ") and errors[2].startswith("  fix: ")
    assert len(errors) == 3, err
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize("verb", [["init", "gone.jsonl"], ["run", "recipe.yaml", "--set", "data.train=gone.jsonl"]])
def test_1_a_missing_file(verb: list[str], recipe_file: Path, refuses: Callable[..., None]):
    out = ["--out", "new.yaml"] if verb[0] == "init" else []
    refuses(*verb, *out, code=3, words="gone.jsonl")


def test_1_a_missing_recipe(here: Path, refuses: Callable[..., None]):
    refuses("run", "gone.yaml", code=2, words="gone.yaml does not exist")


def test_2_an_empty_file(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows_file.write_bytes(b"")
    refuses("run", recipe_file, code=3, words="rows.jsonl")


def test_3_a_wrong_encoding(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows_file.write_bytes('{"prompt": "Grüße", "completion": "ja"}\n'.encode("latin-1") * 9)
    refuses("run", recipe_file, code=3, words="UTF-8")


def test_4_html_instead_of_rows(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows_file.write_text("<!DOCTYPE html><html><body>Please log in</body></html>", encoding="utf-8")
    refuses("run", recipe_file, code=3, words="HTML page")


def test_5_turns_in_the_wrong_order(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows = ticket_rows()
    rows[4] = chat_row(("assistant", "yes"), ("user", "is it?"))
    write_rows(rows_file, rows)
    refuses("run", recipe_file, code=3, words="rows.jsonl, line 5")


def test_6_nothing_to_train(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows = ticket_rows()
    for row in rows:
        row["messages"][1]["weight"] = 0
    write_rows(rows_file, rows)
    refuses("run", recipe_file, code=3, words="weight")


def test_7_answers_longer_than_the_context(recipe_file: Path, rows_file: Path, refuses: Callable[..., None]):
    rows = ticket_rows()
    for row in rows:
        row["messages"][1]["content"] *= 200
    write_rows(rows_file, rows)
    refuses("run", recipe_file, code=3, words="expected: at most 256 tokens")


def test_8_an_unknown_recipe_key(recipe_file: Path, refuses: Callable[..., None]):
    recipe = json.loads(recipe_file.read_text(encoding="utf-8"))
    recipe["training"]["learning_rat"] = 1e-4
    recipe_file.write_text(json.dumps(recipe, indent=1), encoding="utf-8")
    refuses("run", recipe_file, code=2, words="did you mean training.learning_rate?")


def test_9_a_model_folder_without_tokenizer(recipe_file: Path, model_copy: Path, refuses: Callable[..., None]):
    (model_copy / "tokenizer.json").unlink()
    refuses("run", recipe_file, "--set", f"model.path={model_copy}", code=4, words="no tokenizer")


def test_10_weights_as_a_pickle(recipe_file: Path, model_copy: Path, refuses: Callable[..., None]):
    (model_copy / "model.safetensors").rename(model_copy / "pytorch_model.bin")
    refuses("run", recipe_file, "--set", f"model.path={model_copy}", code=4, words="pickle")


@pytest.fixture
def on_a_full_disk(here: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run luthier with the folder `disk` on a disk that has no more room than ``size`` kilobytes."""
    disk = here / "disk"
    disk.mkdir()
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-Urm"]

    def run(size: int, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "DISK": str(disk), "SIZE": f"{size}k", "BLOCKS": str(size)}
        program = [sys.executable, "-m", "luthier", *arguments]

        def shell(script: str, before: list[str]) -> subprocess.CompletedProcess[str]:
            command = [*before, "sh", "-c", script, "sh", *program]
            return subprocess.run(command, env=environment, capture_output=True, text=True)

        if shutil.which("unshare"):
            finished = shell(ON_A_SMALL_DISK, unshare)
            # 99: no mounting in the new namespace; 1 with unshare's own words: not even a namespace.
            if finished.returncode != 99 and not finished.stderr.startswith("unshare: "):
                return finished
        return shell(WITH_SMALL_FILES, [])

    return run


def test_11_a_full_disk_leaves_no_recipe(rows_file: Path, on_a_full_disk: Callable[..., Any]):
    finished = on_a_full_disk(4, "init", "rows.jsonl", "--out", "disk/recipe.yaml")
    assert finished.returncode == 6
    check_message(finished.stderr, "disk/recipe.yaml cannot be written")
    assert "disk/" not in finished.stdout


def test_11_a_disk_that_fills_up_leaves_a_run_that_can_go_on(recipe_file: Path, on_a_full_disk: Callable[..., Any]):
    finished = on_a_full_disk(100, "run", "recipe.yaml", "--set", "run.folder=disk/runs")
    assert finished.returncode == 6, finished.stderr
    check_message(finished.stderr, "could not be written")
    assert "luthier resume" in finished.stderr
    left = [line for line in finished.stdout.splitlines() if "/disk/runs/" in line]
    assert any(name.endswith("evaluation/base.jsonl") for name in left), "what was done before is kept"
    assert not [name for name in left if ".part" in name or "/checkpoints/" in name or "/adapter/" in name]


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Permissions do not bind root, so root acts as nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch, tiny_model: Path) -> Iterator[Path]:
    """A current folder that all may read and none may write, with rows and a recipe in it."""
    # Not below pytest's own folder, which nobody else may enter.
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_rows(folder / "rows.jsonl", ticket_rows())
        shutil.copytree(tiny_model, folder / "model", copy_function=shutil.copyfile)
        recipe = {"model": {"path": "model"}, "data": {"train": "rows.jsonl"}}
        (folder / "recipe.yaml").write_text(json.dumps(recipe), encoding="utf-8")
        for path in (folder, *folder.rglob("*")):
            path.chmod(0o555 if path.is_dir() else 0o444)
        monkeypatch.chdir(folder)
        yield folder
        for path in (folder, folder / "model"):
            path.chmod(0o755)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "recipe.yaml"], "runs cannot be written: Permission denied"),
        (["init", "rows.jsonl", "--out", "new.yaml"], "new.yaml cannot be written: Permission denied"),
    ],
)
def test_12_no_permission_to_write(
    arguments: list[str], words: str, read_only: Path, call: Callable[..., Any], tmp_path: Path
):
    before = files(read_only)
    # The modules that these verbs need are loaded while we may still read them.
    assert RunFolder and call("init", "rows.jsonl", "--out", tmp_path / "recipe.yaml").code == 0
    with without_root():
        outcome = call(*arguments)
    assert outcome.code == 6
    check_message(outcome.err, words)
    assert files(read_only) == before
