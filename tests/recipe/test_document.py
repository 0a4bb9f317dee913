"""Whatever is in the file, its reader gets one clear error."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from luthier.errors import RecipeError
from luthier.recipe import load_recipe
from luthier.recipe.document import read_document

BROKEN = {
    "an unclosed bracket": (b"data: {train: a\n", "expected"),
    "a wrong indentation": (b"data:\n  train: a\n format: chat\n", "line 3"),
    "a key given twice": (b"data:\n  train: a\n  train: b\n", 'line 3: found duplicate key "train"'),
    "a tab": (b"data:\n\ttrain: a\n", "line 2: indented with a tab"),
    "nothing": (b"", "is empty"),
    "only comments": (b"# data\n", "is empty"),
    "a list": (b"- data\n- train\n", "a list at the top"),
    "a word": (b"data\n", "a single value at the top"),
    "Latin-1": ("run:\n  name: Bär\n".encode("latin-1"), "line 2: byte 0xe4 is not UTF-8"),
    "UTF-16": ("data: {train: a}".encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
    "a NUL byte": (b"data: {train: a\0}\n", "special characters are not allowed"),
    "two documents": (b"data: {train: a}\n---\ndata: {train: b}\n", "line 2"),
    "an alias": (b"data: &d {train: a}\nrun: *d\n", "an alias (*d) in line 2"),
    "a Python object": (b"data: !!python/name:os.system\n", "a tag"),
    "deep nesting": (b"data: " + b"[" * 5000 + b"]" * 5000, "nested too deeply"),
    "a long number": (b"data: {seed: " + b"9" * 5000 + b"}", "recipe.yaml"),
    "a list as a key": (b"data: {train: a}\n[1, 2]: 3\n", "unknown key"),
    "half a character": (b'data: {train: "\\ud800"}\n', "recipe.yaml"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_file_gives_one_clear_error(tmp_path, what):
    data, words = BROKEN[what]
    path = tmp_path / "recipe.yaml"
    path.write_bytes(data)
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert words in caught.value.found and str(path) in caught.value.found
    assert "\n" not in caught.value.found and caught.value.fix and caught.value.expected


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path):
    with pytest.raises(RecipeError, match="does not exist") as caught:
        load_recipe(tmp_path / "none.yaml")
    assert "luthier init" in caught.value.fix


def test_a_folder_is_no_recipe(tmp_path):
    with pytest.raises(RecipeError, match="is a folder"):
        load_recipe(tmp_path)


def test_a_data_file_given_as_a_recipe_is_recognised(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text('{"prompt": "a"}\n{"prompt": "b"}\n')
    with pytest.raises(RecipeError) as caught:
        load_recipe(path)
    assert "luthier init rows.jsonl" in caught.value.fix


def test_a_byte_order_mark_is_ignored(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(b"\xef\xbb\xbfdata: {train: a}\n")
    assert read_document(path).values == {"data": {"train": "a"}}


def test_the_line_of_a_key_is_known_however_deep(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("data:\n  train: a\n\n  columns:\n    prompt: q\nrun: {name: x}\n")
    document = read_document(path)
    paths = [("data",), ("data", "columns", "prompt"), ("data", "none"), ("run", "name"), ("none",)]
    assert [document.line_of(path) for path in paths] == [1, 5, 1, 6, None]


@settings(max_examples=150, deadline=None)
@given(data=st.binary(max_size=40) | st.text("{}[]:,-#&*!|>'\"%@`?~=<\n\t ab01.\\", max_size=30).map(str.encode))
@example(b"%YAML 9.9\n--- a: b")
@example(b"a: 0x\nb: 0b2\nc: 1:2:99")
def test_no_bytes_at_all_give_a_traceback(tmp_path_factory: pytest.TempPathFactory, data: bytes):
    path: Path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(data)
    with pytest.raises(RecipeError):
        load_recipe(path)
