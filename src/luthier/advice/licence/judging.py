"""Base × data × teacher -> what the tuned model may be used for, which duties come with it, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.advice.evidence import Use
from luthier.advice.licence.model_card import ModelCard, licence_texts, read_card
from luthier.advice.licence.notice import notice_text
from luthier.advice.licence.rules import PURPOSES, UNKNOWN_USES, Duty, LicenceRule, Purpose, Role, Rules, read_rules
from luthier.advice.licence.texts import RecognisedText, recognise

_WORST_LAST: tuple[Use, ...] = ("allowed", "conditions", "unknown", "forbidden")
_PURPOSE_WORDS: dict[Purpose, str] = {
    "tune": "tune it and use it privately",
    "commercial": "use it commercially",
    "share": "give the tuned model to others",
    "train_others": "train other models on its answers",
}
_USE_WORDS: dict[Use, str] = {
    "allowed": "allowed",
    "conditions": "allowed with duties",
    "unknown": "not known",
    "forbidden": "not allowed",
}
DISCLAIMER = "This is what the texts say in short, not legal advice."


@dataclass(frozen=True)
class Component:
    """One thing that the tuned model is made from. ``is_confirmed``: its licence's own text was found and known."""

    role: Role
    name: str
    licence: str
    source: str
    is_confirmed: bool
    rule: LicenceRule | None = None


@dataclass(frozen=True)
class Allowed:
    """One use, the strictest answer of all components, and which of them give it."""

    purpose: Purpose
    use: Use
    because: tuple[str, ...]

    @property
    def sentence(self) -> str:
        return f"To {_PURPOSE_WORDS[self.purpose]}: {_USE_WORDS[self.use]} ({', '.join(self.because)})."


@dataclass(frozen=True)
class LicenceJudgement:
    """As `licence.json` holds it."""

    components: tuple[Component, ...]
    allowed: tuple[Allowed, ...]
    duties: tuple[Duty, ...]
    unknown: tuple[str, ...]
    notice: str
    checked_on: str

    def use_for(self, purpose: Purpose) -> Use:
        return next(item.use for item in self.allowed if item.purpose == purpose)

    @property
    def sentence(self) -> str:
        """One sentence for a card or a report."""
        names = "; ".join(f"{part.role} {part.licence}" for part in self.components)
        uses = ", ".join(f"{item.purpose.replace('_', ' ')} {_USE_WORDS[item.use]}" for item in self.allowed[:3])
        return f"{names}. {uses[0].upper()}{uses[1:]}. {DISCLAIMER}"

    def as_json(self) -> dict[str, Any]:
        return {
            "components": [
                {key: getattr(part, key) for key in ("role", "name", "licence", "source", "is_confirmed")}
                for part in self.components
            ],
            "allowed": [
                {"use": item.purpose, "state": item.use, "because": list(item.because), "sentence": item.sentence}
                for item in self.allowed
            ],
            "duties": [{**vars(duty), "roles": list(duty.roles)} for duty in self.duties],
            "unknown": list(self.unknown),
            "notice": self.notice,
            "sentence": self.sentence,
            "checked_on": self.checked_on,
        }


def judge_licences(
    folder: Path, data_licence: str | None = None, teacher: str | None = None, name: str | None = None
) -> LicenceJudgement:
    """``folder`` is the base's; ``data_licence`` a label or `own`; ``teacher`` who wrote the training answers."""
    rules = read_rules()
    title = name or folder.name
    card = read_card(folder)
    base, unknown = _base(folder, title, card, rules)
    parts = [*base, *_inherited(card, rules, {part.rule.id for part in base if part.rule})]
    parts.append(_data(data_licence, rules))
    if teacher:
        parts.append(_teacher(teacher, rules))
    for part in parts:
        unknown += list(part.rule.unclear) if part.rule else [_not_known(part)]
    allowed = tuple(_allowed(purpose, parts) for purpose in PURPOSES)
    duties = tuple(dict.fromkeys(duty for part in parts for duty in _duties(part)))
    notices = tuple(dict.fromkeys(part.rule.notice for part in parts if part.rule and part.rule.notice))
    lines = tuple((part.role, part.name, part.rule.name if part.rule else part.licence) for part in parts)
    notice = notice_text(title, lines, notices)
    return LicenceJudgement(tuple(parts), allowed, duties, tuple(dict.fromkeys(unknown)), notice, rules.checked_on)


def _base(folder: Path, title: str, card: ModelCard, rules: Rules) -> tuple[list[Component], list[str]]:
    stated = rules.by_label(card.stated or "") or rules.by_label(card.label or "")
    hinted = rules.by_model_name(" ".join((title, card.licence_name or "")))
    texts = [(name, found) for name, text in licence_texts(folder).items() if (found := recognise(text, rules))]
    if texts:
        return _from_text(title, card, stated, texts[0])
    if card.stated:
        return _from_label(title, card, stated, hinted)
    if hinted:
        part = Component("base", title, hinted.id, "guessed from the name", False, hinted)
        sentence = f"{title} states no licence; models of that name are usually under {hinted.name}: find its text."
        return [part], [sentence]
    return [Component("base", title, "unknown", "nothing states it", False)], [
        f"{title} states no licence and brings no text: find out before you use or share what you tune."
    ]


def _from_text(
    title: str, card: ModelCard, stated: LicenceRule | None, text: tuple[str, RecognisedText]
) -> tuple[list[Component], list[str]]:
    file, found = text
    unknown = []
    if found.has_additions:
        unknown.append(f"{file} is {found.rule.name} with something added: read what.")
    if stated and stated.id != found.rule.id:
        unknown.append(f"The card says {card.stated}, but {file} is {found.rule.name}: the text was taken as true.")
    is_confirmed = not unknown
    return [Component("base", title, found.rule.id, f"the text of {file}", is_confirmed, found.rule)], unknown


def _from_label(
    title: str, card: ModelCard, stated: LicenceRule | None, hinted: LicenceRule | None
) -> tuple[list[Component], list[str]]:
    label = card.stated or ""
    unknown = [f"The card says {label}, but no text of it lies in the folder: label without text."]
    licence = stated.id if stated else label
    parts = [Component("base", title, licence, "the card's label, text missing", False, stated)]
    if stated and hinted and stated.id != hinted.id:
        unknown.append(f"The card says {label}, but models of that name are usually under {hinted.name}.")
        parts.append(Component("base", title, hinted.id, "guessed from the name", False, hinted))
    return parts, unknown


def _inherited(card: ModelCard, rules: Rules, known: set[str]) -> Iterator[Component]:
    """A tuned base brings the licence of the model it was made from."""
    for name in card.base_models:
        rule = rules.by_model_name(name)
        if rule and rule.id not in known:
            yield Component("base", name, rule.id, "guessed from base_model on the card", False, rule)


def _data(label: str | None, rules: Rules) -> Component:
    if label is None:
        return Component("data", "training rows", "unknown", "not said: --data LICENCE", False)
    if label.strip().lower() == "own":
        return Component("data", "training rows", "own", "said by you", True, rules.by_id("cc0-1.0"))
    rule = rules.by_label(label)
    return Component("data", "training rows", rule.id if rule else label, "said by you", False, rule)


def _teacher(name: str, rules: Rules) -> Component:
    rule = rules.by_teacher(name)
    licence = rule.id if rule else "unknown"
    return Component("teacher", name, licence, "found by the name" if rule else "no rule for it", False, rule)


def _not_known(part: Component) -> str:
    return f"{part.role} ({part.name}): no rule for the licence “{part.licence}”; {part.source}."


def _allowed(purpose: Purpose, parts: Sequence[Component]) -> Allowed:
    uses: list[Use] = [(part.rule.uses_as(part.role) if part.rule else UNKNOWN_USES)[purpose] for part in parts]
    worst = max(uses, key=_WORST_LAST.index)
    because = [f"{part.role}: {part.licence}" for part, use in zip(parts, uses, strict=True) if use == worst]
    return Allowed(purpose, worst, tuple(dict.fromkeys(because)))


def _duties(part: Component) -> tuple[Duty, ...]:
    return tuple(duty for duty in part.rule.duties if part.role in duty.roles) if part.rule else ()
