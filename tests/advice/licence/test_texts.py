"""Licence texts are known by a few of their sentences, whatever their line breaks, quotes and markup."""

from __future__ import annotations

from pathlib import Path

import pytest

from luthier.advice.licence.rules import read_rules
from luthier.advice.licence.texts import normalised, recognise

APACHE = (Path(__file__).parents[3] / "LICENSE").read_text(encoding="utf-8")
RULES = read_rules()
WITH_TEXT = [rule for rule in RULES.licences if rule.phrases]


def test_our_own_licence_is_known():
    found = recognise(APACHE, RULES)
    assert found and (found.rule.id, found.share, found.has_additions) == ("apache-2.0", 1.0, False)


def test_line_breaks_case_and_markup_do_not_matter():
    changed = APACHE.upper().replace("\n", "\r\n > ").replace('"', "”")
    found = recognise(changed, RULES)
    assert found and found.rule.id == "apache-2.0"


def test_a_text_with_much_more_in_it_has_additions():
    found = recognise(APACHE + "You must also pay. " * 200, RULES)
    assert found and found.has_additions


@pytest.mark.parametrize("text", ["", "All rights reserved.", "This model is under the Apache licence."])
def test_other_texts_are_not_known(text: str):
    assert recognise(text, RULES) is None


@pytest.mark.parametrize("rule", WITH_TEXT, ids=[rule.id for rule in WITH_TEXT])
def test_the_sentences_of_a_licence_are_told_apart_from_those_of_all_others(rule):
    found = recognise("\n".join(rule.phrases), RULES)
    assert found and found.rule.id == rule.id


@pytest.mark.parametrize("rule", WITH_TEXT, ids=[rule.id for rule in WITH_TEXT])
def test_sentences_are_written_as_they_are_compared(rule):
    assert all(normalised(phrase) == phrase for phrase in (*rule.phrases, *rule.absent))
