"""One call of user code, in a process of its own: the request is read, the function called, the answer written.

Requests and answers are JSON. Nothing the user's code makes is ever unpickled or evaluated outside.
"""

import builtins
import json
import linecache
import os
import struct
import sys
import traceback
import types
from collections.abc import Callable
from typing import Any

FILE = "submission.py"
MODULE = "submission"
LENGTH = struct.Struct("<Q")
MOST_DETAILS = 4000
MOST_FRAMES = 8
# Read in small pieces, the length a request claims costs nothing.
PIECE_BYTES = 1 << 16


def answer_request(channel: int, available: str) -> None:
    """``available`` names the packages, for whoever misses one."""
    request = read_request(channel)
    try:
        source, function, arguments = json.loads(request)
        answer = answer_to(source, function, arguments, available)
    except MemoryError:
        answer = json.dumps({"error": "memory", "details": "MemoryError"})
    # Code that runs in threads, or at exit, has no say any more.
    for stream in (sys.stdout, sys.stderr):
        _flush(stream)
    data = answer.encode("utf-8", "backslashreplace")
    while data:
        data = data[os.write(channel, data) :]


def read_request(channel: int) -> bytes:
    """The length in eight bytes, then the JSON."""
    (length,) = LENGTH.unpack(_read(channel, LENGTH.size))
    return _read(channel, length)


def answer_to(source: str, function: str, arguments: list[Any], available: str) -> str:
    """The value, or the kind of error and its details, as JSON text."""
    try:
        value = _load(source, function)(*arguments)
    except MemoryError:
        return json.dumps({"error": "memory", "details": "MemoryError: the call needed more memory than it may have"})
    except BaseException as error:
        # SystemExit and KeyboardInterrupt too: they are the user's code speaking.
        return json.dumps({"error": "exception", "details": _describe(error, available)})
    try:
        return json.dumps({"value": value}, allow_nan=False, default=_plain_number)
    except MemoryError:
        return json.dumps({"error": "memory", "details": "MemoryError: the answer needed too much memory as JSON"})
    except BaseException as error:
        details = f"{function} returned {type(value).__name__}, which is not plain JSON: {error}"
        return json.dumps({"error": "result", "details": details[:MOST_DETAILS]})


def _load(source: str, function: str) -> Callable[..., Any]:
    module = types.ModuleType(MODULE)
    module.__file__ = FILE
    sys.modules[MODULE] = module
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    # Given to scripts by a module that is not loaded here.
    builtins.exit = builtins.quit = sys.exit
    exec(compile(source, FILE, "exec", dont_inherit=True), vars(module))
    found = getattr(module, function, None)
    if not callable(found):
        raise NameError(f"the source defines no function {function!r}")
    return found


def _describe(error: BaseException, available: str) -> str:
    """The traceback within the user's code, cut to a readable length; a missing package is named with what there is."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != __file__]
    lines = traceback.format_list(frames[-MOST_FRAMES:])
    lines += traceback.format_exception_only(error)
    text = "".join(lines).strip()
    if isinstance(error, ModuleNotFoundError) and error.name:
        text += f"\nThe package {error.name.partition('.')[0]!r} is not in the sandbox, which has: {available}"
    return text if len(text) <= MOST_DETAILS else f"{text[: MOST_DETAILS // 2]}\n…\n{text[-MOST_DETAILS // 2 :]}"


def _plain_number(value: Any) -> Any:
    """Numbers of numerical libraries, which know their plain Python twin."""
    if callable(getattr(value, "item", None)):
        return value.item()
    raise TypeError(f"{type(value).__name__} is not JSON")


def _flush(stream: Any) -> None:
    try:
        stream.flush()
    except BaseException:
        # The user's code may have closed or replaced it.
        return


def _read(channel: int, count: int) -> bytes:
    pieces = []
    while count:
        piece = os.read(channel, min(count, PIECE_BYTES))
        if not piece:
            raise EOFError("the request ended early")
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
