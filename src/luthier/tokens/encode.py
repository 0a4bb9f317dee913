"""From conversations to branches: one per trained assistant turn, prompt as context, answer and its end trained.

The whole contract is told in docs/loss-mask.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from luthier.errors import DataError
from luthier.examples import Example, Origin
from luthier.tokens.branch import Branch
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.turns import TurnTexts, turn_texts

BORDER_SPLIT = "the tokenizer would merge the end of the prompt with the answer: encoded apart, as at inference"
CONTROL_TEXT = "a text contains a control token of this model, which is read as one"


@dataclass(frozen=True)
class EncodedExample:
    """``notes`` are kinds, worded alike for every example, so that they can be counted."""

    branches: tuple[Branch, ...]
    origin: Origin
    notes: tuple[str, ...] = ()


def encode_example(example: Example, chat: ChatTemplate) -> EncodedExample:
    """A branch for every assistant turn whose weight is not 0, in the context that the turn will really meet."""
    branches: list[Branch] = []
    notes: list[str] = list(chat.layout_notes(example.messages))
    try:
        for index, message in enumerate(example.messages):
            if message.role != "assistant" or message.weight == 0:
                continue
            turn = turn_texts(chat, example.messages, index, example.tools)
            prompt_ids, answer_ids, joint_notes = tokenize_turn(turn, chat)
            weights = (0.0,) * len(prompt_ids) + (float(message.weight),) * len(answer_ids)
            branches.append(Branch((*prompt_ids, *answer_ids), weights))
            notes += [*turn.notes, *joint_notes]
    except DataError as error:
        raise DataError(f"{example.origin}: {error.found}", expected=error.expected, fix=error.fix) from error
    if _spells_control_token(example, chat):
        notes.append(CONTROL_TEXT)
    return EncodedExample(tuple(branches), example.origin, tuple(dict.fromkeys(notes)))


def encode_examples(
    examples: Iterable[Example], chat: ChatTemplate, on_bad_row: Literal["stop", "skip-and-report"] = "stop"
) -> Iterator[EncodedExample | DataError]:
    """Every example in turn; with "skip-and-report", the error itself in place of an example that cannot be used."""
    for example in examples:
        try:
            yield encode_example(example, chat)
        except DataError as error:
            if on_bad_row == "stop":
                raise
            yield error


def tokenize_turn(turn: TurnTexts, chat: ChatTemplate) -> tuple[list[int], list[int], tuple[str, ...]]:
    """Ids of the prompt exactly as at inference, ids of the completion, and notes."""
    prompt_ids = chat.ids(turn.prompt)
    whole_ids = chat.ids(turn.prompt + turn.completion)
    if whole_ids[: len(prompt_ids)] == prompt_ids:
        return prompt_ids, whole_ids[len(prompt_ids) :], ()
    whole_text = chat.decode_all(whole_ids)
    for answer_ids in _encodings_apart(turn.completion, chat):
        if chat.decode_all([*prompt_ids, *answer_ids]) == whole_text:
            return prompt_ids, answer_ids, (BORDER_SPLIT,)
    raise DataError(
        "the tokenizer merges the end of the prompt with the answer, and no way of encoding them apart gives the text",
        expected="a chat template whose generation prompt ends at a token border",
        fix="end the template's generation prompt in a special token or a line break",
    )


def _encodings_apart(completion: str, chat: ChatTemplate) -> Iterator[list[int]]:
    yield chat.ids(completion)
    # SentencePiece puts a space before the first word of a text; after a line break it does not.
    line_break, after_break = chat.ids("\n"), chat.ids("\n" + completion)
    if after_break[: len(line_break)] == line_break:
        yield after_break[len(line_break) :]


def _spells_control_token(example: Example, chat: ChatTemplate) -> bool:
    return any(chat.control_token.search(message.content) for message in example.messages)
