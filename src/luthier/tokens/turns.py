"""One assistant turn as two texts: what the model sees before it, and what it must write itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from luthier.errors import DataError
from luthier.examples import Message
from luthier.tokens.chat import ChatTemplate
from luthier.tokens.endings import common_beginning

THINKING_CLOSED = "the generation prompt opens <think> and the finished turn lacks it: the answer closes it first"
PROMPT_SHORTENED = "the finished turn does not continue the generation prompt: trained from where the two part"
END_ADDED = "the template writes no end after an answer: the token that ends a turn was added"
TOOLS_DROPPED = "the template does not write the tools that the conversation may call"
REASONING_DROPPED = "the template does not write the reasoning of the answer it is to learn"


@dataclass(frozen=True)
class TurnTexts:
    """``prompt`` is what the model sees at inference, ``completion`` what it must write, end of turn included."""

    prompt: str
    completion: str
    notes: tuple[str, ...] = ()


def turn_texts(
    chat: ChatTemplate, messages: Sequence[Message], index: int, tools: Sequence[dict[str, Any]]
) -> TurnTexts:
    """Both texts come from rendering the conversation up to this turn as if it ended here. So a template that
    rewrites history (drops earlier reasoning, ends a last turn differently) is followed, not second-guessed."""
    if index == 0:
        raise DataError(
            "the conversation begins with an assistant turn, so nothing leads to that answer",
            expected="a system or user turn before the first answer that is trained",
            fix='put a user turn before it, or give that turn "weight": 0',
        )
    message = messages[index]
    prompt = chat.render(messages[:index], tools, add_generation_prompt=True)
    full = chat.render(messages[: index + 1], tools, add_generation_prompt=False)
    context_end = _end_of_context(prompt, messages[:index])
    if full.startswith(prompt):
        turn = TurnTexts(prompt, full[len(prompt) :])
    else:
        turn = (
            _close_thinking(prompt, full, context_end, message)
            or _without_reasoning(chat, prompt, messages[: index + 1], tools)
            or _part_at_token(chat, prompt, full, context_end)
        )
    completion, end_notes = _cut_after_end(chat, turn.completion, message)
    names = [str(tool.get("function", tool).get("name", "")) for tool in tools]
    tool_notes = () if all(name in prompt for name in names) else (TOOLS_DROPPED,)
    return TurnTexts(turn.prompt, completion, (*turn.notes, *end_notes, *tool_notes))


def _end_of_context(prompt: str, context: Sequence[Message]) -> int:
    """Where the last turn's text ends in the prompt; every user and tool text must stand there, in order."""
    position = 0
    for number, message in enumerate(context, start=1):
        if message.role not in ("user", "tool", "system", "developer"):
            continue
        # Some templates move later system turns to the front, or rewrite a first one: a probe looks after that.
        in_order = message.role in ("user", "tool")
        if not in_order and number == 1:
            continue
        end = _find(prompt, message.content, position if in_order else 0)
        if end < 0:
            raise DataError(
                f"the chat template drops or changes turn {number} ({message.role}): {_excerpt(message.content)}",
                expected="a template that writes every user and tool text of the conversation",
                fix="remove that turn, or choose another template with model.chat_template",
            )
        position = max(position, end)
    return position


def _find(text: str, content: str, start: int) -> int:
    """The end of ``content`` in ``text``, as it is or as JSON (templates quote tool results); -1 if it is missing."""
    wanted = content.strip()
    for form in (wanted, json.dumps(wanted, ensure_ascii=False)[1:-1], json.dumps(wanted)[1:-1]):
        position = text.find(form, start)
        if position >= 0:
            return position + len(form)
    return -1


def _close_thinking(prompt: str, full: str, context_end: int, message: Message) -> TurnTexts | None:
    """DeepSeek R1 and kin: the generation prompt ends in "<think>", the finished turn is written without it.

    At inference the model always stands after "<think>", so that is where it is trained: it writes the reasoning
    (or none), "</think>", then the answer. Training on the finished turn as written would teach a beginning that
    no prompt ever offers.
    """
    opened = prompt.rfind("<think>")
    if opened < context_end or "</think>" in prompt[opened:] or full[:opened] != prompt[:opened]:
        return None
    rest = full[opened:].removeprefix("<think>")
    if "</think>" in rest:
        return TurnTexts(prompt, rest.lstrip("\n"), (THINKING_CLOSED,))
    reasoning = message.reasoning or ""
    if not reasoning and "</think>" in message.content:
        reasoning = message.content.partition("</think>")[0].replace("<think>", "")
    return TurnTexts(prompt, f"{reasoning.strip()}\n</think>\n\n{rest}", (THINKING_CLOSED,))


def _without_reasoning(
    chat: ChatTemplate, prompt: str, messages: Sequence[Message], tools: Sequence[dict[str, Any]]
) -> TurnTexts | None:
    """The generation prompt has closed the thinking already (enable_thinking=false), yet the row brings reasoning:
    at inference there is no room for it, so the answer alone is trained."""
    if not messages[-1].reasoning:
        return None
    bare = replace(messages[-1], reasoning=None)
    full = chat.render([*messages[:-1], bare], tools, add_generation_prompt=False)
    return TurnTexts(prompt, full[len(prompt) :]) if full.startswith(prompt) else None


def _part_at_token(chat: ChatTemplate, prompt: str, full: str, context_end: int) -> TurnTexts:
    """Cut both at the last common token border that is the end of a control token or of a line."""
    shared = len(common_beginning(prompt, full))
    encoded = chat.tokenizer(full, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    added = chat.tokenizer.added_tokens_decoder
    prompt_ids = chat.ids(prompt)
    border = -1
    for i, (token, (_, end)) in enumerate(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)):
        if prompt_ids[i : i + 1] != [token] or end > shared:
            break
        if token in added or full[:end].endswith("\n"):
            border = end
    if border < context_end or border <= 0:
        raise DataError(
            f"the chat template ({chat.source}) writes a finished turn that does not follow from its own generation "
            f"prompt: {_excerpt(prompt[shared:])} against {_excerpt(full[shared:])}",
            expected="a template whose finished assistant turn begins like its generation prompt",
            fix="correct the template, or choose another one with model.chat_template",
        )
    return TurnTexts(full[:border], full[border:], (PROMPT_SHORTENED,))


def _cut_after_end(chat: ChatTemplate, completion: str, message: Message) -> tuple[str, tuple[str, ...]]:
    """The completion up to its end of turn. What a template writes after that (a line break, an end of the whole
    conversation) is never written by a model, so it is not trained."""
    _refuse_ends_inside(chat, message)
    answer = message.content.rpartition("</think>")[2].strip()
    wanted = [answer, *(call.get("function", call).get("name", "") for call in message.tool_calls)]
    missing = [part for part in wanted if part not in completion]
    if missing:
        raise DataError(
            f"the chat template ({chat.source}) does not write this part of the answer: {_excerpt(missing[0])}",
            expected="a template that writes the answer's text and each of its tool calls",
            fix="choose a template that supports this kind of turn with model.chat_template, or change the row",
        )
    notes: tuple[str, ...] = ()
    if message.reasoning and message.reasoning.strip() not in completion:
        notes = (REASONING_DROPPED,)
    for end in chat.endings.matches(completion):
        if all(part in completion[: end.start()] for part in wanted):
            return completion[: end.end()], notes
    endings = chat.endings
    if message.tool_calls:
        return completion.rstrip() + endings.added_after_call, (*notes, END_ADDED)
    tail = endings.template_tail
    bare = completion.removesuffix(tail) + tail.rstrip()
    return bare + endings.added_after_answer, (*notes, END_ADDED)


def _refuse_ends_inside(chat: ChatTemplate, message: Message) -> None:
    """An answer that spells an end of turn would teach the model to stop there, and lose what follows."""
    calls = [str(call) for call in message.tool_calls]
    for text in (message.content, message.reasoning or "", *calls):
        found = chat.endings.matches(text)
        if found:
            raise DataError(
                f"an answer contains {found[0].group()!r}, which ends a turn of this model",
                expected="answers without control tokens: the template writes the end of a turn by itself",
                fix=f"remove {found[0].group()!r} from the answer",
            )


def _excerpt(text: str, length: int = 60) -> str:
    return repr(text if len(text) <= length else text[:length] + "…")
