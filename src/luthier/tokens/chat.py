"""The door to a tokenizer and its chat template: conversations become text, text becomes ids, and back.

One `ChatTemplate` serves training, evaluation and serving, so that a model is trained on exactly the prompt that it
meets later. Rendering is Transformers' own, which runs templates in a sandbox.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from luthier.errors import DataError, ModelError, RecipeError
from luthier.examples import Message
from luthier.tokens.endings import Endings, any_of, find_endings, special_texts
from luthier.tokens.layout import Layout, Row, lay_out, probe_layout
from luthier.tokens.plain_template import plain_template

DATE_FIXED = "the template writes today's date: fixed, so that the same data gives the same tokens"
PLAIN_CHOSEN = "the model brings no chat template: the plain one is used"

_DEFAULT_DATE = "2025-01-01"
_RESERVED_ARGUMENTS = (
    "conversation",
    "messages",
    "tools",
    "documents",
    "chat_template",
    "add_generation_prompt",
    "continue_final_message",
    "tokenize",
    "sanitize_control_tokens",
    "padding",
    "truncation",
    "max_length",
    "return_tensors",
    "return_dict",
    "return_assistant_tokens_mask",
    "tokenizer_kwargs",
)


class ChatTemplate:
    """A tokenizer together with one template.

    ``source`` is "auto" (the model's template, or else the plain one), "model", "plain" or the path of a Jinja file.
    ``template_arguments`` reach the template as variables (``enable_thinking``); ``today`` ("YYYY-MM-DD") is the date
    that a template which asks for the current date is given.
    """

    def __init__(self, tokenizer: Any, source: str = "auto", template_arguments: Mapping[str, Any] | None = None):
        self.tokenizer = tokenizer
        self.arguments = dict(template_arguments or {})
        _refuse_reserved(self.arguments)
        brings_template = bool(tokenizer.chat_template)
        self.source = ("model" if brings_template else "plain") if source == "auto" else source
        self.notes: tuple[str, ...] = (PLAIN_CHOSEN,) if source == "auto" and not brings_template else ()
        self._plain_text, self._tool_text = _template_texts(tokenizer, self.source)
        if "strftime_now" in self._plain_text + self._tool_text:
            self.notes += (DATE_FIXED,)
            today = str(self.arguments.get("today", _DEFAULT_DATE))
            self._plain_text = _with_fixed_date(self._plain_text, today)
            self._tool_text = _with_fixed_date(self._tool_text, today)

    def render(
        self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = (), add_generation_prompt: bool = True
    ) -> str:
        """The conversation as the model reads it; with the generation prompt, up to where its answer begins."""
        return self.render_rows(lay_out(messages, self.layout)[0], tools, add_generation_prompt)

    def layout_notes(self, messages: Sequence[Message]) -> tuple[str, ...]:
        """What had to be changed in the turns before the template would take them."""
        return lay_out(messages, self.layout)[1]

    def render_rows(self, rows: Sequence[Row], tools: Sequence[dict[str, Any]], add_generation_prompt: bool) -> str:
        from jinja2.exceptions import TemplateError, TemplateSyntaxError

        try:
            return self.tokenizer.apply_chat_template(
                list(rows),
                tools=list(tools) or None,
                chat_template=self._tool_text if tools else self._plain_text,
                add_generation_prompt=add_generation_prompt,
                tokenize=False,
                **self.arguments,
            )
        except TemplateSyntaxError as error:
            raise ModelError(
                f"the chat template ({self.source}) is not valid Jinja: {error}",
                expected="a Jinja chat template as Transformers reads it",
                fix="correct the template, or set model.chat_template=plain",
            ) from error
        except (TemplateError, TypeError, ValueError) as error:
            raise DataError(
                f"the chat template ({self.source}) refuses the conversation: {error}",
                expected="turns in an order and with roles that this template knows",
                fix="change the row as the message says, or choose another template with model.chat_template",
            ) from error

    def prompt_ids(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]] = ()) -> list[int]:
        """What a model sees before it answers."""
        return self.ids(self.render(messages, tools, add_generation_prompt=True))

    def ids(self, text: str) -> list[int]:
        """Rendered text as ids. Templates write the beginning-of-sequence token themselves; none is added."""
        return self.tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]

    def decode(self, ids: Sequence[int]) -> str:
        """Ids as text, control tokens left out."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=True, clean_up_tokenization_spaces=False)

    def decode_all(self, ids: Sequence[int]) -> str:
        """Ids as text with every control token."""
        return self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False)

    def answer_text(self, ids: Sequence[int]) -> str:
        """The answer within generated ids: without its end, without reasoning, without what the template writes
        around every answer (gpt-oss: "<|channel|>final<|message|>")."""
        endings = self.endings
        text = self.decode_all(ids)
        ends = endings.matches(text)
        text = text[: ends[0].start()] if ends else text
        for mark in ("</think>", endings.reasoning_close, endings.answer_lead.strip()):
            if mark and mark in text:
                text = text.rpartition(mark)[2].lstrip("\n")
        text = text.removesuffix(endings.answer_close)
        return text.removeprefix(endings.answer_lead) if endings.answer_lead.isspace() else text

    @property
    def end_ids(self) -> frozenset[int]:
        """Ids that end a turn."""
        return self.endings.ids

    @cached_property
    def control_token(self) -> re.Pattern[str]:
        """Finds any control token in a text."""
        return any_of(special_texts(self.tokenizer))

    @cached_property
    def layout(self) -> Layout:
        return probe_layout(self.render_rows, self._plain_text)

    @cached_property
    def endings(self) -> Endings:
        return find_endings(self.tokenizer, self.render)


def load_tokenizer(folder: Path) -> Any:
    """The tokenizer of a model folder, from local files only and without running code that the folder brings."""
    names = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
    if not any((folder / name).is_file() for name in names):
        raise ModelError(
            f"{folder}: no tokenizer" if folder.is_dir() else f"{folder}: no such folder",
            expected=f"a model folder with one of {', '.join(names)}",
            fix="copy the tokenizer files of the base model into the folder, or correct model.path",
        )
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, use_fast=True, trust_remote_code=False, local_files_only=True)
    # The tokenizers library raises bare Exception for a damaged tokenizer.json, so nothing narrower will do.
    except Exception as error:
        raise ModelError(
            f"{folder}: the tokenizer cannot be read: {error}",
            expected="tokenizer files that Transformers reads without running code from the folder",
            fix="download the tokenizer files again; tokenizers that need their own code are not supported",
        ) from error
    if not tokenizer.is_fast:
        raise ModelError(
            f"{folder}: the tokenizer has no tokenizer.json",
            expected="a tokenizer with a tokenizer.json (a fast tokenizer)",
            fix="convert it once with Transformers: AutoTokenizer.from_pretrained(...).save_pretrained(...)",
        )
    return tokenizer


def _refuse_reserved(arguments: Mapping[str, Any]) -> None:
    for name in arguments:
        if name in _RESERVED_ARGUMENTS:
            raise RecipeError(
                f"model.template_arguments.{name}: luthier sets this itself",
                expected="variables that the template reads, such as enable_thinking",
                fix=f"remove {name} from model.template_arguments",
            )


def _template_texts(tokenizer: Any, source: str) -> tuple[str, str]:
    """The template for conversations without and with tools; a tokenizer may carry two."""
    if source == "plain":
        if tokenizer.eos_token is None:
            raise ModelError(
                "the tokenizer has no eos_token, so the plain template cannot end an answer",
                expected="a token that ends an answer",
                fix='add to tokenizer_config.json: "eos_token": "<a token that your model knows as an end>"',
            )
        text = plain_template(tokenizer)
        return text, text
    if source == "model":
        if not tokenizer.chat_template:
            raise ModelError(
                "the model brings no chat template",
                expected="chat_template.jinja or a chat_template in tokenizer_config.json",
                fix="set model.chat_template=plain, or give the path of a .jinja file",
            )
        return tokenizer.get_chat_template(None, None), tokenizer.get_chat_template(None, [{}])
    path = Path(source)
    if not path.is_file():
        raise ModelError(
            f"{source}: no such chat template",
            expected='"auto", "plain" or the path of a .jinja file',
            fix="correct model.chat_template",
        )
    text = path.read_text(encoding="utf-8")
    return text, text


def _with_fixed_date(template: str, today: str) -> str:
    """Put a macro named like Transformers' clock before the template; Jinja finds it first."""
    from datetime import date

    try:
        day = date.fromisoformat(today)
    except ValueError as error:
        raise RecipeError(
            f"model.template_arguments.today: {today!r} is not a date",
            expected="a date as YYYY-MM-DD",
            fix=f"write it like {_DEFAULT_DATE}",
        ) from error
    formats = dict.fromkeys(match[1] for match in re.findall(r"strftime_now\(\s*(['\"])(.*?)\1", template))
    cases = "".join("{%- elif format == '" + f + "' %}" + day.strftime(f) for f in formats)
    clock = "{%- if format is undefined %}" + cases + "{%- else %}" + today + "{% endif -%}"
    return "{% macro strftime_now(format) -%}" + clock + "{%- endmacro %}\n" + template
