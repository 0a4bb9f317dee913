"""The door: runs one verb, and turns every way of ending into an exit code and, at most, a few clear lines."""

from __future__ import annotations

import io
import os
import sys
import traceback
from collections.abc import Sequence
from typing import IO

import click

from luthier.cli.failures import OWN_MISTAKE_EXIT_CODE, advice_text, as_advice, own_mistake_text, usage_text
from luthier.cli.quiet import hush_libraries
from luthier.cli.terminal import allows_color
from luthier.cli.verbs import luthier

INTERRUPTED_EXIT_CODE = 130  # 128 + SIGINT, as shells count
BROKEN_PIPE_EXIT_CODE = 141  # 128 + SIGPIPE


def main() -> None:
    """The console script."""
    hush_libraries(os.environ)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows a question mark; that is no reason to stop a run.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.exit(run_verb(sys.argv[1:]))


def run_verb(arguments: Sequence[str]) -> int:
    """Run `luthier ARGUMENTS`; what it ends with is returned, never raised."""
    try:
        result = luthier.main(args=list(arguments), prog_name="luthier", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        _say(error.format_message())
        return error.exit_code
    except click.ClickException as error:
        _say(usage_text(error, allows_color(sys.stderr)))
        return error.exit_code
    # click turns KeyboardInterrupt into Abort.
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return INTERRUPTED_EXIT_CODE
    except BrokenPipeError:
        _drop_what_is_left(sys.stdout)
        return BROKEN_PIPE_EXIT_CODE
    except Exception as error:
        return _failed(error)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    if os.environ.get("LUTHIER_DEBUG") == "1":
        traceback.print_exc()
    advice = as_advice(error)
    if isinstance(error, OSError):
        _drop_what_is_left(sys.stdout)
    if advice is not None:
        _say(advice_text(advice, allows_color(sys.stderr)))
        return advice.exit_code
    _say(own_mistake_text(error, allows_color(sys.stderr)))
    return OWN_MISTAKE_EXIT_CODE


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _drop_what_is_left(stream: IO[str]) -> None:
    """Point a stream that can take no more at nothing, or Python would complain about it once more on leaving."""
    try:
        stream.flush()
    except OSError:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, stream.fileno())
        os.close(nothing)
