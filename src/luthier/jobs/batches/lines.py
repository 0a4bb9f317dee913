"""Lines of a batch's input file: what each must hold, and every mistake told with its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from luthier.jobs.jsonl import BadLine, numbered_lines, parse_object

ENDPOINTS = ("/v1/chat/completions", "/v1/responses", "/v1/embeddings", "/v1/completions")
MOST_LINES = 50_000
# Beyond this many, further mistakes help nobody.
MOST_PROBLEMS = 100
LONGEST_CUSTOM_ID = 512


@dataclass(frozen=True)
class BatchLine:
    """``number`` counts the file's lines from 1."""

    number: int
    custom_id: str
    body: dict[str, Any]


@dataclass(frozen=True)
class LineProblem:
    """As `errors.data` of a batch shows it; ``line`` None is about the whole file."""

    code: str
    line: int | None
    message: str
    param: str | None = None


@dataclass(frozen=True)
class Checked:
    """``model`` is the one that all lines ask; None where they ask several."""

    total: int
    model: str | None
    problems: tuple[LineProblem, ...]


def batch_lines(chunks: Iterable[bytes], endpoint: str) -> Iterator[BatchLine]:
    """Of a file that was checked; a line that is wrong is passed over."""
    for number, text in numbered_lines(chunks):
        line = read_line(number, text, endpoint)
        if isinstance(line, BatchLine):
            yield line


def check_lines(chunks: Iterable[bytes], endpoint: str) -> Iterator[Checked]:
    """What is known after each line; the last one counts. So that the caller may breathe in a long file."""
    seen: set[bytes] = set()
    models: set[str] = set()
    problems: list[LineProblem] = []
    total = 0
    for number, text in numbered_lines(chunks):
        total += 1
        line = read_line(number, text, endpoint)
        if isinstance(line, BatchLine):
            print_ = hashlib.blake2b(line.custom_id.encode("utf-8", "surrogatepass"), digest_size=16).digest()
            if print_ in seen:
                line = LineProblem(
                    "duplicate_custom_id", number, f"custom_id repeats: {line.custom_id[:80]!r}", "custom_id"
                )
            else:
                seen.add(print_)
                models.add(str(line.body.get("model")))
        if isinstance(line, LineProblem):
            problems.append(line)
        if total > MOST_LINES:
            message = f"more than {MOST_LINES:,} requests; split the file"
            problems.append(LineProblem("too_many_requests", None, message))
        if len(problems) >= MOST_PROBLEMS or total > MOST_LINES:
            break
        yield Checked(total, None, tuple(problems))
    if total == 0:
        problems.append(LineProblem("empty_file", None, "the file holds no requests"))
    yield Checked(total, next(iter(models)) if len(models) == 1 else None, tuple(problems))


def read_line(number: int, text: bytes, endpoint: str) -> BatchLine | LineProblem:
    try:
        line = parse_object(text, is_first=number == 1)
    except BadLine as problem:
        return LineProblem("invalid_json_line", number, str(problem))
    for param in ("custom_id", "method", "url", "body"):
        if param not in line:
            return LineProblem("missing_required_parameter", number, f"Missing required parameter: '{param}'.", param)
    custom_id, body = line["custom_id"], line["body"]
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= LONGEST_CUSTOM_ID:
        message = f"custom_id must be a text of 1 to {LONGEST_CUSTOM_ID} characters"
        return LineProblem("invalid_custom_id", number, message, "custom_id")
    if line["method"] != "POST":
        return LineProblem("invalid_method", number, "method must be POST", "method")
    if line["url"] != endpoint:
        message = f"url must be the batch's endpoint, {endpoint}"
        return LineProblem("mismatched_endpoint", number, message, "url")
    if not isinstance(body, dict):
        return LineProblem("invalid_body", number, "body must be a JSON object", "body")
    if body.get("stream"):
        return LineProblem("invalid_body", number, "a batch cannot stream: leave `stream` out", "body.stream")
    return BatchLine(number, custom_id, body)
