"""What each call is held to: resources, its user, its system calls. Applied in the process that runs it, for good."""

import os
import resource
import signal
import sys
from typing import Literal, NamedTuple

from . import kernel, namespaces, seccomp

Kind = Literal["namespaces", "landlock", "weak"]
MOST_OPEN_FILES = 64
# Threads that a numerical library may start beside the processes that were asked for.
THREADS_BESIDE = 32


class Restraints(NamedTuple):
    """The numbers of ``SandboxLimits``, and the kind of wall around the process."""

    kind: Kind
    cpu_seconds: int
    memory_bytes: int
    processes: int
    file_bytes: int

    @property
    def has_namespaces(self) -> bool:
        return self.kind == "namespaces"


def make_filter(restraints: Restraints) -> bytes:
    """The filter of system calls that every call is given."""
    allowance = seccomp.Allowance(
        changes_files=restraints.kind != "landlock",
        # Without a process namespace nothing counts threads reliably.
        starts_threads=restraints.kind != "landlock",
        starts_processes=restraints.has_namespaces and restraints.processes > 1,
    )
    return seccomp.make_filter(kernel.MACHINE, allowance)


def restrain(restraints: Restraints, filter_program: bytes | None) -> None:
    """After this, the process may do no more than user code is allowed to."""
    _limit_resources(restraints)
    if restraints.has_namespaces:
        namespaces.become_guest()
    if sys.platform == "linux":
        # Whoever kills the keeper kills the call. A change of user would undo it.
        kernel.control_process(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if filter_program is not None:
        kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.install_filter(seccomp.for_process(filter_program, os.getpid()))


def _limit_resources(restraints: Restraints) -> None:
    limits = {
        "RLIMIT_AS": restraints.memory_bytes,
        "RLIMIT_CPU": restraints.cpu_seconds + 1,
        "RLIMIT_FSIZE": 0 if restraints.kind == "landlock" else restraints.file_bytes,
        "RLIMIT_NOFILE": MOST_OPEN_FILES,
        "RLIMIT_CORE": 0,
        "RLIMIT_MEMLOCK": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    if restraints.has_namespaces:
        # Elsewhere it would count every process of the user, not only those in here.
        limits["RLIMIT_NPROC"] = restraints.processes + THREADS_BESIDE
    for name, most in limits.items():
        number = getattr(resource, name, None)
        if number is not None:
            _lower(number, most)


def _lower(number: int, most: int) -> None:
    _, hard = resource.getrlimit(number)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    # A second more between the warning and the end tells running out of time from being killed.
    soft = max(1, most - 1) if number == resource.RLIMIT_CPU else most
    try:
        resource.setrlimit(number, (soft, most))
    except (OSError, ValueError):
        # macOS knows the name of the memory limit and refuses the number.
        if os.uname().sysname == "Linux":
            raise
