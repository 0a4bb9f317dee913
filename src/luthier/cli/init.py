"""`luthier init`: look at a data file and write a commented recipe for it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb, set_option
from luthier.errors import StorageError

if TYPE_CHECKING:
    from luthier.data import AnswerKind, Rows


@click.command(
    "init",
    cls=Verb,
    example="luthier init examples/support-triage/train.jsonl",
    help="Read DATA, say what was found, and write a commented starter recipe for it.",
)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--model", metavar="FOLDER", default="starter", help="The base model; by default the starter model.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("recipe.yaml"), show_default=True)
@click.option("--force", is_flag=True, help="Overwrite a recipe that is there already.")
@set_option
def command(data: Path, model: str, out: Path, force: bool, overrides: tuple[str, ...]) -> None:
    refuse_to_overwrite(out, force)
    rows, kind, text = starter_for(data, model, out, overrides)
    write_whole(out, text)
    click.echo(safe(_summary(rows, kind)))
    click.echo(safe(f"wrote {out}\nnext: luthier run {out}"))


def starter_for(data: Path, model: str, out: Path, overrides: tuple[str, ...]) -> tuple[Rows, AnswerKind, str]:
    """What the file holds, and the recipe that will lie at ``out``."""
    from luthier.cli.loose_recipe import recipe_for
    from luthier.cli.written_settings import write_settings
    from luthier.data import answer_kind, read_examples
    from luthier.recipe import DetectedData, apply_overrides, starter_recipe

    recipe = recipe_for(data, overrides, model)
    rows = read_examples(data, recipe.data)
    kind = answer_kind(rows.examples)
    settings = apply_overrides({}, overrides, folder=Path.cwd())
    if recipe.model.path != "starter":
        _check_model(recipe.model.path)
        settings.setdefault("model", {})["path"] = _seen_from(out, recipe.model.path)
    detected = DetectedData(rows.format, len(rows.examples), kind.kind, recipe.data.columns.model_dump())
    text = starter_recipe(_seen_from(out, recipe.data.train), detected)
    settings.get("data", {}).pop("train", None)
    return rows, kind, write_settings(text, settings)


def refuse_to_overwrite(out: Path, force: bool) -> None:
    """Even with ``force`` only a file is replaced, never a folder or a device."""
    if out.exists() and not out.is_file():
        raise StorageError(
            f"{out} is a {'folder' if out.is_dir() else 'device'}", expected="a file", fix="name a file with --out"
        )
    if out.exists() and not force:
        raise StorageError(
            f"{out} is there already", expected="a new file", fix="choose another name with --out, or add --force"
        )


def write_whole(file: Path, text: str) -> None:
    """Write the file whole or not at all; a link stays, and what it points to is replaced."""
    target = Path(os.path.realpath(file))
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise StorageError(
            f"{file} cannot be written: {error.strerror or error}",
            expected="a folder that exists, with room, in which this user may write",
            fix="choose another place with --out",
        ) from None


def _seen_from(out: Path, path: str) -> str:
    """``path`` relative to the folder of ``out``; on another drive there is no such way, and it stays absolute."""
    try:
        return os.path.relpath(path, out.parent.absolute())
    except ValueError:
        return path


def _check_model(path: str) -> None:
    from luthier.models import open_model_folder

    open_model_folder(path)


def _summary(rows: Rows, kind: AnswerKind) -> str:
    lines = [f"{rows.file}: {len(rows.examples):,} rows, read as {rows.format}"]
    if rows.bad_rows:
        first = rows.bad_rows[0]
        lines.append(f"  {len(rows.bad_rows):,} bad rows skipped; the first is {first.origin}: {first.found}")
    lines += [f"  {note}" for note in rows.notes]
    match kind.kind:
        case "choices":
            lines.append(f"answers: a closed set of {len(kind.choices)}, such as {', '.join(kind.choices[:5])}")
        case "json":
            lines.append(f"answers: JSON objects with the keys {', '.join(kind.keys)}")
        case "text":
            lines.append("answers: free text")
    return "\n".join(lines)
