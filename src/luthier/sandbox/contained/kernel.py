"""Calls to the Linux kernel that Python has no function for, each raising OSError with the call's name."""

import ctypes
import errno
import os
import platform
import struct

from . import system_calls

LIBC = ctypes.CDLL(None, use_errno=True)

# linux/sched.h
CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC = 0x00020000, 0x04000000, 0x08000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
# linux/mount.h
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_NOATIME = 1, 2, 4, 8, 32, 1024
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 0x1000, 0x4000, 0x40000, 2
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOEXEC = 1, 2, 4, 8
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
# linux/prctl.h
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 38
# linux/seccomp.h, linux/capability.h
SECCOMP_SET_MODE_FILTER = 1
CAPABILITY_VERSION_3 = 0x20080522
MOST_CAPABILITIES = 64

MACHINE = platform.machine()
# Elsewhere there is no number, and no wall that needs one.
NUMBERS = system_calls.numbers(system_calls.KEEPERS, MACHINE) if MACHINE in system_calls.MACHINES else {}


def checked(result: int, name: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


def system_call(name: str, *arguments: int | bytes | None) -> int:
    """One of ``system_calls.KEEPERS``. Whole registers are passed, whatever the size of the argument."""
    wide = [ctypes.c_long(value) if isinstance(value, int) else ctypes.c_char_p(value) for value in arguments]
    if name not in NUMBERS:
        raise OSError(errno.ENOSYS, f"{name}: not known on {MACHINE}")
    return checked(LIBC.syscall(ctypes.c_long(NUMBERS[name]), *wide), name)


def unshare(flags: int) -> None:
    checked(LIBC.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    texts = [text.encode() or None for text in (source, target, kind)]
    checked(LIBC.mount(*texts, ctypes.c_ulong(flags), data.encode() or None), f"mount {target}")


def unmount(target: str) -> None:
    """Out of sight at once, even while something below is open."""
    checked(LIBC.umount2(target.encode(), MNT_DETACH), f"umount {target}")


def set_mount_attributes(target: str, attributes: int) -> None:
    """For the mount and all below it (mount_setattr(2), Linux 5.12)."""
    wanted = struct.pack("<4Q", attributes, 0, 0, 0)
    system_call("mount_setattr", AT_FDCWD, target.encode(), AT_RECURSIVE, wanted, len(wanted))


def pivot_root(new_root: str) -> None:
    """``new_root`` becomes the root; the old one is no longer reachable by any path."""
    os.chdir(new_root)
    system_call("pivot_root", b".", b".")
    unmount(".")
    os.chdir("/")


def control_process(option: int, *values: int) -> None:
    wide = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4]]
    checked(LIBC.prctl(option, *wide), f"prctl {option}")


def shrink_capability_bounds() -> None:
    """No program that is started from here on can gain a capability."""
    for capability in range(MOST_CAPABILITIES):
        try:
            control_process(PR_CAPBSET_DROP, capability)
        except OSError:
            return


def drop_capabilities() -> None:
    header = struct.pack("<Ii", CAPABILITY_VERSION_3, 0)
    system_call("capset", header, struct.pack("<6I", *[0] * 6))


def install_filter(program: bytes) -> None:
    """A seccomp filter, for good, for this process and what it starts. Needs no_new_privs."""
    memory = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(memory))
    system_call("seccomp", SECCOMP_SET_MODE_FILTER, 0, described)
