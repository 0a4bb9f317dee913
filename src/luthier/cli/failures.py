"""Whatever went wrong, as words: advice for what the user can mend, a short note and a file for our own mistakes."""

from __future__ import annotations

import errno
import os
import re
import tempfile
import traceback

import click

from luthier.cli.terminal import painted, safe
from luthier.cli.verb import Verb
from luthier.errors import LuthierError, StorageError

OWN_MISTAKE_EXIT_CODE = 70  # EX_SOFTWARE in sysexits.h
_STORAGE_ERRORS = {
    errno.ENOSPC: "free some space, or choose another place to write to",
    errno.EDQUOT: "free some space, or ask for a larger quota",
    errno.EFBIG: "raise the limit on file sizes (ulimit -f), or choose another place to write to",
    errno.EACCES: "change its permissions, or choose a place that this user may use",
    errno.EPERM: "change its permissions, or choose a place that this user may use",
    errno.EROFS: "choose a place that is not read-only",
}
_OUT_OF_MEMORY_WORDS = ("out of memory", "can't allocate memory", "not enough memory")


def as_advice(error: BaseException) -> LuthierError | None:
    """The error as advice, if it is of a kind that the user can do something about."""
    if isinstance(error, LuthierError):
        return error
    number = _system_error(error)
    if number in _STORAGE_ERRORS:
        place = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
        return StorageError(
            f"{place}{os.strerror(number)}", expected="room and permission there", fix=_STORAGE_ERRORS[number]
        )
    if _is_out_of_memory(error):
        return LuthierError(
            "the machine ran out of memory",
            expected="room for the model and what is computed at once",
            fix="compute less at once (--set training.micro_batch_tokens=1024 --set evaluation.batch_items=16), "
            "close other programs, or take a smaller model",
        )
    return None


def _system_error(error: BaseException) -> int | None:
    """The system's number for what happened; libraries written in Rust tell it in their words only."""
    if isinstance(error, OSError):
        return error.errno
    told = re.search(r"\(os error (\d+)\)", str(error))
    return int(told[1]) if told else None


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    # torch raises RuntimeError (its OutOfMemoryError is one); its words are all there is to tell it by.
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in _OUT_OF_MEMORY_WORDS)


def advice_text(error: LuthierError, color: bool) -> str:
    head = painted("error:", color, fg="red", bold=True)
    return f"{head} {safe(error.found)}\n  expected: {safe(error.expected)}\n  fix: {safe(error.fix)}"


def usage_text(error: click.ClickException, color: bool) -> str:
    """click's words for a wrong command line, with the usage and the verb's example."""
    lines = [f"{painted('error:', color, fg='red', bold=True)} {safe(error.format_message())}"]
    context = error.ctx if isinstance(error, click.UsageError) else None
    if context is not None:
        lines.append("  usage: " + " ".join(context.get_usage().partition(":")[2].split()))
        if isinstance(context.command, Verb):
            lines.append(f"  example: {context.command.example}")
        lines.append(f"  more: {context.command_path} --help")
    return "\n".join(lines)


def own_mistake_text(error: BaseException, color: bool) -> str:
    """One line about a mistake of ours, and where its traceback lies for a report."""
    what = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    head = painted("luthier met a mistake of its own:", color, fg="red", bold=True)
    return f"{head} {safe(what)}\n  {_keep_traceback(error)}\n  LUTHIER_DEBUG=1 prints it on the screen"


def _keep_traceback(error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    try:
        handle, name = tempfile.mkstemp(prefix="luthier-mistake-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as reason:
        return f"its traceback could not be written down ({reason})"
    return f"traceback: {name} (please send it with a report; it may quote your data)"
