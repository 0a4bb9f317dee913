"""Tables of the page as rows of ready text: forgetting, flips, predicted against actual, cost of requests."""

from __future__ import annotations

from dataclasses import dataclass

from luthier.evaluation.report.schema import Arm, Report
from luthier.evaluation.report.sections import Effort, Forgetting, Ledger, Measure
from luthier.evaluation.report.wording import (
    MINUS,
    MISSING,
    byte_size,
    capitalized,
    count,
    duration,
    energy,
    minutes,
    money,
    operations,
    points,
    signed_points,
)

_NAMES = {"kl": "KL(base || tuned)", "agreement": "same likeliest token", "perplexity_ratio": "perplexity"}
_PLACES = {"passages": "generic passages", "own_answers": "the base's own answers", "task_inputs": "task inputs"}
_TITLES = {
    "items_right": "generic items right",
    "answer_tokens": "tokens per answer",
    "repetition": "repetition in answers",
    "refusals": "refusals",
    "own_language": "answers in the question's language",
    "regression": "your regression set",
}
_PLAIN = {"kl", "perplexity_ratio", "answer_tokens"}


@dataclass(frozen=True)
class MeasureRow:
    """``threshold`` says where the colour would turn; ``sentence`` is the whole story."""

    title: str
    colour: str
    base: str
    tuned: str
    change: str
    threshold: str
    n: str
    sentence: str


@dataclass(frozen=True)
class EffortRow:
    label: str
    predicted: str
    calibrated: str
    actual: str


@dataclass(frozen=True)
class RequestRow:
    title: str
    is_tuned: bool
    money: str
    tokens: str
    seconds: str
    source: str
    break_even: str


def measure_rows(forgetting: Forgetting | None) -> list[MeasureRow]:
    """Judged measures first, the gravest at the top; what is only told comes last."""
    order = {"red": 0, "amber": 1, "green": 2, "grey": 3}
    measures = sorted(forgetting.measures if forgetting else (), key=lambda measure: order[measure.colour])
    return [_measure(measure) for measure in measures]


def flip_groups(forgetting: Forgetting | None) -> list[tuple[str, ...]]:
    """Ability, items, right before, right after, won, lost."""
    groups = forgetting.flips.groups if forgetting and forgetting.flips else {}
    return [
        (capitalized(name), *(count(n) for n in (g.items, g.base_right, g.tuned_right, g.won, g.lost)))
        for name, g in groups.items()
    ]


def effort_rows(ledger: Ledger) -> list[EffortRow]:
    """Predicted beside actual; a line of which nothing is known is left out."""
    currency = ledger.prices.currency if ledger.prices else ""
    columns = (ledger.predicted, ledger.calibrated or Effort(), ledger.actual)
    rows = [
        EffortRow("Time", *(minutes(effort.minutes) for effort in columns)),
        EffortRow("Peak memory", *(byte_size(effort.peak_memory_bytes) for effort in columns)),
        EffortRow("Computed tokens", *(_count(effort.computed_tokens) for effort in columns)),
        EffortRow("Operations", *(operations(effort.operations) for effort in columns)),
        EffortRow(f"Energy{_source(ledger.actual)}", *(energy(effort.energy_watt_hours) for effort in columns)),
        EffortRow("Money", *(money(effort.money, currency) for effort in columns)),
    ]
    return [row for row in rows if (row.predicted, row.actual) != (MISSING, MISSING)]


def request_rows(report: Report) -> list[RequestRow]:
    """What 1,000 requests of each arm cost; empty where the ledger does not say."""
    costs = report.ledger.cost_per_1000_requests
    return [_request(arm, report.ledger) for arm in report.arms if arm.name in costs]


def _request(arm: Arm, ledger: Ledger) -> RequestRow:
    cost, against = ledger.cost_per_1000_requests[arm.name], ledger.break_even.get(arm.name)
    said = MISSING
    if against:
        said = "never" if against.requests is None else f"{count(against.requests)} requests"
        said += f" ({against.months:.1f} months)" if against.months is not None else ""
    return RequestRow(
        title=arm.title,
        is_tuned=arm.name == "tuned",
        money=money(cost.money, ledger.prices.currency if ledger.prices else ""),
        tokens=f"{_count(cost.prompt_tokens)} + {_count(cost.completion_tokens)}",
        seconds=duration(cost.seconds),
        source=cost.source,
        break_even=said,
    )


def _measure(measure: Measure) -> MeasureRow:
    kind = next((name for name in _NAMES if measure.name.startswith(f"{name}_")), measure.name)
    place = measure.name.removeprefix(f"{kind}_")
    title = f"{_NAMES[kind]}, {_PLACES.get(place, place)}" if kind in _NAMES else _TITLES.get(kind, kind)
    change = _change(kind, measure.change)
    return MeasureRow(
        title=capitalized(title.replace("_", " ")),
        colour=measure.colour,
        base=_value(kind, measure.base),
        tuned=_value(kind, measure.tuned),
        change=f"{change} ({_change(kind, measure.low)} to {_change(kind, measure.high)})",
        threshold=_thresholds(kind, measure),
        n=count(measure.n),
        sentence=measure.sentence,
    )


def _value(kind: str, value: float | None) -> str:
    if value is None:
        return MISSING
    return f"{value:,.1f}" if kind in _PLAIN else points(value)


def _change(kind: str, change: float) -> str:
    """In points of 100, but nats for KL, a factor for perplexity and per cent for lengths."""
    match kind:
        case "kl":
            return f"{change:.3f}".replace("-", MINUS)
        case "perplexity_ratio":
            return f"×{change:.2f}"
        case "answer_tokens":
            return f"{100 * change:+.0f} %".replace("-", MINUS)
    return signed_points(change)


def _thresholds(kind: str, measure: Measure) -> str:
    if measure.colour == "grey" or (measure.threshold_amber is None and measure.threshold_red is None):
        return MISSING
    named = (("amber", measure.threshold_amber), ("red", measure.threshold_red))
    return ", ".join(f"{name} {_change(kind, bound)}" for name, bound in named if bound is not None)


def _count(value: float | None) -> str:
    return MISSING if value is None else count(value)


def _source(effort: Effort) -> str:
    return f", {effort.energy_source}" if effort.energy_source else ""
