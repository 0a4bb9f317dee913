"""Tokens whose embeddings are to be trained: looked up in a tokenizer, and added where it lacks them."""

from collections.abc import Sequence
from typing import Any


def add_tokens(tokenizer: Any, names: Sequence[str]) -> tuple[int, ...]:
    """The ids of ``names``, in their order; a name that is no single token yet becomes one, in place.

    Added ones are ordinary tokens, not control tokens: a row may hold them, and they stay in decoded answers.
    """
    from tokenizers import AddedToken

    known = tokenizer.get_vocab()
    lacking = [AddedToken(name, normalized=False, special=False) for name in names if name not in known]
    if lacking:
        tokenizer.add_tokens(lacking)
    return tuple(tokenizer.convert_tokens_to_ids(list(names)))
