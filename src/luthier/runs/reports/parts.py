"""What stages left in files of their own, as parts of the report. An old run folder simply has fewer of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from luthier.advice import Advice, Reason, Step, decide_approach, draw_path_svg
from luthier.advice.reading import evidence_of_report
from luthier.errors import StorageError
from luthier.evaluation import report as pages
from luthier.runs.folder import RunFolder

Kind = TypeVar("Kind", bound=BaseModel)
FORGETTING, LICENCE, LEDGER, ADVICE, PROBE = (
    f"{name}.json" for name in ("forgetting", "licence", "ledger", "advice", "probe")
)


def left(folder: RunFolder, name: str) -> dict[str, Any]:
    """A stage's file; empty where it is not there. Raises StorageError for one that cannot be read."""
    file = folder.path / name
    if not file.is_file():
        return {}
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _damaged(folder, name, "no JSON object")
    return found


def with_parts(folder: RunFolder, report: pages.Report) -> pages.Report:
    """``report`` with everything that lies beside it: forgetting and gaps, licence, costs, and what arms' notes say."""
    ledger = _ledger(folder, report.ledger)
    changes: dict[str, Any] = {
        "arms": tuple(_with_notes(folder, arm, ledger) for arm in report.arms),
        "ledger": ledger,
        "licence": _licence(folder, report.licence),
    }
    if found := left(folder, FORGETTING):
        facts = {key: found[key] for key in ("size", "seconds") if key in found}
        changes["forgetting"] = _part(folder, FORGETTING, pages.Forgetting, _without_empty(found) | {"facts": facts})
        if gaps := found.get("overfitting"):
            told = _part(folder, FORGETTING, pages.SetGaps, gaps)
            changes["overfitting"] = report.overfitting.model_copy(update={"gaps": told})
    return report.model_copy(update=changes)


def with_advice(folder: RunFolder, report: pages.Report, *, decide: bool) -> tuple[pages.Report, str]:
    """``report`` with the advice, and the advice's path as SVG.

    Decided from the report itself where ``decide`` is set; else as advice.json has it, so that what a user has told
    `luthier advise` since is shown.
    """
    if decide:
        parts = {name.removesuffix(".json"): left(folder, name) for name in (FORGETTING, LICENCE, LEDGER)}
        probe = left(folder, PROBE) or None
        advice = decide_approach(evidence_of_report(report.model_dump(mode="json"), parts, probe))
        found = advice.as_json()
    else:
        found = left(folder, ADVICE)
        if not found:
            return report, ""
        advice = _advice(folder, found)
    part = _part(folder, ADVICE, pages.Advice, found)
    return report.model_copy(update={"advice": part}), draw_path_svg(advice)


def _ledger(folder: RunFolder, ledger: pages.Ledger) -> pages.Ledger:
    """The run's own counts stay; the file adds operations, energy, money and requests."""
    found = left(folder, LEDGER)
    if not found:
        return ledger
    efforts = {}
    for name in ("predicted", "actual"):
        own = getattr(ledger, name).model_dump(exclude_none=True)
        efforts[name] = _part(folder, LEDGER, pages.Effort, (found.get(name) or {}) | own)
    calibrated = found.get("calibrated")
    costs, crossings = found.get("cost_per_1000_requests") or {}, found.get("break_even") or {}
    prices = found.get("prices")
    return ledger.model_copy(
        update={
            **efforts,
            "calibrated": _part(folder, LEDGER, pages.Effort, calibrated) if calibrated else None,
            "energy": efforts["actual"].energy_watt_hours,
            "money": efforts["actual"].money,
            "cost_per_1000_requests": _parts(folder, LEDGER, pages.RequestPrice, costs),
            "break_even": _parts(folder, LEDGER, pages.BreakEven, crossings),
            "prices": _part(folder, LEDGER, pages.Prices, prices) if prices else None,
        }
    )


def _licence(folder: RunFolder, stated: pages.Licence | None) -> pages.Licence | None:
    found = left(folder, LICENCE)
    if not found:
        return stated
    return _part(folder, LICENCE, pages.Licence, found | {"base": stated.base if stated else None})


def _with_notes(folder: RunFolder, arm: pages.Arm, ledger: pages.Ledger) -> pages.Arm:
    place = f"evaluation/{arm.name}.notes.json"
    notes = left(folder, place)
    retrieval = notes.get("retrieval")
    choices = notes.get("chosen_on_validation") or ()
    price = ledger.cost_per_1000_requests.get(arm.name)
    money = None if price is None or price.money is None else price.money / 1000
    return arm.model_copy(
        update={
            "cost": arm.cost if money is None else money,
            "solver": notes.get("solver") or None,
            "retrieval": _part(folder, place, pages.Retrieval, retrieval) if retrieval else None,
            "chosen_on_validation": tuple(_part(folder, place, pages.Choice, choice) for choice in choices),
        }
    )


def _advice(folder: RunFolder, found: Mapping[str, Any]) -> Advice:
    try:
        return Advice(
            found["answer"],
            found["sentence"],
            found["basis"],
            tuple(Reason(reason["sentence"], reason.get("evidence") or {}) for reason in found["reasons"]),
            tuple(Step(step["question"], step["found"], step["went"]) for step in found["path"]),
            tuple(found["would_change"]),
            found.get("arm"),
        )
    except (KeyError, TypeError) as error:
        raise _damaged(folder, ADVICE, f"{error} is missing or of another kind") from None


def _without_empty(found: Mapping[str, Any]) -> dict[str, Any]:
    """A stage writes {} for what it did not measure."""
    return {key: value for key, value in found.items() if value != {}}


def _parts(folder: RunFolder, name: str, kind: type[Kind], found: Mapping[str, Any]) -> dict[str, Kind]:
    return {key: _part(folder, name, kind, value) for key, value in found.items()}


def _part(folder: RunFolder, name: str, kind: type[Kind], found: Any) -> Kind:
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(folder, name, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _damaged(folder: RunFolder, name: str, what: str) -> StorageError:
    return StorageError(
        f"{folder.path / name} cannot be read: {what}",
        expected="the file as luthier wrote it",
        fix=f"take it away, then: luthier resume {folder.path}",
    )
