"""Leaves the machine behind: own users, processes, mounts, network, messages and host name (Linux namespaces).

An ordinary user may do this wherever the kernel lets users make namespaces. Root maps one more user, an identifier
that nobody has outside, and contained code runs as that one.
"""

import os
import signal

from . import kernel

GUEST_ID = 1000
FIRST_UNUSED_ID = 1_800_000_000
UNUSED_IDS = 100_000
NOBODY_ID = 65534


def enter() -> None:
    """Returns in the first process of the new namespaces; the caller waits for it, then ends.

    Only a process outside may say who the users inside are, so one is forked before the door shuts.
    """
    asked = os.pipe()
    entering, uid, gid = os.getpid(), os.geteuid(), os.getegid()
    writer = os.fork()
    if writer == 0:
        # The end of the pipe instead of a letter: the caller was refused, and is gone.
        os.close(asked[1])
        if os.read(asked[0], 1):
            _write_maps(entering, uid, gid)
        os._exit(0)
    kernel.unshare(
        kernel.CLONE_NEWUSER
        | kernel.CLONE_NEWNS
        | kernel.CLONE_NEWPID
        | kernel.CLONE_NEWNET
        | kernel.CLONE_NEWIPC
        | kernel.CLONE_NEWUTS
    )
    os.write(asked[1], b"x")
    _, status = os.waitpid(writer, 0)
    for end in asked:
        os.close(end)
    if status:
        raise OSError(1, "uid_map: the kernel does not accept the users of the new namespace")
    first = os.fork()
    if first:
        os.closerange(0, 256)
        os.waitpid(first, 0)
        os._exit(0)
    # Whoever kills the waiting process kills this one, and with it all that runs inside.
    kernel.control_process(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def become_guest() -> None:
    """From the keeper's user to the one that owns nothing; where there is only one, it stays and loses its powers."""
    if os.getuid() != GUEST_ID:
        os.setgroups([])
        os.setresgid(GUEST_ID, GUEST_ID, GUEST_ID)
        os.setresuid(GUEST_ID, GUEST_ID, GUEST_ID)
    kernel.drop_capabilities()


def _write_maps(pid: int, uid: int, gid: int) -> None:
    if uid == 0:
        for outside in (FIRST_UNUSED_ID + pid % UNUSED_IDS, NOBODY_ID):
            try:
                _write(pid, "uid_map", f"0 0 1\n{GUEST_ID} {outside} 1\n")
                return _write(pid, "gid_map", f"0 {gid} 1\n{GUEST_ID} {outside} 1\n")
            except OSError:
                # Inside a container, root may have fewer users to give away.
                continue
    _write(pid, "setgroups", "deny")
    _write(pid, "uid_map", f"{GUEST_ID} {uid} 1\n")
    _write(pid, "gid_map", f"{GUEST_ID} {gid} 1\n")
    return None


def _write(pid: int, name: str, text: str) -> None:
    descriptor = os.open(f"/proc/{pid}/{name}", os.O_WRONLY)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
