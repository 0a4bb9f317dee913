"""The server's log: one JSON object per line, or short lines for people on a terminal. Never contents, never keys."""

from __future__ import annotations

import json
import logging
from typing import IO


class JsonLines(logging.Formatter):
    """What is quoted cannot begin a line of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


class ShortLines(logging.Formatter):
    """`12:01:07 POST /v1/files 200 13 ms`"""

    def format(self, record: logging.LogRecord) -> str:
        told = getattr(record, "fields", {})
        moment = self.formatTime(record, "%H:%M:%S")
        if record.getMessage() == "request":
            text = f"{moment} {told['method']} {told['route']} {told['status']} {told['milliseconds']:.0f} ms"
        else:
            text = f"{moment} {ascii(record.getMessage())[1:-1]} {told.get('request_id', '')}".rstrip()
        return text + (f"\n{self.formatException(record.exc_info)}" if record.exc_info else "")


def set_up_logs(stream: IO[str], for_people: bool) -> None:
    """Called once by whoever owns the process; libraries say only what is wrong."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(ShortLines() if for_people else JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("luthier").setLevel(logging.INFO)
