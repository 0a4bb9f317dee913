"""`luthier golden`: freeze items, add to them as a new version, check hashes and leaks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from luthier.cli.terminal import safe
from luthier.cli.verb import Verb

if TYPE_CHECKING:
    from luthier.evaluation.tasks import Added

SHOWN_LEAKS = 5
SHOWN_CHARACTERS = 100


@click.group("golden", help="Freeze items as a golden set, add to it, check it.")
def command() -> None:
    pass


@command.command(
    "freeze",
    cls=Verb,
    example="luthier golden freeze golden.jsonl --name triage --author 'A. Lee' --purpose 'release gate'",
    help="Freeze the rows of ROWS as version 1 of a new golden set, a folder that is never changed.",
)
@click.argument("rows", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The set's name, which is its folder's too.")
@click.option("--author", required=True, help="Who answers for the items.")
@click.option("--purpose", required=True, help="What the set is to decide.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path("golden"), show_default=True, help="Where to.")
def freeze_items(rows: Path, name: str, author: str, purpose: str, folder: Path) -> None:
    from luthier.evaluation.tasks import freeze

    added = freeze(rows, name, author, purpose, folder)
    _tell(added, "twice in the file and left out")


@command.command(
    "add",
    cls=Verb,
    example="luthier golden add golden/triage more.jsonl --author 'A. Lee' --purpose 'refunds were missing'",
    help="Write a new version of SET that holds the rows of ROWS as well; earlier versions stay as they are.",
)
@click.argument("golden_set", metavar="SET", type=click.Path(path_type=Path))
@click.argument("rows", type=click.Path(path_type=Path))
@click.option("--author", required=True, help="Who answers for the new items.")
@click.option("--purpose", required=True, help="Why they are added.")
def add_items(golden_set: Path, rows: Path, author: str, purpose: str) -> None:
    from luthier.evaluation.tasks import add

    _tell(add(golden_set, rows, author, purpose), "in the set already and left out")


@command.command(
    "check",
    cls=Verb,
    example="luthier golden check golden/triage --against train.jsonl",
    help="Verify the hashes of SET and of all its versions; with --against, find rows that give its items away.",
)
@click.argument("golden_set", metavar="SET", type=click.Path(path_type=Path))
@click.option("--against", type=click.Path(path_type=Path), help="File of training rows to look for leaks in.")
@click.option(
    "--similarity",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.8,
    show_default=True,
    help="From which similarity of their inputs two rows are nearly identical.",
)
def check(golden_set: Path, against: Path | None, similarity: float) -> None:
    from luthier.data import find_leaks, read_examples
    from luthier.errors import DataError
    from luthier.evaluation.tasks import check_chain
    from luthier.recipe import DataSettings

    versions = check_chain(golden_set)
    for golden in versions:
        known = golden.manifest
        click.echo(
            safe(f"v{known.version}: {known.items:,} items, {known.hash[:16]}, {known.author}, {known.created}: ok")
        )
    if against is None:
        return
    newest = versions[-1]
    items = read_examples(newest.items_file, DataSettings(train=str(newest.items_file))).examples
    rows = read_examples(against, DataSettings(train=str(against))).examples
    leaks = find_leaks(items, rows, similarity)
    if not leaks:
        click.echo(f"none of {len(rows):,} rows is identical or near to an item (similarity {similarity:g})")
        return
    for leak in leaks[:SHOWN_LEAKS]:
        how = "identical to" if leak.is_identical else "near"
        shown = " ".join(leak.train.prompt[-1].content.split())[:SHOWN_CHARACTERS]
        click.echo(safe(f"{leak.train.origin} is {how} item {leak.golden.origin.line}: {shown}"))
    identical = sum(leak.is_identical for leak in leaks)
    raise DataError(
        f"{len(leaks):,} of {len(rows):,} rows in {against} give items away: {identical:,} identical, "
        f"{len(leaks) - identical:,} nearly so",
        expected="training rows without golden items",
        fix="take these rows out of the training file",
    )


def _tell(added: Added, left_out: str) -> None:
    known = added.golden.manifest
    repeats = f"; {added.known_items:,} rows {left_out}" if added.known_items else ""
    click.echo(
        safe(f"{added.golden.folder}: version {known.version}, {known.items:,} items, hash {known.hash[:16]}{repeats}")
    )
