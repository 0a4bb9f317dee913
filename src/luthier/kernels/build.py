"""Compiles the CPU kernels once per machine and opens them; without a C++ compiler, torch's own operations serve.

The library is kept under ``~/.cache/luthier/kernels`` (``XDG_CACHE_HOME`` counts) by a hash of the sources, the
compiler, the processor and torch, so an upgrade of any of them compiles anew: a few seconds, once.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

SOURCES = Path(__file__).parent / "native"
SWITCH = "LUTHIER_KERNELS"
COMPILERS = ("c++", "g++", "clang++")
# Sums may be reordered for vector units; infinities and NaN keep their meaning, because the loop watches for them.
FLAGS = (
    *("-std=c++17", "-O3", "-march=native", "-fopenmp", "-fPIC", "-shared", "-fvisibility=hidden"),
    *("-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros", "-fassociative-math", "-ffp-contract=fast"),
)
COMPILE_SECONDS = 120


@dataclass(frozen=True)
class Kernels:
    """``library`` is None where torch's operations are used instead; ``reason`` says why, or what is in use."""

    library: ctypes.CDLL | None
    reason: str


@cache
def open_kernels() -> Kernels:
    """The compiled kernels of this machine, built at the first call. Never raises: a slower way is always there."""
    if os.environ.get(SWITCH, "").lower() == "torch":
        return Kernels(None, f"torch's operations, as {SWITCH}=torch asks")
    if platform.system() != "Linux":
        return Kernels(None, f"torch's operations: no kernels for {platform.system()} yet")
    compiler = os.environ.get("CXX") or next((found for name in COMPILERS if (found := shutil.which(name))), None)
    if compiler is None:
        return Kernels(None, "torch's operations: no C++ compiler here (install g++ for faster training)")
    try:
        file = _cache_folder() / f"kernels-{_fingerprint(compiler)}.so"
        if not file.is_file():
            _compile(compiler, file)
        return Kernels(ctypes.CDLL(str(file)), f"compiled for this processor by {Path(compiler).name}")
    except (OSError, subprocess.SubprocessError) as error:
        last = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1:]
        return Kernels(None, f"torch's operations: the kernels could not be compiled ({' '.join(last)})")


def _cache_folder() -> Path:
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "luthier" / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except OSError:
        pass
    # A home that cannot be written to (a container's, say): the library then lives as long as the machine's /tmp.
    private = Path(tempfile.gettempdir()) / f"luthier-kernels-{os.getuid()}"
    private.mkdir(mode=0o700, exist_ok=True)
    if private.stat().st_uid != os.getuid():
        raise PermissionError(f"{private} belongs to somebody else")
    return private


def _fingerprint(compiler: str) -> str:
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    words = [version, " ".join(FLAGS), torch.__version__, _processor()]
    words += [file.read_text() for file in sorted(SOURCES.iterdir()) if file.is_file()]
    return hashlib.sha256("\0".join(words).encode()).hexdigest()[:20]


def _processor() -> str:
    """Instruction sets of this processor: a cache shared by several machines must not mix them."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.machine())


def _compile(compiler: str, final: Path) -> None:
    """Written beside its final name and renamed, so that processes starting together never open half a library."""
    descriptor, part = tempfile.mkstemp(suffix=".so", dir=final.parent)
    os.close(descriptor)
    sources = [str(file) for file in sorted(SOURCES.glob("*.cpp"))]
    # torch's own OpenMP library: a second one would bring a second pool of threads that fights for the same cores.
    threads = [str(file) for file in (Path(torch.__file__).parent / "lib").glob("libgomp*.so*")][:1]
    command = [compiler, *FLAGS, *sources, *threads, "-o", part]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=COMPILE_SECONDS)
        os.chmod(part, 0o700)
        os.rename(part, final)
    finally:
        Path(part).unlink(missing_ok=True)
