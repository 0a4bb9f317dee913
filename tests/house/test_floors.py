"""Draws the house: a room imports only from lower floors, wherever in a file the import stands."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "luthier"
FLOORS = {
    9: ("__main__",),
    8: ("cli",),
    7: ("server", "dashboard"),
    6: ("jobs", "launch"),
    5: ("runs",),
    4: ("advice",),
    3: ("training", "generation", "evaluation", "export"),
    2: ("models", "adapters", "objectives"),
    1: ("data", "tokens", "kernels", "sandbox", "remote", "retrieval", "store", "monitoring"),
    0: ("recipe", "errors", "events", "examples", "answering"),
}
FLOOR_OF = {room: floor for floor, rooms in FLOORS.items() for room in rooms}
# A recipe that cannot be read is told in the words that every room uses for what went wrong.
NEIGHBOURS_ALLOWED = {("recipe", "errors")}


def room_of(module: str) -> str:
    """`tokens` for `luthier.tokens.batch`; empty for the package itself, which belongs to no room."""
    return module.partition(".")[2].partition(".")[0]


def module_of(file: Path) -> str:
    parts = file.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported_modules(tree: ast.AST, package: str) -> Iterator[tuple[int, str]]:
    """Line and full name of every import of luthier: at the top, in a function, for types, or by name in a string."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package.split(".")[: len(package.split(".")) - level + 1] if level else []
                start = ".".join([*above, *([module] if module else [])])
                # `from luthier import data` names a room, `from luthier.data import Rows` a thing inside one.
                found = [f"{start}.{alias.name}" for alias in names] if start == "luthier" else [start]
            case ast.Call(func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__")):
                found = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            case _:
                continue
        yield from ((node.lineno, name) for name in found if name == "luthier" or name.startswith("luthier."))


def climbs(source: str, module: str, is_package: bool = False) -> list[str]:
    """One sentence for each import that does not go down."""
    here = room_of(module)
    sentences = []
    for line, name in imported_modules(ast.parse(source), module if is_package else module.rpartition(".")[0]):
        there = room_of(name)
        is_inside_or_none = there == here or there not in FLOOR_OF
        if is_inside_or_none or (here, there) in NEIGHBOURS_ALLOWED:
            continue
        # The package's own __init__ lies under the house: whoever imports any room runs it first.
        floor = FLOOR_OF.get(here, -1)
        if FLOOR_OF[there] >= floor:
            sentences.append(
                f"{module}, line {line}: {here or 'luthier'} (floor {floor}) imports {name} (floor {FLOOR_OF[there]}); "
                "a room imports only from lower floors: move the shared part down, or pass it as an argument"
            )
    return sentences


def test_every_room_has_a_floor():
    entries = [*SOURCE.glob("*.py"), *(file.parent for file in SOURCE.glob("*/*.py"))]
    rooms = {entry.stem for entry in entries} - {"__init__"}
    assert rooms <= set(FLOOR_OF), f"discuss new rooms first, then give them a floor: {sorted(rooms - set(FLOOR_OF))}"


def test_a_room_imports_only_from_lower_floors():
    found = [
        sentence
        for file in sorted(SOURCE.rglob("*.py"))
        for sentence in climbs(file.read_text(encoding="utf-8"), module_of(file), file.name == "__init__.py")
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        "from luthier.training import train",
        "import luthier.training.loop as loop",
        "from luthier import training",
        "from ..training import train",
        "from .. import training",
        "def later():\n    from luthier.training import train",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from luthier.training import Training",
        "import importlib\nimportlib.import_module('luthier.training')",
        "from luthier.tokens import fold",
    ],
)
def test_a_climb_is_caught_wherever_it_hides(source: str):
    assert len(climbs(source, "luthier.data.split")) == 1


def test_a_climb_names_line_rooms_and_floors():
    (sentence,) = climbs("\nfrom luthier.runs import run", "luthier.models.load")
    assert "luthier.models.load, line 2: models (floor 2) imports luthier.runs (floor 5)" in sentence


@pytest.mark.parametrize(
    "source",
    [
        "from luthier.errors import DataError",
        "from luthier.data.rows import Rows",
        "from . import rows",
        "from .rows import Rows",
        "from luthier import __version__",
        "import torch",
    ],
)
def test_a_step_down_and_a_look_around_the_own_room_are_fine(source: str):
    assert climbs(source, "luthier.data.split") == []


def test_a_package_counts_its_own_dots_right():
    assert climbs("from .rows import Rows", "luthier.data", is_package=True) == []
    assert len(climbs("from ..training import train", "luthier.data", is_package=True)) == 1


def test_the_package_itself_imports_no_room():
    assert len(climbs("from luthier.errors import LuthierError", "luthier", is_package=True)) == 1
