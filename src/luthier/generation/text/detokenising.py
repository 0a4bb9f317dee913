"""Ids to text while they are written: no broken characters, no lost spaces, every piece final."""

from collections.abc import Iterable

from luthier.tokens import ChatTemplate

BROKEN = "\ufffd"
# A character has at most four bytes, hence four tokens; what stays broken longer was never a character.
MOST_HELD = 16


class Detokeniser:
    """All pieces together are what the tokenizer makes of all ids at once.

    A tokenizer may write an id otherwise at the beginning of a text (SentencePiece drops the first space), so each
    piece is read behind a few ids whose text is known already. ``keeps_control``: control tokens are written out.
    """

    def __init__(self, chat: ChatTemplate, keeps_control: bool = False):
        self._decode = chat.decode_all if keeps_control else chat.decode
        self._known: list[int] = []
        self._held: list[int] = []

    def push(self, ids: Iterable[int]) -> str:
        """The text that is certain now."""
        self._held += ids
        before = self._decode(self._known)
        text = self._decode([*self._known, *self._held])
        if text.endswith(BROKEN) and len(self._held) < MOST_HELD:
            return ""
        return self._emitted(before, text)

    def finish(self) -> str:
        """What is left, a character that never became whole as U+FFFD."""
        return self._emitted(self._decode(self._known), self._decode([*self._known, *self._held]))

    def _emitted(self, before: str, text: str) -> str:
        if len(text) <= len(before):
            return ""  # control tokens that are not shown
        self._known, self._held = self._held, []
        return text[len(before) :]
