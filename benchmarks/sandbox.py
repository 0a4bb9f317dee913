"""How many small gradings a second does the sandbox do? And how long does it take to be ready?

    python -m benchmarks.sandbox --seconds 5 --workers 2

Each grading is a call of its own, in a fresh contained process: a two-argument function that compares two strings. As
many threads ask as there are workers. Prints a table per kind of wall that works here, or with --json the figures.
"""

import argparse
import json
import threading
import time
from typing import Any

from benchmarks.machine import describe_machine, usable_cores
from luthier.errors import SandboxError
from luthier.sandbox import SandboxPool
from luthier.sandbox.limits import Kind

KINDS: tuple[Kind, ...] = ("namespaces", "landlock", "weak")
SOURCE = """
def grade(sample, item):
    return float(sample["output_text"].strip().lower() == item["reference"].lower())
"""
ARGUMENTS = ({"output_text": "Paris "}, {"reference": "paris"})
WARM_UP_CALLS = 10


def measure(kind: Kind, workers: int, seconds: float) -> dict[str, Any]:
    """Gradings per second on the wall, and how long the pool took to be ready."""
    began = time.perf_counter()
    counts = [0] * workers
    with SandboxPool(workers=workers, kind=kind, allow_weak=True) as pool:
        ready_seconds = time.perf_counter() - began

        def ask(place: int, until: float) -> None:
            while time.perf_counter() < until:
                outcome = pool.call(SOURCE, "grade", ARGUMENTS)
                assert outcome.value == 1.0, outcome
                counts[place] += 1

        for _ in range(WARM_UP_CALLS):
            ask(0, time.perf_counter() + 1e-9)
        counts[:] = [0] * workers
        began = time.perf_counter()
        threads = [threading.Thread(target=ask, args=(place, began + seconds)) for place in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall_seconds = time.perf_counter() - began
    return {"kind": kind, "ready_seconds": ready_seconds, "gradings_per_second": sum(counts) / wall_seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each kind of wall is measured")
    parser.add_argument("--workers", type=int, default=usable_cores(), help="how many gradings run at once")
    parser.add_argument("--json", action="store_true", help="print figures instead of a table")
    asked = parser.parse_args()
    rows, reasons = [], {}
    for kind in KINDS:
        try:
            rows.append(measure(kind, asked.workers, asked.seconds))
        except SandboxError as error:
            reasons[kind] = error.found
    figures = {"machine": describe_machine(asked.workers), "workers": asked.workers, "rows": rows, "refused": reasons}
    if asked.json:
        print(json.dumps(figures, indent=1))
        return
    print(f"{figures['machine']['processor']}, {figures['machine']['cores']} cores, {asked.workers} workers")
    for row in rows:
        rate, ready = row["gradings_per_second"], row["ready_seconds"]
        print(f"{row['kind']:<12}{rate:8.0f} gradings/s   ready after {ready:.2f} s")
    for kind, reason in reasons.items():
        print(f"{kind:<12} not here: {reason}")


if __name__ == "__main__":
    main()
