"""Rooms without tensors start without torch and transformers, which cost seconds and hundreds of megabytes."""

import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "luthier"
ROOMS_WITH_TORCH = {"kernels", "models", "adapters", "objectives", "training", "generation", "export", "runs"}
FILES_WITH_TORCH = {"tokens/batch.py", "tokens/unread.py"}
# Their rooms load torch, but these files alone must not: they are read where nothing heavy is wanted.
LIGHT_FILES = ("models/folder.py",)
# Run by Alembic, inside a migration: they cannot be imported alone.
RUN_BY_OTHERS = ("store/migrations/",)

PROGRAM = """
import importlib, runpy, sys
open_one = {"import": importlib.import_module, "run": runpy.run_path}[sys.argv[1]]
for name in sys.argv[2:]:
    open_one(name)
    heavy = [heavy for heavy in ("torch", "transformers") if heavy in sys.modules]
    if heavy:
        sys.exit(f"{name} loads {' and '.join(heavy)}: import it inside the function that needs it")
"""


def torch_free_modules() -> list[str]:
    """Every module outside the rooms with torch, so that a new room is light until it is named above."""
    names = []
    for file in sorted(SOURCE.rglob("*.py")):
        path = file.relative_to(SOURCE)
        if path.parts[0] in ROOMS_WITH_TORCH or path.as_posix() in FILES_WITH_TORCH or path.name == "__main__.py":
            continue
        if path.as_posix().startswith(RUN_BY_OTHERS):
            continue
        parts = ("luthier", *path.with_suffix("").parts)
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def open_in_a_new_process(names: list[str], how: str = "import") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", PROGRAM, how, *names]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_rooms_without_tensors_start_without_torch():
    outcome = open_in_a_new_process(torch_free_modules())
    assert outcome.returncode == 0, outcome.stderr


def test_the_list_of_light_modules_is_not_empty_by_mistake():
    found = set(torch_free_modules())
    assert {"luthier", "luthier.errors", "luthier.recipe.load", "luthier.data.split", "luthier.tokens.tree"} <= found
    assert not {"luthier.tokens.batch", "luthier.tokens.unread", "luthier.models.load"} & found


def test_a_module_that_loads_torch_is_named():
    outcome = open_in_a_new_process(["luthier.errors", "luthier.tokens.batch"])
    assert outcome.returncode != 0
    assert "luthier.tokens.batch loads torch" in outcome.stderr


def test_light_files_of_heavy_rooms_load_no_torch_of_their_own():
    outcome = open_in_a_new_process([str(SOURCE / name) for name in LIGHT_FILES], how="run")
    assert outcome.returncode == 0, outcome.stderr
