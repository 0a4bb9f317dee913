"""What a newcomer may rely on: telling names, small files, no silenced checks, commands and recipes that work."""

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from luthier.cli.verbs import VERBS
from luthier.recipe import load_recipe

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "luthier"
TESTS = ROOT / "tests"
PLACES = ("src", "tests", "starter", "examples", "docs", "benchmarks", "scripts", ".ci")
NAMES_THAT_TELL_NOTHING = {"utils", "util", "helpers", "helper", "common", "misc", "core", "base"}
MOST_BYTES = 1_000_000
STARTER_WEIGHTS = "src/luthier/models/starter/model.safetensors"
STARTER_MOST_BYTES = 16_000_000
MOST_LINES = 300
# Written in two pieces, so that this file does not find itself.
SILENCERS = ("# no" + "qa", "type: ig" + "nore", "pytest." + "skip", "x" + "fail")
# Tests of more than one file: whole stories, the house itself, a page of docs, one contract suite for all adapters.
FREE_TEST_FOLDERS = {"house", "journeys"}
FREE_TEST_NAMES = "test_documented_"
FREE_TESTS = {"adapters/test_contract.py"}


def files(*places: str, suffix: str = "") -> Iterator[Path]:
    """Files of the project, without caches and without the run folders of someone who tries the examples."""
    for place in places:
        for file in sorted((ROOT / place).rglob(f"*{suffix}")):
            inside = file.relative_to(ROOT / place)
            is_cache = any(part == "__pycache__" or part.startswith(".") for part in inside.parts)
            is_run = place == "examples" and "runs" in inside.parts
            if file.is_file() and not is_cache and not is_run:
                yield file


def relative(found: Iterator[Path]) -> list[str]:
    return [file.relative_to(ROOT).as_posix() for file in found]


def documents() -> Iterator[Path]:
    yield from (ROOT / name for name in ("README.md", "CONTRIBUTING.md"))
    yield from files("docs", "examples", "starter", suffix=".md")


def documented_commands(program: str) -> Iterator[tuple[Path, str]]:
    """Lines of code blocks that call ``program``; a line that ends in a backslash goes on in the next."""
    for document in documents():
        for block in re.findall(r"^```\w*\n(.*?)^```", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                if line.startswith(f"{program} "):
                    yield document, line


def test_names_of_files_and_folders_tell_what_is_inside():
    empty = [
        name
        for name in relative(files("src", "tests", "starter", suffix=".py"))
        if NAMES_THAT_TELL_NOTHING & {part.removeprefix("test_").removesuffix(".py") for part in name.split("/")}
    ]
    assert not empty, "if a function has no room, name the room"


def test_every_source_file_says_first_what_it_is_for():
    silent = [
        file
        for file in files("src", "starter", suffix=".py")
        if not ast.get_docstring(ast.parse(file.read_text("utf-8")))
    ]
    assert not relative(iter(silent))


def test_no_file_outgrows_a_glance():
    long = [
        file
        for file in files("src", "tests", "starter", suffix=".py")
        if file.read_text("utf-8").count("\n") > MOST_LINES
    ]
    assert not relative(iter(long)), f"more than {MOST_LINES} lines: ask which second idea has moved in"


def test_only_the_starter_model_is_large():
    allowed = {STARTER_WEIGHTS: STARTER_MOST_BYTES}
    large = {
        name: size
        for file in files(*PLACES)
        if (size := file.stat().st_size) > allowed.get(name := file.relative_to(ROOT).as_posix(), MOST_BYTES)
    }
    assert not large


def test_no_check_is_silenced_and_no_test_is_left_out():
    silenced = [
        f"{file.relative_to(ROOT)}, line {number}: {silencer}"
        for file in files("src", "tests", "starter", suffix=".py")
        for number, line in enumerate(file.read_text("utf-8").splitlines(), 1)
        for silencer in SILENCERS
        if silencer in line
    ]
    assert not silenced


def is_about_one_file(test: Path) -> bool:
    is_story = test.parts[0] in FREE_TEST_FOLDERS or test.as_posix() in FREE_TESTS
    return test.name.startswith("test_") and not test.name.startswith(FREE_TEST_NAMES) and not is_story


def subjects_of(test: Path) -> list[Path]:
    """Where the file may lie that ``test`` (seen from tests/) is about; `test_init.py` may be about a room's door."""
    place = ROOT if test.parts[0] in ("starter", "benchmarks") else SOURCE
    names = [test.name.removeprefix("test_"), *(["__init__.py"] if test.name == "test_init.py" else [])]
    return [place / test.with_name(name) for name in names]


def test_every_test_has_the_path_of_what_it_tests():
    tests = [file.relative_to(TESTS) for file in files("tests", suffix=".py")]
    homeless = [
        test.as_posix()
        for test in tests
        if is_about_one_file(test) and not any(file.is_file() for file in subjects_of(test))
    ]
    assert not homeless, f"no source file of that name; whole stories belong in {', '.join(sorted(FREE_TEST_FOLDERS))}"


def test_documented_make_commands_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    called = {line.split()[1]: document.name for document, line in documented_commands("make")}
    assert {"demo", "test"} <= set(called)
    assert set(called) <= targets
    assert {"demo", "test", "check", "bench"} <= targets


def test_documented_verbs_exist():
    called = {line.split()[1] for _, line in documented_commands("luthier")}
    assert {"init", "run", "resume"} <= called <= set(VERBS)


@pytest.mark.parametrize("recipe", sorted((ROOT / "examples").glob("*/recipe.yaml")), ids=lambda path: path.parent.name)
def test_shipped_recipes_can_be_read(recipe: Path):
    assert load_recipe(recipe).data.train.endswith((".jsonl", ".jsonl.gz"))


def test_documented_runs_of_shipped_recipes_have_settings_that_exist():
    read = 0
    for _, line in documented_commands("luthier"):
        words = shlex.split(line, comments=True)
        recipes = [ROOT / word for word in words if word.startswith("examples/") and word.endswith("recipe.yaml")]
        overrides = [words[place + 1] for place, word in enumerate(words) if word == "--set"]
        for recipe in recipes:
            load_recipe(recipe, overrides)
            read += 1
    assert read >= 2
