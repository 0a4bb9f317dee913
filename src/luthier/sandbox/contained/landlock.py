"""Takes from a process the right to open files, but for a few that it may read (Landlock, Linux 5.13).

For machines where namespaces are forbidden, as in most containers. Landlock alone leaves holes (it does not cover
chmod, chown, extended attributes, or, in its first versions, truncation); the system-call filter closes them, since it
refuses every change of files where this is used.
"""

import os
import struct
from collections.abc import Sequence

from . import kernel, tree

READ_FILE, READ_DIRECTORY = 1 << 2, 1 << 3
# Rights known to each version: 13 in the first, then REFER, TRUNCATE (3), IOCTL_DEV (5).
RIGHTS_BY_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
RIGHTS_NEWEST = 16
NET_BIND_AND_CONNECT = 3
SCOPE_SOCKETS_AND_SIGNALS = 3
ONLY_VERSION, PATH_BENEATH = 1, 1


def version() -> int:
    """0 or an OSError where the kernel has no Landlock."""
    return kernel.system_call("landlock_create_ruleset", None, 0, ONLY_VERSION)


def restrict(packages: Sequence[str]) -> None:
    """For good, for this process and its children: reading Python's library and the allowed packages, nothing else."""
    ruleset = _make_ruleset()
    library = tree.standard_library()
    entries = [f"{library}/{name}" for name in os.listdir(library) if name not in tree.INSTALLED]
    for path in (*entries, *tree.shared_library_folders(), tree.LINKER_CACHE, *tree.DEVICES, *packages):
        _allow(ruleset, path, READ_FILE | READ_DIRECTORY)
    # Python lists the folders it imports from. So the names of what is installed can be seen, not the contents.
    for folder in {library, *map(os.path.dirname, packages)}:
        _allow(ruleset, folder, READ_DIRECTORY)
    kernel.control_process(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.system_call("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _make_ruleset() -> int:
    """Whatever this kernel can take away is taken away."""
    known = version()
    rights = (1 << RIGHTS_BY_VERSION.get(known, RIGHTS_NEWEST)) - 1
    attributes = struct.pack("<3Q", rights, NET_BIND_AND_CONNECT, SCOPE_SOCKETS_AND_SIGNALS)
    size = 8 if known < 4 else 16 if known < 6 else 24
    return kernel.system_call("landlock_create_ruleset", attributes, size, 0)


def _allow(ruleset: int, path: str, rights: int) -> None:
    if not os.path.exists(path):
        return
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        granted = rights if os.path.isdir(path) else rights & READ_FILE
        rule = struct.pack("<Qi", granted, descriptor)
        kernel.system_call("landlock_add_rule", ruleset, PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)
