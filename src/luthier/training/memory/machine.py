"""What this process holds of the machine's memory, and how much it may hold."""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from dataclasses import dataclass
from pathlib import Path

import torch

PROCESS_STATUS = Path("/proc/self/status")
PEAK_RESET = Path("/proc/self/clear_refs")
PROCESS_CGROUP = Path("/proc/self/cgroup")
MACHINE_MEMORY = Path("/proc/meminfo")
CGROUPS = Path("/sys/fs/cgroup")
# Blocks from here on are mapped singly and given back when they are freed; smaller ones share a heap that keeps what
# is freed in it for the next step (mallopt(3)). Runs set glibc's malloc to these two sizes.
LARGEST_HEAP_BLOCK_BYTES = 128 * 1024**2
MOST_KEPT_BYTES = 1024**3
# The three figures below were fitted over the configurations of benchmarks/memory.py. First: what is no tensor and
# comes with the run's own shapes. Where products go through torch's library, its kernels take some 45 MB more.
ALLOCATOR_BYTES = 40_000_000
# A heap is as large as it ever was, and free places in it are not always of a fitting size.
HEAP_FACTOR = 1.2
# Layers that run again in the backward pass allocate between blocks that stay, so fewer places fit.
RECOMPUTED_HEAP_FACTOR = 2.5


@dataclass(frozen=True)
class MemoryLimit:
    """The most bytes this process may hold, itself included, and who says so."""

    limit_bytes: int
    reason: str


def held_bytes(device: torch.device) -> int:
    """Bytes held right now: tensors on an accelerator, else resident memory after the heap gave back what is free."""
    if device.type == "cuda":
        return torch.cuda.memory_allocated(device)
    if not PROCESS_STATUS.exists():
        return peak_held_bytes(device)
    _trim_heap()
    return _status_bytes("VmRSS")


def peak_held_bytes(device: torch.device) -> int:
    """The most this process has held so far: tensors on an accelerator, else resident memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if PROCESS_STATUS.exists():
        # Not ru_maxrss: a new process inherits that of its parent, and it cannot be forgotten.
        return _status_bytes("VmHWM")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def forget_peak(device: torch.device) -> bool:
    """Let `peak_held_bytes` count from now on; False where the system cannot forget (proc(5), clear_refs)."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return True
    _trim_heap()
    try:
        PEAK_RESET.write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def memory_limit(device: torch.device, asked_bytes: int | None = None) -> MemoryLimit:
    """The tightest of: what the recipe allows, what is free and ours already, a container's limit."""
    limits = [_free_memory(device)]
    if asked_bytes is not None:
        limits.append(MemoryLimit(asked_bytes, "training.memory_limit_gb"))
    if device.type != "cuda":
        limits += [MemoryLimit(size, "the limit of this process's control group") for size in _cgroup_limits()]
    return min(limits, key=lambda limit: limit.limit_bytes)


def _free_memory(device: torch.device) -> MemoryLimit:
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return MemoryLimit(free + torch.cuda.memory_reserved(device), "free on this GPU")
    if not MACHINE_MEMORY.exists():
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return MemoryLimit(whole, "all memory of this machine")
    fields = dict(line.split(":", 1) for line in MACHINE_MEMORY.read_text(encoding="ascii").splitlines())
    available = int(fields["MemAvailable"].split()[0]) * 1024
    return MemoryLimit(available + held_bytes(device), "available on this machine")


def _cgroup_limits() -> list[int]:
    """Limits of this process's control group and of those around it, version 2 and version 1; "max" is none."""
    if not PROCESS_CGROUP.exists():
        return []
    found: list[int] = []
    for line in PROCESS_CGROUP.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers in ("", "memory"):
            root, name = (CGROUPS, "memory.max") if controllers == "" else (CGROUPS / "memory", "memory.limit_in_bytes")
            inner = root / path.lstrip("/")
            for folder in (inner, *inner.parents):
                if folder.is_relative_to(root) and (folder / name).is_file():
                    text = (folder / name).read_text(encoding="ascii").strip()
                    found += [int(text)] if text.isdigit() else []
    return found


def _status_bytes(field: str) -> int:
    lines = dict(line.split(":", 1) for line in PROCESS_STATUS.read_text(encoding="utf-8").splitlines())
    return int(lines[field].split()[0]) * 1024


def _trim_heap() -> None:
    """glibc keeps freed blocks for later; without them, what is resident is what is in use."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def block_bytes(size: int, is_recomputed: bool = False) -> float:
    """What a tensor of ``size`` bytes takes under glibc; ``is_recomputed``: layers run again in the backward pass."""
    if size >= LARGEST_HEAP_BLOCK_BYTES:
        return size
    return size * (RECOMPUTED_HEAP_FACTOR if is_recomputed else HEAP_FACTOR)
