"""What was decided for a run and why, written down: `resolved.yaml` for people, `facts.json` for the report."""

from __future__ import annotations

import json
from typing import Any

from luthier.runs.folder import RunFolder

FACTS_FILE = "facts.json"


def write_decisions(folder: RunFolder, contract: dict[str, Any], resolved: dict[str, dict[str, Any]]) -> None:
    """``contract``: the counts of the loss-mask contract; ``resolved``: each decision's value and reason, by name."""
    folder.write_text("resolved.yaml", _as_yaml(resolved))
    folder.write_text(FACTS_FILE, json.dumps({"contract": contract, "resolved": resolved}, indent=2))


def earlier_decision(folder: RunFolder, name: str) -> Any:
    """What an interrupted run had decided, so that its resumption decides alike; None in a new run."""
    file = folder.path / FACTS_FILE
    facts = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return facts.get("resolved", {}).get(name, {}).get("value")


def _as_yaml(resolved: dict[str, dict[str, Any]]) -> str:
    """JSON strings are YAML strings, so values need no other care."""
    lines = ["# What was decided for this run, and why. Written by luthier; not read back."]
    lines += [f"{name}: {json.dumps(d['value'], ensure_ascii=False)}  # {d['reason']}" for name, d in resolved.items()]
    return "\n".join(lines) + "\n"
