"""The model card: metadata that Hugging Face reads, and a README that tells no secrets of the machine."""

from __future__ import annotations

import ast
import re

import pytest
from ruamel.yaml import YAML

from luthier.evaluation.report import render_card, validate_report
from luthier.evaluation.report.card import base_name


def front_matter(card: str) -> dict:
    return YAML(typ="safe").load(card.split("---\n")[1])


def test_the_front_matter_names_base_library_licence_and_language(report):
    front = front_matter(render_card(report))
    assert front["base_model"] == "small-base"
    assert (front["library_name"], front["base_model_relation"]) == ("peft", "adapter")
    assert (front["license"], front["language"]) == ("apache-2.0", ["en"])
    assert front["tags"] == ["luthier", "lora", "sft"]


def test_a_full_model_is_loaded_with_transformers(report_data):
    report_data["run"]["method"] = "full"
    card = render_card(validate_report(report_data))
    assert front_matter(card)["library_name"] == "transformers"
    assert 'AutoModelForCausalLM.from_pretrained("model")' in card
    assert "peft" not in card


def test_a_licence_unknown_to_the_hub_goes_in_under_its_own_name(report_data):
    report_data["licence"] = {"base": "Acme Research 1.0"}
    front = front_matter(render_card(validate_report(report_data)))
    assert (front["license"], front["license_name"]) == ("other", "Acme Research 1.0")


def test_without_a_licence_the_limits_say_so(report_data):
    report_data["licence"] = None
    card = render_card(validate_report(report_data))
    assert "license" not in front_matter(card)
    assert "states no licence" in card


def test_no_folder_of_the_machine_is_told(report):
    assert "/home/ana" not in render_card(report)


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("Qwen/Qwen3-0.6B", "Qwen/Qwen3-0.6B"),
        ("starter", "starter"),
        ("/models/x/tiny", "tiny"),
        ("C:\\m\\tiny", "tiny"),
    ],
)
def test_a_base_is_called_as_others_know_it(base, name):
    assert base_name(base) == name


def test_scores_stand_with_their_intervals(report):
    row = next(line for line in render_card(report).splitlines() if line.startswith("| Tuned "))
    assert "88.1 (84.6 to 91.1, n = 200)" in row


def test_the_loading_code_is_python_and_keeps_the_system_prompt(report):
    code = re.findall(r"```python\n(.*?)```", render_card(report), re.DOTALL)[0]
    ast.parse(code)
    assert "Answer in JSON." in code


def test_decided_settings_stand_in_the_table(report):
    assert "| training.learning\\_rate (decided) | 0.0012 |" in render_card(report)


def test_markup_in_the_data_stays_text(hostile_data):
    card = render_card(validate_report(hostile_data))
    body = card.split("---\n", 2)[2]
    assert "<script" not in re.sub(r"```.*?```", "", body, flags=re.DOTALL)
    assert front_matter(card)["license"] == "other"
