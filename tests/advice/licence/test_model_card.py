"""Only what a model card's front matter states counts; licence texts beside it are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.advice.licence.model_card import licence_texts, read_card, stated_licence


def card(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("line", ["license: apache-2.0", "license:apache-2.0", "license: 'apache-2.0'"])
def test_the_front_matter_states_the_licence(tmp_path: Path, line: str):
    assert stated_licence(card(tmp_path, f"---\nlanguage: en\n{line}\n---\n# A model\n")) == "apache-2.0"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# A model\nlicense: mit\n",
        "---\nlanguage: en\n---\nlicense: mit\n",
        "---\nlicense:\n---\n",
        "---\nbase_license: mit\n---\n",
        "---\nlicense: mit\n",
    ],
)
def test_nothing_else_does(tmp_path: Path, text: str):
    assert stated_licence(card(tmp_path, text)) is None


def test_a_model_without_a_card_states_nothing(tmp_path: Path):
    assert stated_licence(tmp_path) is None


def test_a_card_that_is_not_utf8_can_still_be_read(tmp_path: Path):
    (tmp_path / "README.md").write_bytes(b"---\nauthor: Andr\xe9\nlicense: mit\n---\n")
    assert stated_licence(tmp_path) == "mit"


def test_another_licence_goes_by_its_name(tmp_path: Path):
    found = read_card(card(tmp_path, "---\nlicense: other\nlicense_name: mrl\nlicense_link: https://x\n---\n"))
    assert (found.stated, found.licence_link) == ("mrl", "https://x")


@pytest.mark.parametrize(
    "lines", ["base_model: a/b", "base_model:\n- a/b", "base_model:\n  - a/b", "base_model: [a/b]"]
)
def test_the_base_of_a_base_is_found_in_every_form(tmp_path: Path, lines: str):
    assert read_card(card(tmp_path, f"---\n{lines}\nlicense: mit\n---\n")).base_models == ("a/b",)


def test_texts_about_the_code_are_not_about_the_weights(tmp_path: Path):
    for name in ("LICENSE-CODE", "LICENSE-MODEL", "LICENSE", "weights.txt"):
        (tmp_path / name).write_text(name)
    assert list(licence_texts(tmp_path)) == ["LICENSE-MODEL", "LICENSE"]
