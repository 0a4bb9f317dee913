"""The list of verbs, their help and how light it is."""

import resource
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest

from luthier.cli.verb import Verb
from luthier.cli.verbs import VERBS, luthier, nearest_verb

ROOT = Path(__file__).parents[2]
HEAVY = [
    "torch",
    "transformers",
    "pydantic",
    "numpy",
    "pyarrow",
    "sklearn",
    "jinja2",
    "ruamel",
    "tokenizers",
    "safetensors",
    "msgspec",
]


def all_verbs() -> list[tuple[str, Verb]]:
    """Every command that does something, with what one types to call it."""
    found: list[tuple[str, Verb]] = []
    context = click.Context(luthier)
    for name in luthier.list_commands(context):
        command: Any = luthier.get_command(context, name)
        if isinstance(command, click.Group):
            found += [(f"luthier {name} {below}", verb) for below, verb in command.commands.items()]
        else:
            found.append((f"luthier {name}", command))
    return found


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([verb, "--help"] for verb in VERBS)])
def test_help_imports_nothing_heavy(arguments: list[str]):
    program = (
        "import sys; from luthier.cli.main import run_verb; "
        f"assert run_verb({arguments!r}) == 0; print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    output = subprocess.check_output([sys.executable, "-c", program], text=True)
    assert output.splitlines()[-1] == "[]"


def test_help_is_instant():
    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "luthier", "--help"], check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    # Time of the processor, so that other programs on the machine do not count.
    assert min(seconds() for _ in range(3)) < 0.3


@pytest.mark.parametrize(("name", "verb"), all_verbs())
def test_every_help_ends_with_an_example_that_can_be_copied(name: str, verb: Verb):
    help_text = verb.get_help(click.Context(verb, info_name=name))
    assert help_text.endswith(f"Example:\n  {verb.example}")
    assert verb.example.startswith(name)


def test_every_verb_is_explained_on_the_page_of_the_command_line():
    page = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name, verb in all_verbs():
        assert f"## `{name}`" in page
        assert verb.example in page


def test_the_console_script_is_the_same_door():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"luthier": "luthier.cli.main:main"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("rum", "run"),
        ("RUN", "run"),
        ("train", "run"),
        ("finetune", "run"),
        ("resme", "resume"),
        ("chat", "ask"),
        ("zzz", None),
    ],
)
def test_a_mistyped_verb_is_guessed(typed: str, meant: str | None):
    assert nearest_verb(typed) == meant
