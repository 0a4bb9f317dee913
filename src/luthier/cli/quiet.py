"""Keep libraries from talking over us, through the switches that they offer. Called before any of them is imported."""

from __future__ import annotations

import sys
import warnings
from collections.abc import MutableMapping

# Nothing is ever downloaded: a model is a folder that the user has.
_FORCED = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
_UNLESS_SET = {
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}


def hush_libraries(environment: MutableMapping[str, str]) -> None:
    """Offline, without progress bars of others, and without warnings meant for programmers.

    `python -W` and PYTHONWARNINGS keep their say.
    """
    environment.update(_FORCED)
    for name, value in _UNLESS_SET.items():
        environment.setdefault(name, value)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
