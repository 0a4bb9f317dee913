"""The last word of a run: what to do, from all that was measured, left in the run folder as advice.json."""

from __future__ import annotations

import json

from luthier.advice import Advice, decide_approach
from luthier.advice.reading import evidence_of_run
from luthier.runs.folder import RunFolder

ADVICE_FILE = "advice.json"


def write_advice(folder: RunFolder) -> Advice:
    """Read report.json and what lies beside it, decide, and write advice.json."""
    advice = decide_approach(evidence_of_run(folder.path))
    folder.write_text(ADVICE_FILE, json.dumps(advice.as_json(), indent=2, ensure_ascii=False) + "\n")
    return advice
