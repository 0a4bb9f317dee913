"""What the licences of base, data and teacher allow together, left in the run folder as licence.json."""

from __future__ import annotations

import json

from luthier.advice.licence import judge_licences, read_card
from luthier.models import ModelFolder
from luthier.recipe import Recipe
from luthier.runs.folder import RunFolder

LICENCE_FILE = "licence.json"


def write_licence(folder: RunFolder, recipe: Recipe, base: ModelFolder) -> str | None:
    """Write licence.json; returns the licence as the base's card states it, or None where it states none."""
    advice = recipe.evaluation.advice
    judgement = judge_licences(base.path, advice.data_licence, advice.teacher, base.name)
    folder.write_text(LICENCE_FILE, json.dumps(judgement.as_json(), indent=2, ensure_ascii=False) + "\n")
    return read_card(base.path).stated
