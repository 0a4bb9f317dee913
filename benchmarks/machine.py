"""What the figures were measured on, and how long and with how much memory a process works."""

import os
import platform
import re
import resource
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("torch", "transformers", "peft", "trl", "accelerate", "flash-attn", "liger-kernel")


def describe_machine(threads: int) -> dict[str, Any]:
    """Plain JSON: figures mean nothing without it."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "accelerator": _accelerator(),
        "platform": platform.platform(),
        "python": platform.python_version(),
        **{name: version for name in PACKAGES if (version := _version(name))},
    }


def usable_cores() -> int:
    """Cores this process may use; a container's or taskset's limit counts."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Clock:
    """Wall and CPU seconds from its making to `stop`, with an accelerator's queue waited for."""

    def __init__(self) -> None:
        self._wait()
        self._began = time.perf_counter(), time.process_time()

    def stop(self) -> None:
        self._wait()
        self.seconds = time.perf_counter() - self._began[0]
        self.cpu_seconds = time.process_time() - self._began[1]

    def _wait(self) -> None:
        cuda = _cuda_in_use()
        if cuda:
            cuda.synchronize()


class MemoryWatch:
    """Peaks of this process from its start, and from the moment the watch was made."""

    def __init__(self) -> None:
        self._cuda = _cuda_in_use()
        self._peak_before = _lifetime_peak_bytes()
        if self._cuda:
            self._cuda.synchronize()
            self.held_bytes = self._cuda.memory_allocated()
            self._cuda.reset_peak_memory_stats()
        else:
            self.held_bytes = _status_bytes("VmRSS") or self._peak_before
            _forget_peak()

    def peak_bytes(self) -> int:
        if self._cuda:
            return self._cuda.max_memory_allocated()
        return max(self._peak_before, _lifetime_peak_bytes())

    def rise_bytes(self) -> int:
        """How far above ``held_bytes`` the process has been since; 0 where the system cannot tell."""
        now = self._cuda.max_memory_allocated() if self._cuda else _status_bytes("VmHWM")
        return max(0, now - self.held_bytes) if now else 0


def _lifetime_peak_bytes() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _status_bytes(field: str) -> int:
    """A line of Linux's /proc/self/status; 0 elsewhere."""
    file = Path("/proc/self/status")
    found = re.search(rf"^{field}:\s+(\d+) kB", file.read_text(), re.MULTILINE) if file.exists() else None
    return int(found[1]) * 1024 if found else 0


def _forget_peak() -> None:
    """Linux starts VmHWM again when 5 is written here (proc_pid_clear_refs(5)); ru_maxrss may follow it."""
    file = Path("/proc/self/clear_refs")
    if file.exists():
        file.write_text("5")


def _cuda_in_use() -> Any:
    torch: Any = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None


def _accelerator() -> str | None:
    cuda = _cuda_in_use()
    return cuda.get_device_name() if cuda else None


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    """Linux does not tell it through the platform module."""
    file = Path("/proc/cpuinfo")
    if file.exists():
        found = re.search(r"^model name\s*:\s*(.+)$", file.read_text(errors="replace"), re.MULTILINE)
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()
