"""One run as a process of its own: `python -P child.py FOLDER`. What came of it stands in `result.json`.

It dies with its supervisor: the kernel kills it when the thread that started it ends, and it kills its whole group
when its standard input closes. A result is written whole or not at all; the exit code says nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from luthier.errors import Interrupted, LuthierError, StorageError

RESULT_FILE = "result.json"
PR_SET_PDEATHSIG = 1
# Of all processes the kernel takes this one first when memory is short, and not the server.
OOM_SCORE = "500"


def main(folder: Path) -> None:
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_die_when_input_ends, daemon=True).start()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write_result(folder, _outcome(folder, asked_to_stop))


def write_result(folder: Path, result: dict[str, Any]) -> None:
    part = folder / f".{RESULT_FILE}.part"
    with part.open("w", encoding="utf-8") as file:
        json.dump(result, file)
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / RESULT_FILE)


def die_with_parent() -> None:
    """On Linux: SIGKILL to this process when the thread that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _die_when_input_ends() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    os.killpg(0, signal.SIGKILL)


def _outcome(folder: Path, asked_to_stop: threading.Event) -> dict[str, Any]:
    # Imported here: it takes seconds, and the process must already be one that dies with its supervisor.
    from luthier.runs import RunFolder, finetune

    try:
        for _ in finetune(RunFolder.open(folder), asked_to_stop.is_set):
            pass
    except Interrupted:
        return {"outcome": "stopped"}
    except MemoryError:
        return {"outcome": "memory", "found": "no memory left"}
    except LuthierError as error:
        outcome = "storage" if isinstance(error, StorageError) else "failed"
        return {"outcome": outcome, "found": error.found, "expected": error.expected, "fix": error.fix}
    except RuntimeError as error:
        if _is_out_of_memory(error):
            return {"outcome": "memory", "found": str(error).splitlines()[0][:300]}
        raise
    return {"outcome": "succeeded"}


def _is_out_of_memory(error: RuntimeError) -> bool:
    """torch has a class for accelerators and, on a CPU, only words."""
    text = str(error)
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text or "bad_alloc" in text


if __name__ == "__main__":
    main(Path(sys.argv[1]))
