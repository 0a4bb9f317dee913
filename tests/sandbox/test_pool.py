import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

import luthier
from luthier.errors import SandboxError
from luthier.sandbox import SandboxLimits, SandboxPool
from luthier.sandbox.limits import Kind
from luthier.sandbox.strength import STRONG_KINDS
from sandbox_attacks import ATTACKS, Attack

Pools = tuple[SandboxPool, SandboxPool]
LIMITS = SandboxLimits(
    wall_seconds=0.5, cpu_seconds=2, memory_bytes=400 * 2**20, file_bytes=8 * 2**20, output_bytes=2**16
)


def holds_here(kind: Kind) -> bool:
    try:
        SandboxPool(LIMITS, 1, kind=kind).close()
    except SandboxError:
        return False
    return True


WALLS = [kind for kind in STRONG_KINDS if holds_here(kind)]


@pytest.fixture(scope="module", params=WALLS)
def pools(request):
    """For attacks that end by themselves, however busy the machine is; and for those that never end."""
    os.environ["SECRET_OF_THE_CALLER"] = "hunter2"
    patient = replace(LIMITS, wall_seconds=20)
    with SandboxPool(patient, 1, kind=request.param) as first, SandboxPool(LIMITS, 1, kind=request.param) as second:
        yield first, second
    del os.environ["SECRET_OF_THE_CALLER"]


@pytest.fixture
def patient():
    """Time enough for a busy machine, where no attack waits for the limit."""
    with SandboxPool(SandboxLimits(wall_seconds=20, memory_bytes=2**29, file_bytes=2**23), 1) as pool:
        yield pool


def value(pool: SandboxPool, source: str, *arguments: object) -> object:
    outcome = pool.call(source, "f", arguments)
    assert outcome.has_value, outcome
    return outcome.value


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_contained_and_harms_no_other_call(
    pools: tuple[SandboxPool, SandboxPool], attack: Attack, tmp_path: Path
):
    pool = pools["timeout" in attack.ends]
    key = tmp_path / "key.txt"
    key.write_text("hunter2")
    package = str(Path(luthier.__file__).parents[1])

    outcome = pool.call(attack.source, "attack", [str(key), str(tmp_path), package, os.getpid()][: arity(attack)])

    assert outcome.error_kind in attack.ends, outcome
    if attack.ends == (None,):
        assert outcome.value == []
    assert len(outcome.output) <= LIMITS.output_bytes + 10
    assert key.read_text() == "hunter2"
    assert [file.name for file in tmp_path.iterdir()] == ["key.txt"]
    assert pools[0].call("def f(a, b):\n    return a + b", "f", [1, 2]).value == 3
    assert not any(worker.is_lost for pool in pools for worker in pool._all)


def arity(attack: Attack) -> int:
    return 4 if "*given" in attack.source else 0


def test_values_come_back_as_plain_json(patient: SandboxPool):
    source = "def f(x):\n    return {'given': x, 'none': None, 'text': 'ä\\u2028', 'pair': (1, 2.5)}"
    assert value(patient, source, [{"a": 1}]) == {
        "given": [{"a": 1}],
        "none": None,
        "text": "ä\u2028",
        "pair": [1, 2.5],
    }


def test_large_requests_arrive_whole(patient: SandboxPool):
    assert value(patient, "def f(text):\n    return len(text)", "x" * 5_000_000) == 5_000_000


def test_an_exception_tells_the_line_of_the_users_code(patient: SandboxPool):
    outcome = patient.call("def f():\n    return {}['missing']", "f", [])
    assert outcome.error_kind == "exception"
    assert "line 2, in f" in outcome.details
    assert "KeyError: 'missing'" in outcome.details
    assert "call.py" not in outcome.details


def test_a_missing_package_is_named_with_what_there_is(patient: SandboxPool):
    outcome = patient.call("import rdkit\ndef f():\n    return 1", "f", [])
    assert outcome.error_kind == "exception"
    assert "'rdkit' is not in the sandbox, which has: Python's standard library" in outcome.details


def test_a_missing_function_is_an_exception_that_names_it(patient: SandboxPool):
    assert "no function 'f'" in patient.call("def g(): pass", "f", []).details


def test_what_is_printed_comes_back_and_is_cut(patient: SandboxPool):
    source = "import sys\ndef f():\n    print('out')\n    print('err', file=sys.stderr)\n    print('x' * (3 << 20))"
    outcome = patient.call(source, "f", [])
    assert outcome.has_value
    assert outcome.output.startswith("out\nerr\nxxx")
    assert outcome.output.endswith("\n… (cut)")


@pytest.mark.parametrize("kind", WALLS)
def test_no_call_meets_what_another_left(kind: Kind):
    leave = """
import builtins, json, os, sys
def f():
    builtins.left = sys.left = "something"
    json.dumps = lambda *a, **b: '{"value": "forged"}'
    os.environ["LEFT"] = "something"
    try:
        open("/tmp/left", "w").write("something")
        os.makedirs("/tmp/" + "d/" * 500)
        os.chmod("/tmp", 0o700)
    except OSError:
        pass
"""
    look = """
import builtins, os, sys
def f():
    try:
        files = os.listdir("/tmp")
    except PermissionError:
        files = []
    return [hasattr(builtins, "left"), hasattr(sys, "left"), "LEFT" in os.environ, files]
"""
    with SandboxPool(SandboxLimits(wall_seconds=20), 1, kind=kind) as pool:
        pool.call(leave, "f", [])
        assert value(pool, look) == [False, False, False, []]


def test_memory_of_the_keeper_holds_nothing_of_earlier_calls(patient: SandboxPool):
    marker = "left" + "overs" * 3
    assert value(patient, "def f(x):\n    return x", marker) == marker
    search = """
import gc
def f(start, end):
    marker = start + end
    return [type(x).__name__ for x in gc.get_objects() if isinstance(x, (str, bytes)) and marker in str(x)]
"""
    assert value(patient, search, marker[:5], marker[5:]) == []


def test_calls_from_many_threads_get_their_own_answers():
    answers: dict[int, object] = {}
    with SandboxPool(SandboxLimits(wall_seconds=30), 2) as pool:

        def ask(number: int) -> None:
            answers[number] = value(pool, "def f(x):\n    return x * x", number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert answers == {number: number * number for number in range(12)}


def test_a_keeper_that_dies_is_replaced():
    with SandboxPool(SandboxLimits(wall_seconds=20), 1) as pool:
        (worker,) = pool._all
        os.killpg(worker._process.pid, 9)
        worker._process.wait()
        assert pool.call("def f():\n    return 1", "f", []).error_kind == "killed"
        assert value(pool, "def f():\n    return 1") == 1


@pytest.mark.parametrize("kind", WALLS)
def test_nothing_outlives_a_caller_that_is_killed(kind: Kind):
    program = """
import sys
from luthier.sandbox import SandboxPool
pool = SandboxPool(workers=1, kind=sys.argv[1])
print(pool._all[0]._process.pid, flush=True)
pool.call("import time\\ndef f(): time.sleep(1000)", "f", [])
"""
    caller = subprocess.Popen([sys.executable, "-c", program, kind], stdout=subprocess.PIPE, text=True)
    assert caller.stdout is not None
    with caller.stdout:
        keeper = int(caller.stdout.readline())
    caller.kill()
    caller.wait()
    for _ in range(200):
        try:
            os.kill(keeper, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{keeper}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    raise AssertionError("the keeper still runs")


@pytest.mark.parametrize("kind", WALLS)
def test_allowed_packages_can_be_imported_and_loaded_beforehand_and_no_others(kind: Kind):
    limits = SandboxLimits(wall_seconds=60)
    with SandboxPool(limits, 1, packages=("numpy", "rdkit"), preload=("numpy",), kind=kind) as pool:
        assert pool.packages.missing == ("rdkit",)
        assert value(pool, "import sys\ndef f():\n    return 'numpy' in sys.modules") is True
        assert value(pool, "import numpy\ndef f(x):\n    return numpy.mean(x) + numpy.float32(1)", [1, 2]) == 2.5
        assert value(pool, "from importlib.metadata import version\ndef f():\n    return version('numpy')")
        assert value(pool, "from importlib.util import find_spec\ndef f():\n    return find_spec('click')") is None
        outcome = pool.call("import click\ndef f(): pass", "f", [])
        assert "'click' is not in the sandbox, which has: Python's standard library, numpy" in outcome.details


@pytest.mark.parametrize("kind", [kind for kind in WALLS if kind == "namespaces"])
def test_processes_that_were_asked_for_start_and_do_not_outlive_the_call(kind: Kind):
    source = """
import os, time
def f():
    reads, writes = os.pipe()
    for _ in range(3):
        if os.fork() == 0:
            os.setsid()
            os.write(writes, b"x")
            time.sleep(1000)
    return len(os.read(reads, 1))
"""
    bomb = "import os\ndef f():\n    while True:\n        os.fork()"
    with SandboxPool(SandboxLimits(wall_seconds=5, processes=4), 1, kind=kind) as pool:
        assert value(pool, source) == 1
        assert pool.call(bomb, "f", []).error_kind in ("exception", "timeout", "result")
        assert value(pool, "import os\ndef f():\n    return os.getpid() > 1") is True


def test_landlock_refuses_more_than_one_process():
    with pytest.raises(SandboxError, match="landlock: cannot hold more than one process"):
        SandboxPool(SandboxLimits(processes=2), 1, kind="landlock")


def test_the_weak_kind_must_be_wanted_knowingly():
    with pytest.raises(SandboxError, match="cannot be contained here") as refused:
        SandboxPool(LIMITS, 1, kind="weak")
    assert "allow_weak=True" in refused.value.fix


def test_the_weak_kind_still_limits_time_and_memory_and_empties_the_environment():
    with SandboxPool(LIMITS, 1, kind="weak", allow_weak=True) as pool:
        assert pool.strength.is_weak
        assert pool.call("def f():\n    while True: pass", "f", []).error_kind == "timeout"
        assert pool.call("def f():\n    return len(bytearray(100 << 30))", "f", []).error_kind == "memory"
        assert pool.call("import os\ndef f():\n    return 'PATH' in os.environ", "f", []).value is False


def test_a_closed_pool_says_so():
    pool = SandboxPool(LIMITS, 1)
    pool.close()
    with pytest.raises(SandboxError, match="was closed"):
        pool.call("def f(): pass", "f", [])


def test_preloading_what_is_not_there_fails_with_its_name():
    with pytest.raises(SandboxError, match="No module named 'not_there'"):
        SandboxPool(LIMITS, 1, preload=("not_there",))
