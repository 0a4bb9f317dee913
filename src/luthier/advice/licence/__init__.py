"""Licences: what the base, the data and the teacher allow together, which duties follow, and what is not known."""

from luthier.advice.licence.judging import DISCLAIMER, Allowed, Component, LicenceJudgement, judge_licences
from luthier.advice.licence.model_card import ModelCard, licence_texts, read_card, stated_licence
from luthier.advice.licence.rules import Duty, LicenceRule, Purpose, Rules, read_rules
from luthier.advice.licence.texts import RecognisedText, recognise

__all__ = [
    "DISCLAIMER",
    "Allowed",
    "Component",
    "Duty",
    "LicenceJudgement",
    "LicenceRule",
    "ModelCard",
    "Purpose",
    "RecognisedText",
    "Rules",
    "judge_licences",
    "licence_texts",
    "read_card",
    "read_rules",
    "recognise",
    "stated_licence",
]
