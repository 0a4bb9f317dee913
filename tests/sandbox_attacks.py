"""Attacks on the sandbox as user code: each function `attack` returns a list of what it reached, or does not return."""

from typing import NamedTuple


class Attack(NamedTuple):
    """``ends`` are the error kinds that containment may show as; None means that it returns, having reached nothing.

    Where work is cut short by memory or disk, a busy machine may reach the wall limit first.
    """

    name: str
    source: str
    ends: tuple[str | None, ...]


def attempts(*lines: str) -> str:
    """Code that tries each line on its own and returns those that worked."""
    tried = "\n".join(f"    attempt({line!r})" for line in lines)
    return f"""
import os, sys
def attack(*given):
    reached = []
    def attempt(line):
        try:
            exec(line, {{"os": os, "sys": sys, "given": given}})
        except (OSError, ImportError, RuntimeError, AttributeError, ValueError):
            return
        reached.append(line)
{tried}
    return reached
"""


ATTACKS = (
    Attack(
        "fork bomb",
        """
import os
def attack():
    reached = []
    for start in (os.fork, lambda: os.posix_spawn("/bin/sh", ["sh"], {}), lambda: os.system("true") == 0 or 1 / 0):
        try:
            while True:
                start()
                reached.append("a process")
        except (OSError, ZeroDivisionError):
            pass
    return reached
""",
        (None,),
    ),
    Attack(
        "thread bomb",
        """
import threading, time
def attack():
    threading.stack_size(32768)
    while True:
        threading.Thread(target=time.sleep, args=(60,)).start()
""",
        ("exception", "memory", "timeout"),
    ),
    Attack("100 GB at once", "def attack():\n    return len(bytearray(100 << 30))", ("memory",)),
    Attack(
        "100 GB bit by bit",
        "def attack():\n    held = []\n    while True:\n        held.append(bytearray(16 << 20))",
        ("memory", "killed", "timeout"),
    ),
    Attack(
        "100 GB of shared memory",
        "import mmap\ndef attack():\n    return len(mmap.mmap(-1, 100 << 30))",
        ("exception", "memory"),
    ),
    Attack(
        "sockets",
        attempts(
            "import socket; socket.socket()",
            "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
            "import socket; socket.socket(socket.AF_UNIX)",
            "import socket; socket.socket(16, socket.SOCK_RAW)",
            "import socket; socket.create_connection(('127.0.0.1', 80), 0.2)",
            "import socket; socket.getaddrinfo('example.org', 80)",
            "import socket; a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'x', '/dev/log')",
            "import socket; a, b = socket.socketpair(); socket.send_fds(a, [b'x'], [0])",
        ),
        (None,),
    ),
    Attack(
        "secrets in files and environment",
        attempts(
            "open('/proc/self/environ').read()",
            "open('/proc/self/maps').read()",
            "open('/proc/1/environ').read()",
            "os.listdir('/proc')",
            "os.listdir('/sys')",
            "os.listdir('/home')",
            "open('/etc/shadow').read()",
            "open('/etc/passwd').read()",
            "open('/etc/hostname').read()",
            "os.environ['SECRET_OF_THE_CALLER'] or 1",
            "assert any(b'hunter2' in value for value in os.environb.values()); ",
            "open(f'/proc/{os.getppid()}/environ').read()",
            "os.environ['nothing'] if 'SECRET' not in str(os.environ) else 1",
        ).replace("RuntimeError", "RuntimeError, KeyError, AssertionError"),
        (None,),
    ),
    Attack(
        "the key and the run folder of the caller",
        attempts(
            "open(given[0]).read()",
            "os.listdir(given[1])",
            "os.open(given[0], os.O_RDWR)",
            "os.open(given[0], os.O_RDONLY | os.O_TRUNC)",
            "open(given[1] + '/planted', 'w')",
            "os.unlink(given[0])",
            "os.rename(given[0], given[0] + '2')",
            "os.chmod(given[0], 0)",
            "os.utime(given[0], (0, 0))",
            "os.truncate(given[0], 0)",
            "os.setxattr(given[0], 'user.a', b'b')",
            "os.symlink(given[0], given[1] + '/link')",
            "os.link(given[0], '/tmp/link')",
        ),
        (None,),
    ),
    Attack(
        "writing outside",
        attempts(
            "open('/etc/planted', 'w')",
            "open('/planted', 'w')",
            "open('/dev/planted', 'w')",
            "open(os.__file__, 'a')",
            "open(sys.path[0] + '/os.py', 'a')",
            "open(sys.path[0] + '/planted.py', 'w')",
            "os.mkdir('/usr/planted')",
            "os.chmod(os.__file__, 0o777)",
            "os.mknod('/tmp/device', 0o60666, os.makedev(254, 0))",
            "os.chroot('/')",
        ),
        (None,),
    ),
    Attack(
        "filling the disk",
        """
def attack():
    for number in range(10000):
        with open(f"/tmp/{number}", "wb") as file:
            file.write(bytes(1 << 20))
""",
        ("exception", "killed", "timeout"),
    ),
    Attack("infinite loop", "def attack():\n    while True:\n        pass", ("timeout",)),
    Attack(
        "infinite loop that clings to life",
        """
import signal
def attack():
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP, 32, 33}:
        signal.signal(number, lambda *_: None)
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
        ("timeout", "killed"),
    ),
    Attack("sleeping", "import time\ndef attack():\n    time.sleep(1000)", ("timeout",)),
    Attack(
        "stopping itself", "import os, signal\ndef attack():\n    os.kill(os.getpid(), signal.SIGSTOP)", ("timeout",)
    ),
    Attack("stdout flood", "def attack():\n    while True:\n        print('x' * 10000)", ("timeout",)),
    Attack(
        "flood on the raw descriptors",
        "import os\ndef attack():\n    while True:\n        os.write(1, bytes(1 << 16)); os.write(2, bytes(1 << 16))",
        ("timeout",),
    ),
    Attack("an answer of 100 MB", "def attack():\n    return 'x' * (100 << 20)", ("result", "memory", "timeout")),
    Attack("NaN", "def attack():\n    return float('nan')", ("result",)),
    Attack(
        "an answer of its own making",
        """
import os
def attack():
    os.write(3, b'{"value": []} {"value": "forged"}')
    os._exit(0)
""",
        ("result",),
    ),
    Attack(
        "import of our package",
        attempts(
            "import luthier",
            "import luthier.runs",
            "import importlib; importlib.import_module('luthier.errors')",
            "sys.path.insert(0, given[2]); import luthier",
            "os.listdir(given[2] + '/luthier/runs') and open(given[2] + '/luthier/__init__.py')",
            "assert any(name.startswith('luthier') for name in sys.modules)",
        ).replace("RuntimeError", "RuntimeError, AssertionError"),
        (None,),
    ),
    Attack(
        "signals to others",
        attempts(
            "import signal; os.kill(os.getppid(), signal.SIGKILL)",
            "import signal; os.kill(1, signal.SIGKILL)",
            "import signal; os.kill(given[3], signal.SIGKILL)",
            "import signal; os.kill(-1, signal.SIGKILL)",
            "import signal; os.killpg(0, 0)",
            "import signal; os.kill(os.getppid(), signal.SIGSTOP)",
            "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, given[3])",
            "import ctypes; libc = ctypes.CDLL(None); assert libc.ptrace(16, given[3], 0, 0) == 0",
            "os.pidfd_open(given[3])",
        ).replace("RuntimeError", "RuntimeError, AssertionError"),
        (None,),
    ),
    Attack("killing itself", "import os\ndef attack():\n    os.kill(os.getpid(), 9)", ("killed",)),
    Attack("leaving early", "import os\ndef attack():\n    os._exit(0)", ("killed",)),
    Attack("crashing", "import ctypes\ndef attack():\n    ctypes.string_at(0)", ("killed",)),
    Attack("leaving by SystemExit", "def attack():\n    exit(0)", ("exception",)),
    Attack(
        "closing everything",
        "import os\ndef attack():\n    os.closerange(0, 64)\n    while True:\n        pass",
        ("timeout",),
    ),
    Attack(
        "system calls of the kernel's dark corners",
        """
import ctypes, platform
NUMBERS = {
    "x86_64": {"unshare": 272, "mount": 165, "bpf": 321, "keyctl": 250, "add_key": 248, "kexec_load": 246,
        "io_uring_setup": 425, "userfaultfd": 323, "perf_event_open": 298, "memfd_create": 319, "setns": 308,
        "shmget": 29, "mq_open": 240, "process_vm_writev": 311, "open_by_handle_at": 304, "init_module": 175,
        "personality": 135, "seccomp": 317, "socket by the second door": 0x40000029, "clone3": 435},
    "aarch64": {"unshare": 97, "mount": 40, "bpf": 280, "keyctl": 219, "add_key": 217, "io_uring_setup": 425,
        "userfaultfd": 282, "perf_event_open": 241, "memfd_create": 279, "setns": 268, "shmget": 194, "mq_open": 180,
        "process_vm_writev": 271, "open_by_handle_at": 265, "personality": 92, "seccomp": 277, "clone3": 435},
}[platform.machine()]
def attack():
    libc = ctypes.CDLL(None, use_errno=True)
    return [name for name, number in NUMBERS.items() if "door" not in name
        and not (libc.syscall(number, 0x10000000, 0, 0, 0, 0) == -1 and ctypes.get_errno() in (1, 38))]
""",
        (None,),
    ),
    Attack(
        "the second door of x86_64",
        "import ctypes\ndef attack():\n    ctypes.CDLL(None).syscall(0x40000029, 2, 1, 0)\n    return []",
        ("killed", None),
    ),
)
