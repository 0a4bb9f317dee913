"""The dated rule file: which uses a licence allows, which duties come with them, and where that is written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal, get_args

from luthier.advice.evidence import Use
from luthier.recipe.document import read_document

RULES_FILE = Path(__file__).with_name("rules.yaml")
Purpose = Literal["tune", "commercial", "share", "train_others"]
Role = Literal["base", "data", "teacher"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
UNKNOWN_USES: Mapping[Purpose, Use] = {
    "tune": "unknown",
    "commercial": "unknown",
    "share": "unknown",
    "train_others": "unknown",
}


@dataclass(frozen=True)
class Duty:
    """What must be done ``when`` the model is put to that use, with the sentence of the licence that says so."""

    rule: str
    when: Purpose
    roles: tuple[Role, ...]
    sentence: str
    quote: str
    source: str
    checked_on: str


@dataclass(frozen=True)
class LicenceRule:
    """One licence, or one service's terms. ``outputs`` holds the uses when it wrote training answers."""

    id: str
    name: str
    labels: tuple[str, ...]
    uses: Mapping[Purpose, Use]
    outputs: Mapping[Purpose, Use]
    duties: tuple[Duty, ...]
    unclear: tuple[str, ...]
    phrases: tuple[str, ...]
    absent: tuple[str, ...]
    words: int | None
    notice: str | None

    def uses_as(self, role: Role) -> Mapping[Purpose, Use]:
        return self.outputs if role == "teacher" else self.uses


@dataclass(frozen=True)
class Family:
    """What a model's name says; ``licence`` is a rule's id, or unknown."""

    pattern: re.Pattern[str]
    licence: str


@dataclass(frozen=True)
class Rules:
    """The whole file."""

    licences: tuple[LicenceRule, ...]
    teachers: tuple[LicenceRule, ...]
    families: tuple[Family, ...]
    checked_on: str

    def by_id(self, licence: str) -> LicenceRule | None:
        return next((rule for rule in (*self.licences, *self.teachers) if rule.id == licence), None)

    def by_label(self, label: str) -> LicenceRule | None:
        """By an identifier or a usual name, whatever its case."""
        wanted = " ".join(label.lower().split())
        return next((rule for rule in self.licences if wanted == rule.id or wanted in rule.labels), None)

    def by_model_name(self, name: str) -> LicenceRule | None:
        """What models of that name are under, as far as is known."""
        family = next((family for family in self.families if family.pattern.search(name.lower())), None)
        return self.by_id(family.licence) if family else None

    def by_teacher(self, name: str) -> LicenceRule | None:
        """A service by its name or that of its models; else an open model by its name; else a licence by its label."""
        plain = name.lower().strip().rpartition("/")[2]
        if rule := self.by_model_name(plain):
            return rule
        for rule in self.teachers:
            # gpt-4o is a gpt-4, o100 is no o1.
            if any(plain.startswith(label) and not plain[len(label) :][:1].isdigit() for label in rule.labels):
                return rule
        return self.by_label(plain)


@cache  # the file does not change while a program runs
def read_rules(path: Path = RULES_FILE) -> Rules:
    values = read_document(path).values
    checked_on = str(values["checked_on"])
    return Rules(
        licences=tuple(_licence(entry, checked_on) for entry in values["licences"]),
        teachers=tuple(_licence(entry, checked_on) for entry in values["teachers"]),
        families=tuple(Family(re.compile(entry["pattern"]), entry["licence"]) for entry in values["families"]),
        checked_on=checked_on,
    )


def _licence(entry: Mapping[str, Any], checked_on: str) -> LicenceRule:
    return LicenceRule(
        id=entry["id"],
        name=entry["name"],
        labels=tuple(entry["labels"]),
        uses=entry["uses"],
        outputs=entry.get("outputs", entry["uses"]),
        duties=tuple(_duty(duty, checked_on) for duty in entry["duties"]),
        unclear=tuple(entry.get("unclear", ())),
        phrases=tuple(entry.get("phrases", ())),
        absent=tuple(entry.get("absent", ())),
        words=entry.get("words"),
        notice=entry.get("notice"),
    )


def _duty(entry: Mapping[str, Any], checked_on: str) -> Duty:
    return Duty(
        rule=entry["id"],
        when=entry["when"],
        roles=tuple(entry.get("roles", ("base", "data"))),
        sentence=entry["sentence"],
        quote=entry["quote"],
        source=entry["source"],
        checked_on=str(entry.get("checked_on", checked_on)),
    )
