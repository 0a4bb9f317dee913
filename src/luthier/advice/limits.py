"""What is ruled out before anything is compared: by licence, hardware, changing facts, latency or cost."""

from __future__ import annotations

from luthier.advice.evidence import EFFORT, FAST_CHANGES, TUNED_KINDS, Evidence, Kind, MeasuredArm
from luthier.advice.findings import Notes


def allowed_kinds(evidence: Evidence, notes: Notes) -> tuple[tuple[Kind, ...], Notes]:
    """The kinds of answer that may be advised at all; each ban is a reason of its own."""
    kinds: list[Kind] = [kind for kind in EFFORT if kind != "classifier" or not evidence.needs_language_model]
    if evidence.licence == "forbidden":
        kinds = [kind for kind in kinds if kind not in TUNED_KINDS]
        notes = notes.because("The licences forbid the use that a tuned model is wanted for.", licence="forbidden")
        notes = notes.unless("a base or data under a licence that allows the use: luthier licence MODEL_FOLDER")
    elif evidence.licence == "unknown":
        notes = notes.unless("a licence that forbids the use; it was not checked: luthier licence MODEL_FOLDER")
    if evidence.hardware.fits is False:
        kinds = [kind for kind in kinds if kind not in TUNED_KINDS]
        notes = notes.because("Training does not fit on this machine.", fits=False)
        notes = notes.unless("a larger machine, a smaller base, or a 4-bit base (method.base_bits=4)")
    notes = notes.step(
        "May and can the model be tuned?",
        f"licence: {evidence.licence}; fits the machine: {_yes_no(evidence.hardware.fits)}",
        "go on" if "tune" in kinds else "go on without tuning",
    )
    if evidence.freshness in FAST_CHANGES:
        kinds = [kind for kind in kinds if kind != "tune"]
        notes = notes.because(
            f"The facts change {evidence.freshness}: a tuned model alone would answer with yesterday's.",
            freshness=evidence.freshness,
        )
        notes = notes.unless("facts that stay as they are for a year or more")
    ages = evidence.freshness in FAST_CHANGES
    went = "tuning alone is out" if ages else "go on"
    return tuple(kinds), notes.step("Do the facts outlive a training?", f"they change: {evidence.freshness}", went)


def arms_within_targets(
    arms: tuple[MeasuredArm, ...], evidence: Evidence, notes: Notes
) -> tuple[tuple[MeasuredArm, ...], Notes]:
    """Arms that are not measured to be too slow or too dear."""
    targets = evidence.targets
    kept = []
    for arm in arms:
        slow, dear = (
            _exceeds(arm.seconds_per_request, targets.seconds_per_request),
            _exceeds(arm.cost_per_1000_requests, targets.cost_per_1000_requests),
        )
        if slow:
            notes = notes.because(
                f"{arm.name} takes {arm.seconds_per_request:.2g} s per request, more than the {slow:.2g} s asked for.",
                arm=arm.name,
                seconds_per_request=arm.seconds_per_request,
                asked=slow,
            ).unless(f"more than {slow:.2g} s per request being acceptable")
        if dear:
            notes = notes.because(
                f"{arm.name} costs {arm.cost_per_1000_requests:.3g} per 1,000 requests, more than the {dear:.3g} "
                "asked for.",
                arm=arm.name,
                cost_per_1000_requests=arm.cost_per_1000_requests,
                asked=dear,
            ).unless(f"more than {dear:.3g} per 1,000 requests being acceptable")
        if not slow and not dear:
            kept.append(arm)
    if targets.seconds_per_request is not None or targets.cost_per_1000_requests is not None:
        names = ", ".join(arm.name for arm in kept) or "none"
        notes = notes.step("Which arms are fast and cheap enough?", names, "go on with them")
    return tuple(kept), notes


def _exceeds(measured: float | None, asked: float | None) -> float | None:
    return asked if measured is not None and asked is not None and measured > asked else None


def _yes_no(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"
