"""Evidence from a finished run folder: its report, and beside it what probe, forgetting, licence and ledger left."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from luthier.advice.asking import evidence_from
from luthier.advice.evidence import (
    DataChecks,
    Evidence,
    Hardware,
    MeasuredArm,
    MeasuredDifference,
    ProbeForecast,
    Use,
    kind_of,
)
from luthier.errors import StorageError

_USES = {"private": "tune", "commercial": "commercial", "share": "share"}
_LICENCE_STATES: tuple[Use, ...] = ("allowed", "conditions", "forbidden", "unknown")


def evidence_of_run(folder: Path, changes: Mapping[str, Any] | None = None, probe: Path | None = None) -> Evidence:
    """What ``folder`` tells, with ``changes`` laid over it; ``probe`` is another folder with a probe.json.

    Raises StorageError where there is no report yet.
    """
    report = _read(folder / "report.json")
    if report is None:
        raise StorageError(
            f"{folder} holds no report.json",
            expected="the folder of a finished run",
            fix=f"finish it: luthier resume {folder}; or ask without a run: luthier advise --set goal=behaviour",
        )
    parts = {name: _read(folder / f"{name}.json") or {} for name in ("forgetting", "licence", "ledger")}
    curve = _read((probe or folder) / "probe.json")
    if probe is not None and curve is None:
        raise StorageError(
            f"{probe} holds no probe.json", expected="the folder of a probe", fix="make one: luthier probe recipe.yaml"
        )
    return evidence_of_report(report, parts, curve, changes)


def evidence_of_report(
    report: Mapping[str, Any],
    parts: Mapping[str, Mapping[str, Any]],
    probe: Mapping[str, Any] | None = None,
    changes: Mapping[str, Any] | None = None,
) -> Evidence:
    """``report`` as report.json has it; ``parts``: what forgetting.json, licence.json and ledger.json hold."""
    settings = dict(((report["run"].get("recipe") or {}).get("evaluation") or {}).get("advice") or {})
    preflight = report.get("preflight") or {}
    rows = preflight.get("rows") or {}
    ledger = parts.get("ledger") or {}
    costs = ledger.get("cost_per_1000_requests") or {}
    forgetting = parts.get("forgetting") or {}
    known = Evidence(
        rows=rows.get("train"),
        golden_rows=rows.get("golden"),
        passages_found=_passages_found(report),
        arms=tuple(_arms(report, costs)),
        differences=tuple(_differences(report)),
        checks=_checks(preflight),
        probe=_forecast(probe) if probe else None,
        forgetting=forgetting.get("verdict") if forgetting.get("verdict") in ("green", "amber", "red") else None,
        licence=_licence(parts.get("licence") or {}, (changes or {}).get("use") or settings.get("use") or "commercial"),
        hardware=Hardware(fits=True, training_cost=(ledger.get("actual") or {}).get("money")),
    )
    settings = {key: value for key, value in settings.items() if value is not None and value != "unknown"}
    return evidence_from({**settings, **(changes or {})}, known)


def _arms(report: Mapping[str, Any], costs: Mapping[str, Any]) -> Iterator[MeasuredArm]:
    metric = report["primary_metric"]
    evaluation = (report["run"].get("recipe") or {}).get("evaluation") or {}
    # A remote model's name says nothing of how it was asked.
    solvers = {arm["name"]: arm.get("solver", "prompt") for arm in evaluation.get("remote_arms") or ()}
    for arm in report["arms"]:
        score = arm["metrics"].get(metric)
        if score is None:
            continue
        money, once = (costs.get(arm["name"]) or {}).get("money"), arm.get("cost")
        yield MeasuredArm(
            arm["name"],
            kind_of(solvers.get(arm["name"], arm["name"])),
            score["mean"],
            score["low"],
            score["high"],
            score["n"],
            arm.get("seconds_per_request"),
            money if money is not None or once is None else 1000 * once,
        )
    baseline = report.get("baseline")
    if baseline and baseline["metric"] == metric:
        yield MeasuredArm(
            baseline["name"], "classifier", baseline["mean"], baseline["low"], baseline["high"], baseline["n"]
        )


def _passages_found(report: Mapping[str, Any]) -> float | None:
    """By the best of the arms that looked things up in documents: rows of the same answer are no facts."""
    found = [arm.get("retrieval") or {} for arm in report["arms"]]
    shares = [
        item.get("recall_shown", item.get("recall_at_k")) for item in found if item.get("looked_up_in") == "documents"
    ]
    return max((share for share in shares if share is not None), default=None)


def _differences(report: Mapping[str, Any]) -> Iterator[MeasuredDifference]:
    for pair in report.get("comparisons") or ():
        if pair["metric"] != report["primary_metric"]:
            continue
        adjusted = pair.get("adjusted_p")
        # As the report: Holm may settle what Bonferroni leaves at exactly zero.
        excludes_zero = pair["difference"] != 0 and (pair["low"] >= 0 or pair["high"] <= 0)
        yield MeasuredDifference(
            pair["better"],
            pair["worse"],
            pair["difference"],
            pair["low"],
            pair["high"],
            excludes_zero and (adjusted is None or adjusted <= 0.05),
            pair.get("more_items_needed"),
        )


def _checks(preflight: Mapping[str, Any]) -> DataChecks:
    kept = sum((preflight.get("rows") or {}).values())
    bad = (preflight.get("bad_rows") or {}).get("count", 0)
    conflicting = (preflight.get("conflicting_answers") or {}).get("rows", 0)
    stops = [item["message"] for item in preflight.get("findings") or () if item.get("severity") == "stop"]
    return DataChecks(
        conflicting_share=conflicting / kept if kept else 0.0,
        unreadable_share=bad / (kept + bad) if kept + bad else 0.0,
        stops=tuple(stops),
    )


def _licence(licence: Mapping[str, Any], use: str) -> Use:
    purpose = _USES.get(use, "commercial")
    states = [item.get("state") for item in licence.get("allowed") or () if item.get("use") == purpose]
    known: list[Use] = [state for state in _LICENCE_STATES if state in states]
    return known[0] if known else "unknown"


def _forecast(probe: Mapping[str, Any]) -> ProbeForecast | None:
    """The gain from twice the rows; None where the probe could not tell."""
    found = (probe.get("forecast") or {}).get("double") or {}
    if not all(isinstance(found.get(key), int | float) for key in ("gain", "low", "high")):
        return None
    limit = probe.get("limit")
    return ProbeForecast(
        found["gain"], found["low"], found["high"], limit if limit in ("amount", "quality", "none") else "unknown"
    )


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise StorageError(
            f"{file} is damaged", expected="a JSON object that luthier wrote", fix="write it again: luthier resume RUN"
        )
    return values
