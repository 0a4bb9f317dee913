"""Which installed packages user code may import: those on a list, with what they need; nothing else is shown to it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import machinery, metadata
from pathlib import Path

from luthier.errors import SandboxError

# Packages that OpenAI's python graders find, by their names on PyPI (openai image_tag 2025-05-08).
GRADER_PACKAGES = (
    "numpy",
    "scipy",
    "sympy",
    "pandas",
    "rapidfuzz",
    "scikit-learn",
    "rouge-score",
    "deepdiff",
    "jsonschema",
    "pydantic",
    "PyYAML",
    "nltk",
    "sqlparse",
    "rdkit",
    "scikit-bio",
    "ast-grep-py",
)
OURSELVES = "luthier"
# Start-up hooks and compiled caches; nothing that code imports by name.
NEVER_SHOWN = (".pth", "__pycache__", "..")


@dataclass(frozen=True)
class Packages:
    """Files and folders to show, the names they can be imported by, and what was asked for but is not installed."""

    entries: tuple[Path, ...] = ()
    imports: frozenset[str] = frozenset()
    missing: tuple[str, ...] = ()


def find_packages(names: Sequence[str]) -> Packages:
    """The packages of these PyPI names and all that they require, as they are installed beside luthier.

    Raises SandboxError for luthier itself: what grades has no business with what is graded.
    """
    if OURSELVES in map(_normalised, names):
        raise SandboxError(
            found="the sandbox was asked to show luthier to user code",
            expected="packages that user code computes with",
            fix="pass what it needs as arguments of the call",
        )
    entries: dict[Path, None] = {}
    seen: set[str] = set()
    waiting, missing = list(names), []
    while waiting:
        name = _normalised(waiting.pop())
        if name in seen or name == OURSELVES:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        entries |= dict.fromkeys(_entries(found))
        waiting += _requirements(found.requires or ())
    imports = frozenset(name for entry in entries if (name := _import_name(entry)))
    return Packages(tuple(sorted(entries)), imports, tuple(name for name in names if _normalised(name) in missing))


def _entries(found: metadata.Distribution) -> Iterable[Path]:
    tops = {Path(file).parts[0] for file in found.files or ()}
    for top in sorted(tops):
        path = Path(str(found.locate_file(top)))
        if not top.endswith(NEVER_SHOWN) and path.exists():
            yield path.absolute()


def _requirements(lines: Iterable[str]) -> list[str]:
    """Names, without those that only an extra asks for; markers about the machine settle themselves on installing."""
    names = []
    for line in lines:
        requirement, _, marker = line.partition(";")
        found = re.match(r"\s*([A-Za-z0-9._-]+)", requirement)
        if found and not re.search(r"\bextra\b", marker):
            names.append(found[1])
    return names


def _import_name(entry: Path) -> str | None:
    if entry.is_dir():
        return entry.name if entry.name.isidentifier() else None
    for suffix in machinery.all_suffixes():
        if entry.name.endswith(suffix):
            return entry.name.removesuffix(suffix)
    return None


def _normalised(name: str) -> str:
    """PyPI's own rule (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
