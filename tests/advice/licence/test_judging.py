"""Base, data and teacher together: the strictest counts, duties are collected, the unknown is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from luthier.advice.licence import judge_licences

APACHE = (Path(__file__).parents[3] / "LICENSE").read_text(encoding="utf-8")


def model(folder: Path, front: str = "license: apache-2.0", text: str | None = None, name: str = "base") -> Path:
    path = folder / name
    path.mkdir()
    (path / "README.md").write_text(f"---\n{front}\n---\n", encoding="utf-8")
    if text is not None:
        (path / "LICENSE").write_text(text, encoding="utf-8")
    return path


def states(judgement) -> dict[str, str]:
    return {item.purpose: item.use for item in judgement.allowed}


def test_a_free_base_with_own_data_may_be_used_for_all(tmp_path: Path):
    found = judge_licences(model(tmp_path, text=APACHE), "own")
    assert states(found) == {
        "tune": "allowed",
        "commercial": "allowed",
        "share": "conditions",
        "train_others": "allowed",
    }
    assert found.components[0].is_confirmed
    assert not found.unknown


def test_a_label_without_text_is_said_and_not_confirmed(tmp_path: Path):
    found = judge_licences(model(tmp_path), "own")
    assert not found.components[0].is_confirmed
    assert any("label without text" in sentence for sentence in found.unknown)


def test_a_text_counts_more_than_a_label_that_contradicts_it(tmp_path: Path):
    found = judge_licences(model(tmp_path, "license: mit", APACHE), "own")
    assert found.components[0].licence == "apache-2.0"
    assert any("taken as true" in sentence for sentence in found.unknown)


@pytest.mark.parametrize(
    ("data", "commercial", "share"),
    [
        ("cc-by-4.0", "allowed", "conditions"),
        ("cc-by-nc-4.0", "forbidden", "conditions"),
        ("cc-by-nd-4.0", "allowed", "forbidden"),
        ("cdla-permissive-2.0", "allowed", "conditions"),
        ("made up", "unknown", "unknown"),
        (None, "unknown", "unknown"),
    ],
)
def test_data_can_forbid_what_the_base_allows(tmp_path: Path, data: str | None, commercial: str, share: str):
    found = states(judge_licences(model(tmp_path, text=APACHE), data))
    assert (found["commercial"], found["share"]) == (commercial, share)


@pytest.mark.parametrize(
    ("teacher", "tune", "share"),
    [
        ("qwen3", "allowed", "conditions"),
        ("gpt-5.4", "conditions", "unknown"),
        ("claude-4", "forbidden", "forbidden"),
        ("Llama-4-Scout", "allowed", "conditions"),
        ("nobody", "unknown", "unknown"),
    ],
)
def test_teachers_can_forbid_it_too(tmp_path: Path, teacher: str, tune: str, share: str):
    found = states(judge_licences(model(tmp_path, text=APACHE), "own", teacher))
    assert (found["tune"], found["share"]) == (tune, share)


def test_a_llama_asks_for_its_name_and_its_notice(tmp_path: Path):
    found = judge_licences(model(tmp_path, "license: other\nlicense_name: llama4"), "own")
    assert {"llama4/1bi-name", "llama4/1biii", "llama4/2"} <= {duty.rule for duty in found.duties}
    assert "Llama 4 is licensed under the Llama 4 Community License" in found.notice
    assert found.use_for("commercial") == "conditions"


def test_a_llama_that_only_taught_asks_for_its_name_alone(tmp_path: Path):
    rules = {duty.rule for duty in judge_licences(model(tmp_path, text=APACHE), "own", "Llama-4-Scout").duties}
    assert "llama4/1bi-name" in rules
    assert "llama4/1biii" not in rules


def test_research_only_is_not_commercial(tmp_path: Path):
    found = judge_licences(model(tmp_path, "license: other\nlicense_name: mrl"), "own")
    assert found.use_for("commercial") == "forbidden"


def test_a_tuned_base_brings_the_licence_of_its_own_base(tmp_path: Path):
    found = judge_licences(model(tmp_path, "license: mit\nbase_model: google/gemma-2-2b"), "own")
    assert {part.licence for part in found.components} == {"mit", "gemma", "own"}
    assert found.use_for("tune") == "conditions"


def test_a_label_that_the_name_contradicts_is_doubted(tmp_path: Path):
    found = judge_licences(model(tmp_path, "license: mit", name="gemma-2-2b"), "own")
    assert found.use_for("tune") == "conditions"
    assert any("usually under Gemma Terms" in sentence for sentence in found.unknown)


def test_nothing_stated_is_unknown_and_a_name_is_only_a_guess(tmp_path: Path):
    assert set(states(judge_licences(model(tmp_path, "language: en"), "own")).values()) == {"unknown"}
    guessed = judge_licences(model(tmp_path, "language: en", name="Qwen3-0.6B"), "own")
    assert guessed.components[0].source == "guessed from the name"
    assert not guessed.components[0].is_confirmed


def test_it_is_json_and_says_that_it_is_no_legal_advice(tmp_path: Path):
    found = judge_licences(model(tmp_path), "cc-by-4.0", "openai").as_json()
    json.dumps(found)
    assert "not legal advice" in found["sentence"]
    assert {"components", "allowed", "duties", "unknown", "notice", "sentence"} <= set(found)
    assert all({"sentence", "rule", "source", "quote", "checked_on"} <= set(duty) for duty in found["duties"])
