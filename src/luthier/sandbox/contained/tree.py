"""The file system that contained code sees: Python's library and the allowed packages, read-only, and one small /tmp.

No /proc, /sys, /etc, /home; of devices only null, zero and urandom; no program that could be started.
"""

import errno
import glob
import os
import sys
from collections.abc import Iterable, Sequence

from . import kernel

STANDARD_LIBRARY = "/lib/python"
PACKAGES = "/packages"
SCRATCH = "/tmp"
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
LINKER_CACHE = "/etc/ld.so.cache"
MOST_FILES = 4096
# Empty ones are laid over these: what is installed in them was not allowed.
INSTALLED = ("site-packages", "dist-packages")


def standard_library() -> str:
    return os.path.dirname(os.path.realpath(os.__file__))


def shared_library_folders() -> list[str]:
    """Where compiled modules find the C library and its like."""
    triplet = getattr(sys.implementation, "_multiarch", "")
    found = [f"/lib/{triplet}", f"/usr/lib/{triplet}"] if triplet else []
    found = [path for path in (*found, "/lib64", "/usr/lib64") if os.path.isdir(path)]
    return found or [path for path in ("/lib", "/usr/lib") if os.path.isdir(path)]


def build(packages: Sequence[str], scratch_bytes: int) -> None:
    """Make the tree and move into it; the machine's own files are then out of reach. Needs own namespaces."""
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    library = standard_library()
    wanted = {library: STANDARD_LIBRARY, LINKER_CACHE: LINKER_CACHE}
    wanted |= {path: path for path in shared_library_folders()}
    wanted |= {path: f"{PACKAGES}/{os.path.basename(path)}" for path in packages}
    devices = {path: path for path in DEVICES}
    # Opened first: the new root is laid over a folder that may hold some of them.
    sources = _open_all([*wanted, *devices])
    root = SCRATCH
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    for path, target in (wanted | devices).items():
        if path in sources:
            _show(sources[path], root + target, is_device=path in devices)
            os.close(sources[path])
    for folder in (PACKAGES, SCRATCH):
        os.makedirs(root + folder, exist_ok=True)
    for hidden in _installed_below([root + target for target in wanted.values()]):
        kernel.mount("tmpfs", hidden, "tmpfs", kernel.MS_RDONLY, "size=4k,mode=755")
    kernel.pivot_root(root)
    kernel.mount("", "/", flags=kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | _flags_of("/"))
    mount_scratch(scratch_bytes)
    os.chdir(SCRATCH)
    _import_from_here(library)


def mount_scratch(scratch_bytes: int) -> None:
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC | kernel.MS_NOATIME
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, f"size={scratch_bytes},nr_inodes={MOST_FILES},mode=1777")


def scratch_state() -> tuple[object, ...]:
    """Changes with anything that a call could leave for the next one."""
    found = os.stat(SCRATCH)
    return found.st_mode, found.st_mtime_ns, found.st_ctime_ns, found.st_atime_ns, bool(os.listdir(SCRATCH))


def replace_scratch(scratch_bytes: int) -> None:
    """An empty one instead of the used one, however much or deeply nested was written there."""
    os.chdir("/")
    kernel.unmount(SCRATCH)
    mount_scratch(scratch_bytes)
    os.chdir(SCRATCH)


def _open_all(paths: Iterable[str]) -> dict[str, int]:
    return {path: os.open(path, os.O_PATH) for path in paths if os.path.exists(path)}


def _show(source: int, target: str, is_device: bool) -> None:
    """Bind what is open as ``source`` to ``target``, read-only."""
    is_folder = os.path.isdir(f"/proc/self/fd/{source}")
    os.makedirs(target if is_folder else os.path.dirname(target), exist_ok=True)
    if not is_folder:
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o444))
    name = f"/proc/self/fd/{source}"
    try:
        kernel.mount(name, target, flags=kernel.MS_BIND | kernel.MS_REC)
        forbidden = kernel.MOUNT_ATTR_NOEXEC if is_device else kernel.MOUNT_ATTR_NODEV
        kernel.set_mount_attributes(target, kernel.MOUNT_ATTR_RDONLY | kernel.MOUNT_ATTR_NOSUID | forbidden)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        _show_on_old_kernel(name, target, is_device)


def _show_on_old_kernel(name: str, target: str, is_device: bool) -> None:
    """Without mount_setattr only a mount with nothing mounted below it can be made read-only as a whole."""
    kernel.unmount(target)
    kernel.mount(name, target, flags=kernel.MS_BIND)
    forbidden = kernel.MS_NOEXEC if is_device else kernel.MS_NODEV
    flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID | forbidden | _flags_of(target)
    kernel.mount("", target, flags=flags)


def _flags_of(path: str) -> int:
    """Flags that the mount has and that a user namespace must not take away."""
    has = os.statvfs(path).f_flag
    pairs = {os.ST_NOSUID: kernel.MS_NOSUID, os.ST_NODEV: kernel.MS_NODEV, os.ST_NOEXEC: kernel.MS_NOEXEC}
    pairs |= {os.ST_NOATIME: 1024, os.ST_NODIRATIME: 2048, os.ST_RELATIME: 1 << 21}
    return sum(flag for seen, flag in pairs.items() if has & seen)


def _installed_below(folders: Iterable[str]) -> list[str]:
    found = {path for folder in folders for name in INSTALLED for path in glob.glob(f"{folder}/{name}")}
    found |= {path for folder in folders for name in INSTALLED for path in glob.glob(f"{folder}/python3*/{name}")}
    return sorted(found)


def _import_from_here(library: str) -> None:
    """Also what belongs to packages that were imported while ``library`` was elsewhere."""
    sys.path[:] = [STANDARD_LIBRARY, f"{STANDARD_LIBRARY}/lib-dynload", PACKAGES]
    sys.path_importer_cache.clear()
    for module in list(sys.modules.values()):
        path = getattr(module, "__path__", None)
        if isinstance(path, list):
            path[:] = [place.replace(library, STANDARD_LIBRARY, 1) for place in path]
