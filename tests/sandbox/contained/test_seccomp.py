import errno
import struct

import pytest

from luthier.sandbox.contained import seccomp, system_calls
from luthier.sandbox.contained.seccomp import Allowance, make_filter

PID = 4242
COMPUTING = Allowance(changes_files=False, starts_threads=False, starts_processes=False)
FILES = Allowance(changes_files=True, starts_threads=True, starts_processes=False)
PROCESSES = Allowance(changes_files=True, starts_threads=True, starts_processes=True)
ALLOWED, REFUSED, ABSENT, KILLED = "allowed", errno.EPERM, errno.ENOSYS, "killed"


def run(program: bytes, architecture: int, number: int, arguments: tuple[int, ...]) -> str | int:
    """What the kernel would do: classic BPF, interpreted as its documentation says."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    register, place = 0, 0
    while True:
        operation, if_true, if_false, constant = struct.unpack_from("<HBBI", program, 8 * place)
        place += 1
        match operation:
            case seccomp.LOAD:
                (register,) = struct.unpack_from("<I", data, constant)
            case seccomp.JUMP_EQUAL:
                place += if_true if register == constant else if_false
            case seccomp.JUMP_AT_LEAST:
                place += if_true if register >= constant else if_false
            case seccomp.JUMP_ANY_BIT:
                place += if_true if register & constant else if_false
            case seccomp.RETURN:
                if constant == seccomp.ALLOW:
                    return ALLOWED
                return KILLED if constant == seccomp.KILL else constant & 0xFFFF
            case _:
                raise AssertionError(f"no such operation: {operation:#x}")


def judge(machine: str, allowance: Allowance, name: str, *arguments: int) -> str | int:
    tables = (system_calls.ALWAYS, system_calls.CHANGES, system_calls.FORKS, system_calls.JUDGED, system_calls.ABSENT)
    numbers = {
        k: v for table in (*tables, system_calls.KEEPERS) for k, v in system_calls.numbers(table, machine).items()
    }
    program = seccomp.for_process(make_filter(machine, allowance), PID)
    return run(program, seccomp.ARCHITECTURES[machine], numbers[name], arguments)


MACHINES = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
THREAD = 0x003D0F00
FORK = 0x01200011


@MACHINES
@pytest.mark.parametrize(
    ("allowance", "name", "arguments", "expected"),
    [
        (COMPUTING, "read", (), ALLOWED),
        (COMPUTING, "getrandom", (), ALLOWED),
        (COMPUTING, "openat", (0, 0, 0o2000000), ALLOWED),
        (COMPUTING, "openat", (0, 0, 1), REFUSED),
        (COMPUTING, "openat", (0, 0, 0o1000), REFUSED),
        (COMPUTING, "openat", (0, 0, 0o100), REFUSED),
        (FILES, "openat", (0, 0, 0o101), ALLOWED),
        (COMPUTING, "fchmodat", (), REFUSED),
        (FILES, "fchmodat", (), ALLOWED),
        (COMPUTING, "clone", (THREAD,), REFUSED),
        (FILES, "clone", (THREAD,), ALLOWED),
        (FILES, "clone", (FORK,), REFUSED),
        (PROCESSES, "clone", (FORK,), ALLOWED),
        (PROCESSES, "clone", (FORK | 0x10000000,), REFUSED),
        (FILES, "clone", (THREAD | 0x00020000,), REFUSED),
        (FILES, "clone3", (), ABSENT),
        (FILES, "kill", (PID,), ALLOWED),
        (FILES, "kill", (1,), REFUSED),
        (FILES, "kill", (0xFFFFFFFF,), REFUSED),
        (FILES, "tgkill", (PID, PID), ALLOWED),
        (FILES, "tgkill", (PID + 1, PID), REFUSED),
        (FILES, "fcntl", (0, 4), ALLOWED),
        (FILES, "fcntl", (0, 8), REFUSED),
        (FILES, "fcntl", (0, 10), REFUSED),
        (FILES, "ioctl", (0, 0x5401), ALLOWED),
        (FILES, "ioctl", (0, 0x5412), REFUSED),
        (FILES, "prctl", (15,), ALLOWED),
        (FILES, "prctl", (1,), REFUSED),
        (FILES, "socketpair", (1,), ALLOWED),
        (FILES, "socketpair", (2,), REFUSED),
        (FILES, "sendto", (3, 0, 0, 0, 0), ALLOWED),
        (FILES, "sendto", (3, 0, 0, 0, 8), REFUSED),
        (FILES, "sendto", (3, 0, 0, 0, 1 << 32), REFUSED),
        (FILES, "prlimit64", (0,), ALLOWED),
        (FILES, "prlimit64", (PID,), REFUSED),
        (PROCESSES, "pivot_root", (), REFUSED),
        (PROCESSES, "seccomp", (), REFUSED),
    ],
)
def test_a_call_is_judged_by_its_arguments(
    machine: str, allowance: Allowance, name: str, arguments: tuple[int, ...], expected: str | int
):
    assert judge(machine, allowance, name, *arguments) == expected


@MACHINES
def test_what_no_list_names_is_refused(machine: str):
    known = {number for table in tables_for_code() for number in system_calls.numbers(table, machine).values()}
    program = make_filter(machine, PROCESSES)
    unknown = [number for number in range(600) if number not in known]
    assert {run(program, seccomp.ARCHITECTURES[machine], number, ()) for number in unknown} == {REFUSED}


def tables_for_code() -> tuple[str, ...]:
    return (system_calls.ALWAYS, system_calls.CHANGES, system_calls.FORKS, system_calls.JUDGED, system_calls.ABSENT)


def test_a_call_by_another_architectures_door_ends_the_process():
    program = make_filter("x86_64", FILES)
    i386, read = 0x40000003, 0
    assert run(program, i386, read, ()) == KILLED
    assert run(program, seccomp.ARCHITECTURES["x86_64"], seccomp.X32_BIT | read, ()) == KILLED


@MACHINES
def test_the_process_number_stands_in_the_filter_twice_and_nothing_else_looks_like_it(machine: str):
    assert make_filter(machine, FILES).count(struct.pack("<I", seccomp.OWN_PID)) == 2
