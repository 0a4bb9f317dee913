"""How single tokens are spelt: the bytes each stands for, as clients that count probabilities want to see them."""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

BYTE_TOKEN = re.compile(r"<0x([0-9A-Fa-f]{2})>")


class Spelling:
    """For one tokenizer: byte-level ones write bytes as letters of their own, the others ``▁`` for a blank."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._special = frozenset(tokenizer.all_special_ids)
        self._added = {number: str(token) for number, token in tokenizer.added_tokens_decoder.items()}

    def of(self, id: int) -> tuple[str, bytes | None]:
        """Text and bytes; no bytes for a token that stands for no text. What is no whole character is U+FFFD."""
        if id in self._special:
            return self._added.get(id) or str(self._tokenizer.convert_ids_to_tokens(id)), None
        if id in self._added:
            return self._added[id], self._added[id].encode()
        piece = self._tokenizer.convert_ids_to_tokens(id)
        if piece is None:
            return f"<{id}>", None  # a row of the head that no token belongs to
        found = self._bytes_of(piece)
        return found.decode("utf-8", "replace"), found

    def _bytes_of(self, piece: str) -> bytes:
        if self._is_byte_level:
            return b"".join(LETTERS[letter] if letter in LETTERS else letter.encode() for letter in piece)
        if found := BYTE_TOKEN.fullmatch(piece):
            return bytes([int(found[1], 16)])
        return piece.replace("▁", " ").encode()

    @cached_property
    def _is_byte_level(self) -> bool:
        backend = getattr(self._tokenizer, "backend_tokenizer", None)
        return backend is not None and '"ByteLevel"' in json.dumps(json.loads(backend.to_str()).get("decoder"))


def _letters() -> dict[str, bytes]:
    """GPT-2's table: printable bytes are themselves, the others follow from U+0100 on."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): bytes([byte]) for byte in printable}
    return table | {chr(256 + place): bytes([byte]) for place, byte in enumerate(others)}


LETTERS = _letters()
