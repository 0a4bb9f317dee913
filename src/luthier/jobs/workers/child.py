"""One run as a process of its own: `python -P child.py FOLDER`. What came of it stands in `result.json`.

It dies with its supervisor: the kernel kills it when the thread that started it ends, and it kills its whole group
when its standard input closes. A result is written whole or not at all; the exit code says nothing.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
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
# A training takes all the cores there are, and whoever asks the server something meanwhile should not feel it.
NICENESS = 5
AUTOGROUP = Path("/proc/self/autogroup")
# Room for the result is taken when the run starts: a disk that is full by the end can still be told of.
RESULT_BYTES = 4096
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def main(folder: Path) -> None:
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
    threading.Thread(target=_die_when_input_ends, daemon=True).start()
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(OOM_SCORE)
    step_back()
    asked_to_stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked_to_stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    write_result(folder, _outcome(folder, asked_to_stop))


def reserve_result(folder: Path) -> None:
    """Forget an earlier result, and take the room that the next one will need."""
    (folder / RESULT_FILE).unlink(missing_ok=True)
    with _part(folder).open("wb") as file:
        file.write(b" " * RESULT_BYTES)
        file.flush()
        os.fsync(file.fileno())


def write_result(folder: Path, result: dict[str, Any]) -> None:
    part = _part(folder)
    with part.open("r+b" if part.exists() else "wb") as file:
        # The blanks that stay behind it are JSON as well.
        file.write(json.dumps(result).encode())
        file.flush()
        os.fsync(file.fileno())
    part.replace(folder / RESULT_FILE)


def _part(folder: Path) -> Path:
    return folder / f".{RESULT_FILE}.part"


def die_with_parent() -> None:
    """On Linux: SIGKILL to this process when the thread that started it ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def step_back() -> None:
    """A session of its own, which every run is, may be a group of its own for the scheduler: then the group counts."""
    os.nice(NICENESS)
    with contextlib.suppress(OSError):
        AUTOGROUP.write_text(str(NICENESS))


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
    except Exception as error:
        if _is_out_of_memory(error):
            return {"outcome": "memory", "found": str(error).splitlines()[0][:300]}
        if is_out_of_room(error):
            return {"outcome": "storage", "found": str(error).splitlines()[0][:300]}
        raise
    return {"outcome": "succeeded"}


def is_out_of_room(error: BaseException) -> bool:
    """Whoever writes through a library of another language has only the words."""
    return getattr(error, "errno", None) in NO_ROOM or "No space left on device" in str(error)


def _is_out_of_memory(error: Exception) -> bool:
    """torch has a class for accelerators and, on a CPU, only words."""
    text = str(error)
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in text or "bad_alloc" in text


if __name__ == "__main__":
    main(Path(sys.argv[1]))
