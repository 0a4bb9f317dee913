"""The examples in docs/data.md are read as the layout they stand under."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from luthier.data import read_examples

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
BLOCKS = [
    (section.split("\n", 1)[0], kind, text)
    for section in PAGE.split("\n### ")[1:]
    for kind, text in re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
]


@pytest.mark.parametrize(("layout", "kind", "text"), BLOCKS)
def test_a_documented_example_is_read(write_file, settings, layout, kind, text):
    columns = {"prompt": "text", "completion": "label"} if layout == "table" else {}
    path = write_file("rows.csv" if kind == "csv" else "rows.jsonl", text)

    rows = read_examples(path, settings(columns=columns))

    assert rows.format == layout
    assert rows.notes == ()


def test_every_layout_has_an_example():
    assert {layout for layout, _, _ in BLOCKS} == {"chat", "prompt-completion", "alpaca", "sharegpt", "table"}
