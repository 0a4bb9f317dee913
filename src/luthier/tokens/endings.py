"""What ends an assistant turn: found by rendering probes, not by a list of model families."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import DataError, ModelError
from luthier.examples import Message

Render = Callable[[Sequence[Message], Sequence[dict[str, Any]], bool], str]

_ASK, _ANSWER, _AGAIN = "probeask", "probeanswer", "probeagain"
_NAME, _RESULT, _REASON = "probefunction", "proberesult", "probereason"


@dataclass(frozen=True)
class Endings:
    """``ids`` end a turn at generation and ``texts`` are the same as text.

    ``added_after_answer`` and ``added_after_call`` are what a model must write to end its turn where the template
    itself writes nothing (GLM 4: the next turn's header is the end); empty where the template writes an end.
    ``template_tail`` is what the template writes after the answer of a last turn; ``answer_lead`` and
    ``answer_close`` stand around the answer within what the model writes, ``reasoning_close`` after its reasoning.
    """

    ids: frozenset[int]
    texts: tuple[str, ...]
    added_after_answer: str
    added_after_call: str
    template_tail: str
    answer_lead: str
    answer_close: str
    reasoning_close: str

    def matches(self, text: str) -> list[re.Match[str]]:
        """Every end of turn in ``text``, in order."""
        return list(any_of(self.texts).finditer(text))


def find_endings(tokenizer: Any, render: Render) -> Endings:
    """Ask the tokenizer, the model's generation_config.json and the template, in that order of trust."""
    specials = special_texts(tokenizer)
    known = _known_ids(tokenizer)
    known_texts = {tokenizer.convert_ids_to_tokens(i) for i in known}
    full = render(_turns(1), (), False)
    tail = full.rpartition(_ANSWER)[2]
    between = _try(render, _turns(2)).partition(_ANSWER)[2].partition(_AGAIN)[0]
    end = _end_written(tail, between, known_texts, specials)
    call_end, added_call = _call_end(render, tokenizer, known_texts | {end}, specials)
    texts = known_texts | ({end, call_end} - {""})
    ids = {tokenizer.convert_tokens_to_ids(text) for text in texts}
    return Endings(
        ids=frozenset(ids),
        texts=tuple(sorted(texts, key=lambda text: (-len(text), text))),
        added_after_answer="" if end else _end_to_add(tokenizer, between, known_texts, specials),
        added_after_call=added_call,
        template_tail=tail,
        answer_lead=_answer_lead(render, full),
        answer_close=tail.partition(end)[0] if end else tail,
        reasoning_close=_reasoning_close(render),
    )


def special_texts(tokenizer: Any) -> tuple[str, ...]:
    """The control tokens as text: what no ordinary sentence contains and what no byte pair is merged across."""
    added = [t.content for t in tokenizer.added_tokens_decoder.values() if t.special]
    return tuple(sorted({*added, *tokenizer.all_special_tokens} - {""}, key=lambda text: (-len(text), text)))


def _known_ids(tokenizer: Any) -> set[int]:
    """End ids that the tokenizer and the model's folder name. Ordinary words are left out: a configuration that
    was never filled in carries numbers of another vocabulary."""
    listed: list[int] = []
    path = Path(str(tokenizer.name_or_path or "")) / "generation_config.json"
    if path.is_file():
        value = json.loads(path.read_text(encoding="utf-8")).get("eos_token_id")
        listed = value if isinstance(value, list) else [value] if value is not None else []
    control = set(tokenizer.added_tokens_decoder) | set(tokenizer.all_special_ids)
    eos = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    return {i for i in listed if i in control} | set(eos)


def _end_written(tail: str, between: str, known: set[str], specials: Sequence[str]) -> str:
    """The end of turn that the template writes, or "".

    What stands after an answer both in the middle and at the end of a conversation counts first: Phi 3 closes the
    *conversation* with another token, gpt-oss alone ends a last turn otherwise. In there a known end counts first;
    else the last of the first unbroken run of control tokens (Cohere writes two).
    """
    for text in (common_beginning(tail, between), tail):
        found = list(any_of(specials).finditer(text))
        for match in found:
            if match.group() in known:
                return match.group()
        for match, following in zip(found, [*found[1:], None], strict=False):
            if following is None or following.start() != match.end():
                return match.group()
    return ""


def _end_to_add(tokenizer: Any, following: str, known: set[str], specials: Sequence[str]) -> str:
    match = any_of(specials).match(following.lstrip())
    if match is not None and match.group() in known:
        return match.group()
    if tokenizer.eos_token is None:
        raise ModelError(
            "neither the chat template nor the tokenizer has a token that ends an answer",
            expected="an eos_token in tokenizer_config.json, or a template that writes a special token after an answer",
            fix='add to tokenizer_config.json: "eos_token": "<the token your model was trained to stop at>"',
        )
    return tokenizer.eos_token


def _call_end(render: Render, tokenizer: Any, known: set[str], specials: Sequence[str]) -> tuple[str, str]:
    """The token that ends a turn of tool calls where it is one of its own (gpt-oss), and what to add if none is."""
    call = {"id": "call00001", "type": "function", "function": {"name": _NAME, "arguments": "{}"}}
    turn = [Message("user", _ASK), Message("assistant", "", tool_calls=(call,))]
    written = _try(render, turn).rpartition(_NAME)[2]
    found = list(any_of(specials).finditer(written))
    if any(match.group() in known for match in found):
        return "", ""
    if found and found[-1].end() == len(written.rstrip()):
        return found[-1].group(), ""
    result = Message("tool", _RESULT, tool_call_id="call00001", name=_NAME)
    longer = _try(render, [*turn, result])
    return "", _end_to_add(tokenizer, longer.rpartition(written.rstrip() or _NAME)[2], known, specials)


def _answer_lead(render: Render, full: str) -> str:
    prompt = _try(render, _turns(1)[:1], True)
    return full[len(prompt) :].partition(_ANSWER)[0] if prompt and full.startswith(prompt) else ""


def _reasoning_close(render: Render) -> str:
    turns = [Message("user", _ASK), Message("assistant", _ANSWER, reasoning=_REASON)]
    before_answer, answer, _ = _try(render, turns).rpartition(_ANSWER)
    _, reason, close = before_answer.rpartition(_REASON)
    return close.strip() if answer and reason else ""


def _turns(rounds: int) -> list[Message]:
    turns = [Message("user", _ASK), Message("assistant", _ANSWER)]
    return turns if rounds == 1 else [*turns, Message("user", _AGAIN), Message("assistant", _RESULT)]


def _try(render: Render, messages: Sequence[Message], add_generation_prompt: bool = False) -> str:
    try:
        return render(messages, (), add_generation_prompt)
    except DataError:
        return ""


def any_of(texts: Sequence[str]) -> re.Pattern[str]:
    """Any of the texts, longest first; no text at all matches nothing."""
    return re.compile("|".join(re.escape(text) for text in sorted(texts, key=len, reverse=True)) or "(?!)")


def common_beginning(one: str, other: str) -> str:
    length = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[:length]
