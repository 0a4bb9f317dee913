"""The rule file is whole: every duty with a short quote, a source and a date, every name found once."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from luthier.advice.evidence import Use
from luthier.advice.licence.rules import PURPOSES, Role, read_rules

RULES = read_rules()
ALL = (*RULES.licences, *RULES.teachers)
DUTIES = [duty for rule in ALL for duty in rule.duties]


@pytest.mark.parametrize("duty", DUTIES, ids=[duty.rule for duty in DUTIES])
def test_every_duty_has_a_short_quote_a_source_and_a_date(duty):
    assert 3 <= len(duty.quote.split()) <= 35
    assert duty.source.startswith("https://")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", duty.checked_on)
    assert duty.sentence.endswith(".")
    assert duty.when in PURPOSES
    assert set(duty.roles) <= set(get_args(Role))


@pytest.mark.parametrize("rule", ALL, ids=[rule.id for rule in ALL])
def test_every_rule_answers_every_use(rule):
    for uses in (rule.uses, rule.outputs):
        assert set(uses) == set(PURPOSES)
        assert set(uses.values()) <= set(get_args(Use))


def test_no_name_stands_for_two_licences():
    labels = [label for rule in ALL for label in {rule.id, *rule.labels}]
    assert len(labels) == len(set(labels))
    assert len({duty.rule for duty in DUTIES}) == len(DUTIES)


@pytest.mark.parametrize("family", RULES.families, ids=[family.pattern.pattern for family in RULES.families])
def test_families_name_licences_that_exist(family):
    assert family.licence == "unknown" or RULES.by_id(family.licence)


@pytest.mark.parametrize(
    ("name", "licence"),
    [
        ("meta-llama/Llama-4-Scout-17B-16E", "llama4"),
        ("Llama-3.1-8B-Instruct", "llama3.1"),
        ("google/gemma-3-4b-it", "gemma"),
        ("google/gemma-4-E4B-it", "apache-2.0"),
        ("Qwen/Qwen3-0.6B", "apache-2.0"),
        ("deepseek-ai/DeepSeek-V3-Base", "deepseek"),
        ("deepseek-ai/DeepSeek-R1", "mit"),
        ("mistralai/Mistral-7B-v0.3", "apache-2.0"),
        ("mistralai/Ministral-8B-Instruct-2410", "mrl"),
        ("Qwen/Qwen2.5-3B", None),
        ("somebody/model", None),
    ],
)
def test_models_are_known_by_their_names(name: str, licence: str | None):
    rule = RULES.by_model_name(name)
    assert (rule.id if rule else None) == licence


@pytest.mark.parametrize(
    ("teacher", "rule"),
    [
        ("openai", "openai"),
        ("gpt-4o-mini", "openai"),
        ("openai/gpt-oss-20b", "apache-2.0"),
        ("claude-3-5-haiku", "anthropic"),
        ("gemini-2.5-flash", "gemini"),
        ("google/gemma-3-27b-it", "gemma"),
        ("qwen3", "apache-2.0"),
        ("mit", "mit"),
        ("my-own-model", None),
    ],
)
def test_teachers_are_services_or_open_models(teacher: str, rule: str | None):
    found = RULES.by_teacher(teacher)
    assert (found.id if found else None) == rule


@pytest.mark.parametrize("label", ["Apache-2.0", "apache 2.0", "CC-BY-SA-4.0", "MIT License", "own"])
def test_labels_are_known_in_their_usual_forms(label: str):
    assert RULES.by_label(label)
