import os
import shutil
import subprocess
import sys
from pathlib import Path

import luthier
from luthier.sandbox import sandbox_strength

NOBODY = 65534
PROGRAM = """
import os, sys
from luthier.sandbox import SandboxLimits, SandboxPool, sandbox_strength
if __name__ == "__main__":
    strength = sandbox_strength()
    with SandboxPool(SandboxLimits(wall_seconds=20), 1, kind=strength.kind) as pool:
        outcome = pool.call(open(sys.argv[1]).read(), "attack", [])
        print(os.geteuid(), strength.kind, outcome.value, outcome.details)
"""
ATTACK = """
import os, socket
def attack():
    reached = []
    for name in ("/etc/passwd", "/proc/self/environ", "/proc/1/environ"):
        try:
            os.close(os.open(name, os.O_RDONLY))
            reached.append(name)
        except OSError:
            pass
    for act in (socket.socket, os.fork, lambda: os.kill(os.getppid(), 9), lambda: os.setuid(0)):
        try:
            act()
            reached.append(str(act))
        except OSError:
            pass
    return reached
"""


def python_for_anyone() -> str:
    """This Python, or the system's where this one lies in a folder of root's."""
    found = [sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin") or sys.executable]
    readable = [path for path in found if all(os.stat(above).st_mode & 1 for above in Path(path).resolve().parents)]
    return (readable or found)[0]


def test_the_sentence_tells_what_holds():
    strength = sandbox_strength()
    assert strength.kind in ("namespaces", "landlock", "weak")
    assert "limits" in strength.sentence
    assert strength.kind == "namespaces" or "Stronger is not possible here (namespaces: " in strength.sentence


def test_a_strong_wall_holds_for_an_ordinary_user_too(tmp_path: Path):
    attack = tmp_path / "attack.py"
    attack.write_text(ATTACK)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        os.chmod(folder, 0o755)
    is_root = os.geteuid() == 0
    done = subprocess.run(
        [python_for_anyone(), "-c", PROGRAM, str(attack)],
        env={"PYTHONPATH": str(Path(luthier.__file__).parents[1]), "PYTHONDONTWRITEBYTECODE": "1"},
        user=NOBODY if is_root else None,
        group=NOBODY if is_root else None,
        extra_groups=[] if is_root else None,
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    uid, kind, *rest = done.stdout.split() or ["", done.stderr]
    assert uid == str(NOBODY if is_root else os.geteuid()), done.stderr
    assert kind in ("namespaces", "landlock")
    assert rest == ["[]"]
