"""Small makers for the tests of the data room."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from luthier.examples import Example, Message, Origin
from luthier.recipe import DataSettings


@pytest.fixture
def settings() -> Callable[..., DataSettings]:
    return lambda **changes: DataSettings.model_validate({"train": "train.jsonl", **changes})


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[[str, Any], Path]:
    """Bytes and text as they are; a list as JSON Lines."""

    def write(name: str, content: Any) -> Path:
        path = tmp_path / name
        if isinstance(content, list):
            content = "".join(json.dumps(row) + "\n" for row in content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def ask() -> Callable[..., Example]:
    """One question and its answer."""

    def make(prompt: str, answer: str = "yes", line: int = 0, system: str | None = None) -> Example:
        before = (Message("system", system),) if system else ()
        return Example((*before, Message("user", prompt), Message("assistant", answer)), origin=Origin("made", line))

    return make
