"""Structured output: answers that can only be JSON of a schema, by llguidance's masks over the vocabulary.

Needs the optional package ``llguidance``. JSON is written without optional white space.
"""

import json
import threading
from collections import OrderedDict
from typing import Any

import numpy as np

from luthier.generation.engine import EngineFailed, RequestRefused
from luthier.tokens import ChatTemplate

MOST_COMPILED = 128
# llguidance's measure of the work on patterns. Its own limit lets one schema hold the engine for a second; this one
# still takes 20,000 values to choose from.
MOST_PATTERN_WORK = 400_000
ANY_OBJECT: dict[str, Any] = {"type": "object"}
COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}


class SchemaRefused(RequestRefused):
    """A schema that is invalid, or that asks for what cannot be enforced."""


class StructuredOutput:
    """Rules for one tokenizer and vocabulary. Compiled schemas are kept, so that the next request copies one."""

    def __init__(self, chat: ChatTemplate, vocabulary: int):
        hf, self._library = _llguidance()
        self._tokenizer: Any = hf.from_tokenizer(
            chat.tokenizer,
            n_vocab=vocabulary,
            eos_token=sorted(chat.end_ids),
            slices=self._library.LLTokenizer.json_slices(),
        )
        self._compiled: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()

    def rule(self, schema: dict[str, Any] | None = None) -> "SchemaRule":
        """For one request; without a schema, any JSON object. From any thread. Raises SchemaRefused."""
        matcher_class = self._library.LLMatcher
        text = json.dumps(ANY_OBJECT if schema is None else schema)
        return self._rule(f"json {text}", lambda: matcher_class.grammar_from_json_schema(text, overrides=COMPACT))

    def grammar_rule(self, lark: str) -> "SchemaRule":
        """For a grammar in llguidance's Lark dialect. Raises SchemaRefused."""
        return self._rule(f"lark {lark}", lambda: self._library.LLMatcher.grammar_from_lark(lark))

    def _rule(self, key: str, grammar: Any) -> "SchemaRule":
        with self._lock:
            compiled = self._compiled.get(key)
            if compiled is None:
                compiled = self._compiled[key] = self._compile(grammar)
                while len(self._compiled) > MOST_COMPILED:
                    self._compiled.popitem(last=False)
            self._compiled.move_to_end(key)
            return SchemaRule(compiled.deep_copy())

    def _compile(self, grammar: Any) -> Any:
        try:
            limits = self._library.LLParserLimits(initial_lexer_fuel=MOST_PATTERN_WORK)
            matcher = self._library.LLMatcher(self._tokenizer, grammar(), log_level=0, limits=limits)
        except (ValueError, TypeError) as error:
            raise _refused(str(error)) from None
        if matcher.is_error():
            raise _refused(matcher.get_error())
        return matcher


class SchemaRule:
    """A `TokenRule`: what may come next within one answer."""

    def __init__(self, matcher: Any):
        self._matcher = matcher

    def fill(self, allowed_W: np.ndarray) -> None:
        self._matcher.unsafe_compute_mask_ptr(allowed_W.ctypes.data, allowed_W.nbytes)
        self._check()

    def advance(self, token: int) -> None:
        is_allowed = self._matcher.consume_token(token)
        self._check()
        if not is_allowed:
            raise _broken(f"token {token} is not allowed")

    def _check(self) -> None:
        """Some schemas (one that is only itself, a pattern of a million letters) show in the writing what they are."""
        if self._matcher.is_error():
            raise _refused(self._matcher.get_error())


def _refused(reason: str) -> SchemaRefused:
    return SchemaRefused(
        f"the schema cannot be enforced: {reason.strip().splitlines()[0] if reason.strip() else 'unknown reason'}",
        expected="a JSON schema of the kinds that llguidance knows",
        fix="correct the schema, or leave out the keyword that the message names",
    )


def _broken(reason: str) -> EngineFailed:
    return EngineFailed(
        f"structured output broke off: {reason}",
        expected="an answer that the schema allows at every token",
        fix="send the request again with a simpler schema",
    )


def _llguidance() -> tuple[Any, Any]:
    try:
        import llguidance
        import llguidance.hf
    except ImportError:
        raise RequestRefused(
            "structured output needs the package llguidance, which is not installed",
            expected="the server's extra packages",
            fix="pip install 'luthier[server]'",
        ) from None
    return llguidance.hf, llguidance
