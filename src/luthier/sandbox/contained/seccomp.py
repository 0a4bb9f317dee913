"""The system calls that contained code may make, as a filter program for the kernel (seccomp(2), classic BPF).

A list of what is allowed, not of what is forbidden: no sockets but a connected pair, no processes unless asked for, no
signals to others, no mounts, namespaces, keys, tracing, bpf or io_uring, and nothing that a later kernel adds.
"""

import errno
import struct
from typing import Literal, NamedTuple

from . import system_calls

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# Numbers from here on are a second door on x86_64 (the x32 ABI).
X32_BIT = 0x40000000

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, KILL, FAIL = 0x7FFF0000, 0x80000000, 0x00050000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16

CLONE_THREAD = 0x00010000
CLONE_NAMESPACES = 0x7E020000
AF_UNIX = 1
PR_SET_NAME, PR_GET_NAME = 15, 16
# Questions about a terminal, close-on-exec, non-blocking, bytes that wait. Among the rest are FIOSETOWN and TIOCSTI.
HARMLESS_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# Not F_SETOWN, F_SETSIG: they let the kernel send a signal of one's choice to another process.
HARMLESS_FCNTLS = (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032, 1034)
# O_WRONLY, O_RDWR, O_CREAT, O_TRUNC
OPEN_TO_CHANGE = 0o1103

# Stands for the process's own number until there is one. A filter of some hundred instructions is made once only.
OWN_PID = 0x7E57C0DE

Instruction = tuple[int, int, int, int]


class Allowance(NamedTuple):
    """What contained code may do beside computing."""

    changes_files: bool
    starts_threads: bool
    starts_processes: bool


class Check(NamedTuple):
    """One condition on argument ``place`` of a call; all conditions of a call must hold."""

    place: int
    kind: Literal["one of", "no bit of", "the bit", "null"]
    values: tuple[int, ...] = ()


def make_filter(machine: str, allowance: Allowance) -> bytes:
    """Instructions of 8 bytes each: operation, jumps if true and false, constant. See ``for_process``."""
    program: list[Instruction] = [
        (LOAD, 0, 0, ARCHITECTURE_AT),
        (JUMP_EQUAL, 1, 0, ARCHITECTURES[machine]),
        (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        program += [(JUMP_AT_LEAST, 0, 1, X32_BIT), (RETURN, 0, 0, KILL)]
    for number in _plain_calls(machine, allowance):
        program += _when(number, [(RETURN, 0, 0, ALLOW)])
    numbers = system_calls.numbers(system_calls.JUDGED, machine)
    for name, checks in _judged_calls(allowance).items():
        if name in numbers:
            program += _when(numbers[name], [*_all_hold(checks), (RETURN, 0, 0, ALLOW)])
    for number in system_calls.numbers(system_calls.ABSENT, machine).values():
        program += _when(number, [(RETURN, 0, 0, FAIL | errno.ENOSYS)])
    program.append((RETURN, 0, 0, FAIL | errno.EPERM))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in program)


def for_process(program: bytes, pid: int) -> bytes:
    """The filter of one process: it may send signals to itself alone."""
    return program.replace(struct.pack("<I", OWN_PID), struct.pack("<I", pid))


def _plain_calls(machine: str, allowance: Allowance) -> list[int]:
    tables = [system_calls.ALWAYS]
    if allowance.changes_files:
        tables.append(system_calls.CHANGES)
    if allowance.starts_processes:
        tables.append(system_calls.FORKS)
    return [number for table in tables for number in system_calls.numbers(table, machine).values()]


def _judged_calls(allowance: Allowance) -> dict[str, list[Check]]:
    """The calls that depend on their arguments; ``never`` holds for no argument."""
    never = Check(0, "one of")
    no_namespace = Check(0, "no bit of", (CLONE_NAMESPACES,))
    if allowance.starts_processes:
        clone = [no_namespace]
    elif allowance.starts_threads:
        clone = [no_namespace, Check(0, "the bit", (CLONE_THREAD,))]
    else:
        clone = [never]
    # With a process namespace around it, code that may start processes can signal these and no others.
    signals = [] if allowance.starts_processes else [Check(0, "one of", (OWN_PID,))]
    return {
        "open": [] if allowance.changes_files else [Check(1, "no bit of", (OPEN_TO_CHANGE,))],
        "openat": [] if allowance.changes_files else [Check(2, "no bit of", (OPEN_TO_CHANGE,))],
        "clone": clone,
        "kill": signals,
        "tgkill": signals,
        "ioctl": [Check(1, "one of", HARMLESS_IOCTLS)],
        "fcntl": [Check(1, "one of", HARMLESS_FCNTLS)],
        "prctl": [Check(0, "one of", (PR_SET_NAME, PR_GET_NAME))],
        "socketpair": [Check(0, "one of", (AF_UNIX,))],
        # With an address, a datagram socket of a pair reaches sockets outside.
        "sendto": [Check(4, "null")],
        "prlimit64": [Check(0, "one of", (0,))],
    }


def _when(number: int, block: list[Instruction]) -> list[Instruction]:
    return [(JUMP_EQUAL, 0, len(block), number), *block]


def _all_hold(checks: list[Check]) -> list[Instruction]:
    """Falls through where all hold; otherwise the call fails with EPERM."""
    refuse: Instruction = (RETURN, 0, 0, FAIL | errno.EPERM)
    program: list[Instruction] = []
    for check in checks:
        # Both architectures are little-endian: the low half of an argument comes first.
        low = ARGUMENTS_AT + 8 * check.place
        program.append((LOAD, 0, 0, low))
        match check.kind:
            case "one of":
                last = len(check.values)
                program += [(JUMP_EQUAL, last - place, 0, value) for place, value in enumerate(check.values)]
                program.append(refuse)
            case "no bit of":
                program += [(JUMP_ANY_BIT, 0, 1, check.values[0]), refuse]
            case "the bit":
                program += [(JUMP_ANY_BIT, 1, 0, check.values[0]), refuse]
            case "null":
                program += [(JUMP_EQUAL, 1, 0, 0), refuse, (LOAD, 0, 0, low + 4), (JUMP_EQUAL, 1, 0, 0), refuse]
    return program
