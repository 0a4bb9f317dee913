"""report.html: one self-contained page, drawn from the Report and all answers; it works without the network."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from typing import Any

from luthier.evaluation.report import wording
from luthier.evaluation.report.browser import Browser
from luthier.evaluation.report.differences import Piece, mark_differences
from luthier.evaluation.report.facts import as_yaml, list_facts, list_findings
from luthier.evaluation.report.forest import difference_plot, forest_plot
from luthier.evaluation.report.losses import curve_stride, loss_plot
from luthier.evaluation.report.page import render_page
from luthier.evaluation.report.schema import Arm, Item, Report
from luthier.evaluation.report.sentences import TUNED, TUNED_ARMS, say_comparison, say_prediction, say_saving
from luthier.evaluation.report.tables import effort_rows, flip_groups, measure_rows, request_rows

_LONGEST_OPEN_TEXT = 360
_MOST_OPEN_LINES = 8
_OPENING = 160
_LONGEST_PRINTED_TEXT = 1500
_VERDICT_CLASSES = {"tuned better": "better", "no evidence": "open", "tuned worse": "worse"}


@dataclass(frozen=True)
class TextView:
    """A text that folds when it is long; ``opening`` is what a folded one shows."""

    pieces: tuple[Piece, ...]
    opening: str | None
    length: str
    is_very_long: bool


@dataclass(frozen=True)
class AnswerView:
    title: str
    score: str
    is_tuned: bool
    is_same: bool
    text: TextView


@dataclass(frozen=True)
class ItemView:
    index: int
    prompt: TextView
    reference: TextView
    gain: str
    answers: tuple[AnswerView, ...]


@dataclass(frozen=True)
class Beside:
    """What a page shows and report.json does not hold: every item, and the advice's path as escaped SVG."""

    browser: Browser | None = None
    advice_path: str = ""


def render_html(report: Report, beside: Beside | None = None) -> str:
    """The whole page."""
    from markupsafe import Markup

    shown = beside or Beside()
    return render_page(
        "report.html.jinja",
        shown.browser,
        report=report,
        forest=Markup(forest_plot(report)),
        differences=Markup(difference_plot(report)),
        losses=Markup(loss_plot(report.overfitting)),
        advice_path=Markup(shown.advice_path),
        **_page_facts(report),
    )


def _page_facts(report: Report) -> dict[str, Any]:
    arms = report.arms
    return {
        "verdict_class": _VERDICT_CLASSES[report.verdict.decision],
        "created": f"{report.run.created.astimezone(UTC):%Y-%m-%d %H:%M} UTC",
        "metrics": _metric_order(report),
        "golden_items": max((score.n for arm in arms for score in arm.metrics.values()), default=0),
        "requests": request_rows(report),
        "efforts": effort_rows(report.ledger),
        "is_calibrated": report.ledger.calibrated is not None,
        "measures": measure_rows(report.forgetting),
        "flip_groups": flip_groups(report.forgetting),
        "choices": list({(choice.about): choice for arm in arms for choice in arm.chosen_on_validation}.values()),
        "canaries": list_facts(_canaries(report)),
        "sections": [name for name, is_there in _sections(report) if is_there],
        "comparisons": [say_comparison(comparison, report) for comparison in report.comparisons],
        "stride": curve_stride(report.overfitting.train_curve),
        "best": [view_item(item, report.arms) for item in report.items.best],
        "worst": [view_item(item, report.arms) for item in report.items.worst],
        "findings": list_findings(report.preflight),
        "preflight": list_facts({key: value for key, value in report.preflight.items() if key != "findings"}),
        "contract": list_facts(report.contract),
        "environment": list_facts(report.environment),
        "battery": _battery(report),
        "forgetting": list_facts(_other_facts(report)),
        "commercial": next((u.state for u in report.licence.allowed if u.use == "commercial"), None)
        if report.licence
        else None,
        "resolved": list_facts(report.run.resolved),
        "saving": say_saving(report.ledger),
        "prediction": say_prediction(report.ledger),
        "recipe": as_yaml(report.run.recipe),
    }


def _battery(report: Report) -> str:
    facts = report.forgetting.facts if report.forgetting else {}
    took = (
        f", which took {wording.duration(facts['seconds'])}" if isinstance(facts.get("seconds"), (int, float)) else ""
    )
    return f"Measured with the {facts['size']} battery{took}." if "size" in facts else ""


def _other_facts(report: Report) -> dict[str, Any]:
    facts = report.forgetting.facts if report.forgetting else {}
    return {key: value for key, value in facts.items() if key not in ("size", "seconds")}


def _canaries(report: Report) -> dict[str, Any]:
    memorisation = report.forgetting.memorisation if report.forgetting else None
    return (memorisation.canaries if memorisation else None) or {}


def _sections(report: Report) -> list[tuple[str, bool]]:
    """Headings in their order, and whether this report has anything to say there."""
    return [
        ("Advice", report.advice is not None),
        ("Scores", True),
        ("Comparisons", True),
        ("Loss", True),
        ("Forgetting", report.forgetting is not None),
        ("Ledger", True),
        ("Licence", report.licence is not None),
        ("Items", True),
        ("Data", True),
        ("Setup", True),
    ]


def view_item(item: Item, arms: tuple[Arm, ...]) -> ItemView:
    """One golden item as the page shows it, the tuned answer first."""
    titles = {arm.name: arm.title for arm in arms}
    answers = sorted(item.answers.items(), key=lambda named: named[0] != TUNED)
    return ItemView(
        index=item.index,
        prompt=_view_text((Piece(item.prompt),)),
        reference=_view_text((Piece(item.reference),)),
        gain=_say_gain(item),
        answers=tuple(
            AnswerView(
                title=titles.get(name, name),
                score=wording.points(answer.score),
                is_tuned=name == TUNED,
                is_same=answer.text.strip() == item.reference.strip(),
                text=_view_text(mark_differences(answer.text, item.reference)),
            )
            for name, answer in answers
        ),
    )


def _metric_order(report: Report) -> list[str]:
    """The primary metric first, the others as the arms bring them."""
    names = dict.fromkeys([report.primary_metric])
    for arm in report.arms:
        names.update(dict.fromkeys(arm.metrics))
    return list(names)


def _say_gain(item: Item) -> str:
    untuned = [answer.score for name, answer in item.answers.items() if name not in TUNED_ARMS]
    if TUNED not in item.answers or not untuned:
        return ""
    difference = item.answers[TUNED].score - max(untuned)
    if difference == 0:
        return "as good as the best untuned arm"
    return f"{wording.signed_points(difference)} against the best untuned arm"


def _view_text(pieces: tuple[Piece, ...]) -> TextView:
    text = "".join(piece.text for piece in pieces)
    is_long = len(text) > _LONGEST_OPEN_TEXT or text.count("\n") >= _MOST_OPEN_LINES
    opening = " ".join(text[: _OPENING * 3].split())[:_OPENING].rstrip() + "…" if is_long else None
    return TextView(pieces, opening, f"{len(text):,}", len(text) > _LONGEST_PRINTED_TEXT)
