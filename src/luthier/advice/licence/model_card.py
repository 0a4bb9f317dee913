"""What a model folder itself says of its licence: the front matter of its card, and licence texts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

# LICENSE-CODE is about the code beside the weights, not about the weights.
_TEXT_NAMES = ("license*", "licence*", "copying*", "notice*", "LICENSE*", "LICENCE*", "COPYING*", "NOTICE*", "License*")
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class ModelCard:
    """``label`` is the `license` of the front matter; ``licence_name`` tells more where that is `other`."""

    label: str | None = None
    licence_name: str | None = None
    licence_link: str | None = None
    base_models: tuple[str, ...] = ()

    @property
    def stated(self) -> str | None:
        """The licence as the card names it."""
        if self.label and self.label.lower() == "other":
            return self.licence_name or self.label
        return self.label or self.licence_name


def read_card(folder: Path) -> ModelCard:
    """What the front matter of README.md says; nothing where there is none."""
    values = _front_matter(folder / "README.md")
    first = {key: lines[0] for key, lines in values.items() if lines}
    return ModelCard(
        first.get("license"), first.get("license_name"), first.get("license_link"), tuple(values.get("base_model", ()))
    )


def stated_licence(folder: Path) -> str | None:
    """The ``license`` line of README.md's front matter, or None where nothing is stated."""
    return read_card(folder).label


def licence_texts(folder: Path) -> dict[str, str]:
    """Licence files of the folder by name; a notice is one, as some models carry their terms there."""
    found = {file.name: file for pattern in _TEXT_NAMES for file in folder.glob(pattern) if file.is_file()}
    texts = {}
    for name in sorted(found, key=lambda name: ("model" not in name.lower(), name)):
        if "code" not in name.lower() and found[name].stat().st_size <= _MOST_BYTES:
            texts[name] = found[name].read_text(encoding="utf-8", errors="replace")
    return texts


def _front_matter(card: Path) -> dict[str, list[str]]:
    """Top-level keys with their values; a list is several. Cards in the wild are not always YAML, so line by line."""
    if not card.is_file():
        return {}
    lines = card.read_text(encoding="utf-8", errors="replace").splitlines()
    if not lines or lines[0].strip() != "---":
        return {}
    values: dict[str, list[str]] = {}
    key = ""
    for line in lines[1:]:
        if line.strip() == "---":
            return values
        if line.lstrip().startswith("- ") and key:
            values[key].append(_plain(line.lstrip()[2:]))
        elif line[:1] not in (" ", "\t", "#", "") and ":" in line:
            key, _, value = line.partition(":")
            key = key.strip()
            values[key] = [_plain(part) for part in value.strip().strip("[]").split(",") if _plain(part)]
    # A front matter that never ends is none.
    return {}


def _plain(value: str) -> str:
    return value.strip().strip("'\"").strip()
