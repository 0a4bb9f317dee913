"""`luthier licence`: what the base, the data and the teacher allow together, and what they ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

import luthier
from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, json_option

if TYPE_CHECKING:
    from luthier.advice.licence import LicenceJudgement


@click.command(
    "licence",
    cls=Verb,
    example="luthier licence starter --data cc-by-4.0 --teacher qwen3",
    help="Say which uses the licences of the model in MODEL_FOLDER, of the training rows and of the teacher allow, "
    "which duties follow, and what is not known. Not legal advice.",
)
@click.argument("model_folder", type=click.Path(path_type=Path))
@click.option("--data", metavar="LICENCE", help="Licence of the training rows, best as an SPDX identifier, or `own`.")
@click.option("--teacher", metavar="NAME", help="Model or service that wrote training answers, if one did.")
@json_option("Print one JSON document instead.")
def command(model_folder: Path, data: str | None, teacher: str | None, wants_json: bool) -> None:
    from luthier.advice.licence import judge_licences
    from luthier.errors import ModelError

    folder = model_folder
    if str(model_folder) == "starter":
        # Not from luthier.models, which would load torch only to name a folder.
        folder = Path(luthier.__path__[0]) / "models" / "starter"
    if not folder.is_dir():
        raise ModelError(
            f"model folder not found: {model_folder}",
            expected="a folder with a model card (README.md) or a licence text, or the word 'starter'",
            fix="give the path of a downloaded model",
        )
    judgement = judge_licences(folder, data, teacher)
    if wants_json:
        click.echo(json.dumps(judgement.as_json(), indent=2, ensure_ascii=False))
    else:
        click.echo(safe(_text(judgement)))


def _text(judgement: LicenceJudgement) -> str:
    lines = ["Made from:"]
    for part in judgement.components:
        confirmed = "text found" if part.is_confirmed else "not confirmed"
        lines.append(f"  {part.role}: {part.name}, {part.licence} ({part.source}; {confirmed})")
    lines += ["", "Uses:", *(f"  {item.sentence}" for item in judgement.allowed)]
    if judgement.duties:
        lines += ["", "Duties:"]
        for duty in judgement.duties:
            lines.append(f"  {duty.when.replace('_', ' ')}: {duty.sentence} [{duty.rule}]")
            lines.append(f'      "{duty.quote}" ({duty.source}, read {duty.checked_on})')
    if judgement.unknown:
        lines += ["", "Not known:", *(f"  {sentence}" for sentence in judgement.unknown)]
    lines += ["", "NOTICE:", *(f"  {line}" for line in judgement.notice.splitlines())]
    return "\n".join([*lines, "", "This is what the texts say in short, not legal advice."])
