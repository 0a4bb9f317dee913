"""`luthier power`: how many items find which difference how surely, before anything is run."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import click

from luthier.cli.verb import Verb, json_option


@dataclass(frozen=True)
class Question:
    """What is known; one of ``items``, ``difference`` and ``power`` is asked for. Shares, not percent."""

    items: int | None
    difference: float | None
    power: float
    right: float
    agreement: float
    discordance: float | None
    comparisons: int
    design_effect: float


@click.command(
    "power",
    cls=Verb,
    example="luthier power --items 200 --right 70",
    help="Tell what an evaluation can find: the smallest difference for --items, the items for --difference, "
    "or the power for both. Two arms answer the same items; the test is exact McNemar.",
)
@click.option("--items", type=click.IntRange(min=1), help="How many golden items there are.")
@click.option("--difference", type=click.FloatRange(0, 100, min_open=True), metavar="POINTS", help="The gain to find.")
@click.option(
    "--power",
    "power_percent",
    type=click.FloatRange(1, 99.9),
    default=80,
    show_default=True,
    metavar="PERCENT",
    help="How surely a true difference is to be found.",
)
@click.option(
    "--right",
    type=click.FloatRange(0, 100),
    default=50,
    show_default=True,
    metavar="PERCENT",
    help="What the untuned model gets right; near 50 asks for the most items.",
)
@click.option(
    "--agreement",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    help="Correlation of two arms being right on the same items.",
)
@click.option(
    "--discordance",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Items on which the arms will differ, where known; replaces --agreement.",
)
@click.option(
    "--comparisons",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Untuned arms times deciding metrics.",
)
@click.option(
    "--design-effect",
    type=click.FloatRange(min=1),
    default=1,
    show_default=True,
    help="How many items of one document or template are worth one lone item.",
)
@json_option("Print one JSON document instead.")
def command(
    items: int | None,
    difference: float | None,
    power_percent: float,
    right: float,
    agreement: float,
    discordance: float | None,
    comparisons: int,
    design_effect: float,
    wants_json: bool,
) -> None:
    if items is None and difference is None:
        raise click.UsageError("give --items, --difference or both")
    question = Question(
        items,
        None if difference is None else difference / 100,
        power_percent / 100,
        right / 100,
        agreement,
        None if discordance is None else discordance / 100,
        comparisons,
        design_effect,
    )
    sentence, answer = _answer(question)
    click.echo(json.dumps({**asdict(question), **answer, "sentence": sentence}) if wants_json else sentence)


def _answer(asked: Question) -> tuple[str, dict[str, float | None]]:
    from luthier.evaluation.statistics import detectable_difference, items_for_power, paired_power

    confidence = 1 - 0.05 / asked.comparisons
    worth = max(1, math.floor((asked.items or 1) / asked.design_effect))
    surely = f"{100 * asked.power:.0f} % power"
    if asked.difference is None:
        found = detectable_difference(
            worth, asked.right, asked.power, confidence, agreement=asked.agreement, discordance=asked.discordance
        )
        if found is None:
            return f"{asked.items:,} items cannot detect any gain with {surely}.", {"difference": None}
        sentence = f"{asked.items:,} items can detect a difference of {100 * found:.1f} points with {surely}."
        return sentence, {"difference": found}
    changing = _discordance(asked, asked.difference)
    points = f"a difference of {100 * asked.difference:g} points"
    if asked.items is None:
        needed = math.ceil(items_for_power(asked.difference, changing, asked.power, confidence) * asked.design_effect)
        return f"{needed:,} items can detect {points} with {surely}.", {"items": needed, "discordance": changing}
    reached = paired_power(worth, asked.difference, changing, confidence)
    sentence = f"{asked.items:,} items find {points} with {100 * reached:.0f} % power."
    return sentence, {"power": reached, "discordance": changing}


def _discordance(asked: Question, difference: float) -> float:
    from luthier.errors import RecipeError
    from luthier.evaluation.statistics import expected_discordance

    if asked.right + difference > 1 + 1e-9:
        raise RecipeError(
            f"a gain of {100 * difference:g} points over {100 * asked.right:g} % right ends above 100 %",
            expected="--right and --difference that add up to at most 100",
            fix=f"--difference {100 * (1 - asked.right):g}",
        )
    if asked.discordance is None:
        return expected_discordance(asked.right, difference, asked.agreement)
    if asked.discordance < difference:
        raise RecipeError(
            f"arms that differ on {100 * asked.discordance:g} % of items are never {100 * difference:g} points apart",
            expected="a --discordance of at least --difference",
            fix=f"--discordance {100 * difference:g}",
        )
    return asked.discordance
