"""The server under load, with really many streaming clients: against `transformers serve`, with adapters, and for long.

    python -m benchmarks.load --parts peer,adapters --clients 32 --requests 300 --rounds 5
    python -m benchmarks.load --parts endurance --clients 200 --adapters 10 --minutes 10

`peer`: `luthier serve` and `transformers serve --continuous-batching` take turns (A B A B …) on the same prompts for
the same model, the starter with a head that never ends an answer, so that all answers are as long as was asked.
`adapters`: eight adapters mixed against one of them alone, on one server, in turns. `endurance`: many clients on many
adapters; what was refused, how long the first token took, and what the server held of memory from beginning to end.

Servers run one at a time on ``--cores``; clients are a process of their own on the same cores, and their work is
counted apart. Beside wall time stands the CPU time of the server's process, which other programs on the machine
disturb less. Results go to benchmarks/results, as JSON and Markdown, under `--name`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.generation import TEXT
from benchmarks.load_clients import Plan, Report
from benchmarks.load_servers import (
    HOST,
    Server,
    endless_model,
    luthier_server,
    memory_watched,
    transformers_server,
)
from benchmarks.machine import describe_machine

RESULTS = Path(__file__).parent / "results"
MEGABYTE = 1 << 20
Opened = Callable[[], AbstractContextManager[Server]]


def bodies(model_ids: Sequence[str], count: int, tokens: int, *, asks_for_usage: bool) -> list[dict[str, Any]]:
    """Short chats under one system prompt, every one different; models in turn."""
    words = TEXT.split()
    found: list[dict[str, Any]] = []
    for number in range(count):
        text = " ".join(words[(number * 7 + k * (1 + number % 5)) % len(words)] for k in range(6 + number % 9))
        messages = [
            {"role": "system", "content": "Answer the customer's message in a few words."},
            {"role": "user", "content": f"{text} {number}"},
        ]
        body = {"model": model_ids[number % len(model_ids)], "messages": messages, "max_tokens": tokens}
        # transformers serve tells the usage anyway, and refuses to be asked for it.
        options = {"stream_options": {"include_usage": True}} if asks_for_usage else {}
        found.append(body | options | {"temperature": 0, "stream": True})
    return found


def measured(server: Server, plan: Plan) -> dict[str, Any]:
    """One crowd of clients from the first request to the last answer."""
    began = server.cpu_seconds
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load_clients"],
        input=json.dumps(asdict(plan)),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    report = Report(**json.loads(done.stdout))
    cpu_seconds = server.cpu_seconds - began
    first, whole = sorted(report.first_seconds), sorted(report.whole_seconds)
    return {
        "answers": report.answers,
        "tokens": report.tokens,
        "seconds": round(report.seconds, 2),
        "server_cpu_seconds": round(cpu_seconds, 2),
        "clients_cpu_seconds": round(report.cpu_seconds, 2),
        "tokens_per_second": round(report.tokens / report.seconds, 1),
        "tokens_per_cpu_second": round(report.tokens / cpu_seconds, 1),
        "told_busy": report.told_busy,
        "wrong": len(report.wrong),
        "first_wrong": report.wrong[:3],
        "first_token_seconds": {name: round(_share(first, at), 3) for name, at in (("p50", 0.5), ("p99", 0.99))},
        "whole_answer_seconds": {name: round(_share(whole, at), 3) for name, at in (("p50", 0.5), ("p99", 0.99))},
    }


def _share(ordered: Sequence[float], at: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * at))] if ordered else 0.0


def against_peer(ours: Opened, theirs: Opened, plan: Plan, rounds: int) -> dict[str, Any]:
    """Both servers stay up; only one is asked at a time, after each has answered a warm-up."""
    turns: list[dict[str, Any]] = []
    with ours() as left, theirs() as right:
        for turn in range(rounds + 1):
            one = replace(plan, requests=plan.requests if turn else plan.clients)
            found = {}
            for name, server, usage in (("luthier", left, True), ("transformers", right, False)):
                asked = bodies(server.model_ids[:1], 200, plan.tokens, asks_for_usage=usage)
                found[name] = measured(server, replace(one, port=server.port, bodies=asked))
            turns.append(found)
            print(json.dumps({name: _short(each) for name, each in found.items()}), file=sys.stderr, flush=True)
    return _compared(turns[1:], "luthier", "transformers")


def mixed_against_one(opened: Opened, plan: Plan, rounds: int) -> dict[str, Any]:
    turns: list[dict[str, Any]] = []
    with opened() as server:
        for _ in range(rounds + 1):
            found = {}
            for name, ids in (("mixed", server.model_ids[1:]), ("one", server.model_ids[1:2])):
                asked = bodies(ids, 200, plan.tokens, asks_for_usage=True)
                found[name] = measured(server, replace(plan, port=server.port, bodies=asked))
            turns.append(found)
            print(json.dumps({name: _short(each) for name, each in found.items()}), file=sys.stderr, flush=True)
    return _compared(turns[1:], "mixed", "one")


def endured(opened: Opened, plan: Plan) -> dict[str, Any]:
    with opened() as server, memory_watched(server, every_seconds=5):
        asked = bodies(server.model_ids[1:], 400, plan.tokens, asks_for_usage=True)
        found = measured(server, replace(plan, port=server.port, bodies=asked))
    held = [round(size / MEGABYTE) for _, size in server.memory]
    parts = [held[len(held) * part // 10 : len(held) * (part + 1) // 10] for part in range(10)]
    tenths = [round(statistics.mean(part)) for part in parts if part]
    return found | {"clients": plan.clients, "memory_megabytes_by_tenths": tenths, "memory_megabytes_most": max(held)}


def _compared(turns: Sequence[dict[str, Any]], left: str, right: str) -> dict[str, Any]:
    """Ratios of each turn with the one beside it, so that a slow moment of the machine meets both."""
    names = ("tokens_per_second", "tokens_per_cpu_second")
    ratios = {name: [round(turn[left][name] / turn[right][name], 2) for turn in turns] for name in names}
    return {
        "ratio": {name: round(statistics.median(values), 2) for name, values in ratios.items()},
        "ratios": ratios,
        "turns": list(turns),
    }


def _short(found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: found[name] for name in ("tokens_per_second", "tokens_per_cpu_second", "wrong", "first_token_seconds")
    }


def as_markdown(found: dict[str, Any]) -> str:
    machine = found["machine"]
    lines = ["# The server under load", "", f"{machine['date']}, {machine['processor']}, {found['settings']}.", ""]
    rows = []
    for part in ("peer", "adapters"):
        for turn in found.get(part, {}).get("turns", []):
            for side, each in turn.items():
                first = each["first_token_seconds"]
                cells = (each["tokens_per_second"], each["tokens_per_cpu_second"], first["p50"], first["p99"])
                rows.append(f"| {part} | {side} | {' | '.join(map(str, cells))} | {each['clients_cpu_seconds']} |")
    if rows:
        lines += [
            "| part | side | tokens/s | tokens per CPU second | first token p50 (s) | p99 | clients' CPU seconds |"
        ]
        lines += ["| --- | --- | --- | --- | --- | --- | --- |", *rows, ""]
    for part in ("peer", "adapters"):
        if part in found:
            ratio = found[part]["ratio"]
            told = f"{ratio['tokens_per_second']} by wall time, {ratio['tokens_per_cpu_second']} by CPU time"
            lines += [f"{part}: median ratio {told}.", ""]
    if "endurance" in found:
        each = found["endurance"]
        lines += [
            f"endurance: {each['clients']} clients, {each['answers']} answers, {each['tokens']} tokens in "
            f"{each['seconds']} s, for which the server had {each['server_cpu_seconds']} s of processor time; "
            f"{each['told_busy']} times told to come again, {each['wrong']} wrong; first token "
            f"p50 {each['first_token_seconds']['p50']} s, p99 {each['first_token_seconds']['p99']} s; memory by tenths "
            f"of the time, in MB: {', '.join(map(str, each['memory_megabytes_by_tenths']))}.",
            "",
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", default="peer,adapters,endurance")
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--adapters", type=int, default=10)
    parser.add_argument("--requests", type=int, default=600)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--cores", default=",".join(map(str, sorted(os.sched_getaffinity(0))[:2])))
    parser.add_argument("--threads", type=int, default=None, help="of each server's arithmetic; as many as cores")
    parser.add_argument("--set", action="append", default=[], help="a setting of luthier serve")
    parser.add_argument("--name", default="load")
    args = parser.parse_args()
    cores = [int(core) for core in args.cores.split(",")]
    threads = args.threads or len(cores)
    plan = Plan(HOST, 0, args.clients, [], args.tokens, args.requests, spread_seconds=1.0)
    settings = f"{args.clients} clients, {args.tokens} tokens an answer, cores {args.cores}, {threads} threads"
    found: dict[str, Any] = {"machine": describe_machine(threads), "settings": settings}
    with tempfile.TemporaryDirectory() as kept:
        folder = Path(kept)
        model = endless_model(folder)

        def ours(adapters: int) -> Opened:
            return lambda: luthier_server(folder, model, cores, threads, adapters, overrides=args.set)

        if "peer" in args.parts:
            theirs = lambda: transformers_server(folder, model, cores, threads)  # noqa: E731
            found["peer"] = against_peer(ours(0), theirs, plan, args.rounds)
        if "adapters" in args.parts:
            found["adapters"] = mixed_against_one(ours(8), plan, args.rounds)
        if "endurance" in args.parts:
            lasting = replace(plan, requests=0, seconds=60 * args.minutes)
            found["endurance"] = endured(ours(args.adapters), lasting)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{args.name}.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / f"{args.name}.md").write_text(as_markdown(found))
    print(as_markdown(found))


if __name__ == "__main__":
    main()
