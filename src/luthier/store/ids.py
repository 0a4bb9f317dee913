"""Identifiers with OpenAI's prefixes. They sort in the order of their making, and cannot be guessed."""

from __future__ import annotations

import secrets
import string
import time
from typing import Literal

Prefix = Literal[
    "file-",
    "upload_",
    "part_",
    "ftjob-",
    "ftevent-",
    "ftckpt_",
    "cp_",
    "chatcmpl-",
    "cmpl-",
    "resp_",
    "msg_",
    "call_",
    "fc_",
    "batch_",
    "batch_req_",
    "eval_",
    "evalrun_",
    "outputitem_",
    "req_",
    "evt_",
    "wh_",
    "we_",
    "proj_",
    "key_",
    "audit_",
    "worker_",
]
# Digits and lower case only: every database and every locale sorts them alike.
DIGITS = string.digits + string.ascii_lowercase
TIME_DIGITS = 10
RANDOM_DIGITS = 16
NAME_LETTERS = string.ascii_letters + string.digits


def new_id(prefix: Prefix) -> str:
    """``prefix``, the time in microseconds (10 digits, good until the year 2085), and 82 random bits."""
    return prefix + _in_base_36(time.time_ns() // 1000, TIME_DIGITS) + _random_letters(DIGITS, RANDOM_DIGITS)


def new_model_tag() -> str:
    """The last part of a fine-tuned model's name: eight letters or digits."""
    return _random_letters(NAME_LETTERS, 8)


def _random_letters(letters: str, count: int) -> str:
    return "".join(secrets.choice(letters) for _ in range(count))


def _in_base_36(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 36)
        digits.append(DIGITS[digit])
    return "".join(reversed(digits))
