"""The rows that `luthier show` shows: chosen, put under the recipe's settings and made into tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from luthier.errors import DataError

if TYPE_CHECKING:
    from luthier.examples import Example
    from luthier.recipe import Recipe
    from luthier.tokens import ChatTemplate, ContractReport, EncodedExample


@dataclass(frozen=True)
class ShownRows:
    """Rows as tokens, with the template that made them and the longest row that may be."""

    encoded: tuple[EncodedExample, ...]
    chat: ChatTemplate
    context_tokens: int | None

    def contract(self, recipe: Recipe) -> ContractReport:
        from luthier.tokens import check_contract

        return check_contract(self.encoded, self.chat, self.context_tokens, recipe.data.on_too_long)


def encode_rows(data: Path, recipe: Recipe, count: int, line: int | None) -> ShownRows:
    """The first ``count`` rows, or the one at ``line``."""
    from luthier.models import open_model_folder
    from luthier.recipe import trained_tokens
    from luthier.tokens import ChatTemplate, add_tokens, encode_example, load_tokenizer

    examples = _choose(data, recipe, count, line)
    folder = open_model_folder(recipe.model.path)
    settings = recipe.model
    tokenizer = load_tokenizer(folder.path)
    add_tokens(tokenizer, trained_tokens(recipe.method))
    chat = ChatTemplate(tokenizer, settings.chat_template, settings.template_arguments)
    limits = [limit for limit in (recipe.data.max_tokens, folder.context_tokens) if limit]
    encoded = tuple(encode_example(example, chat) for example in examples)
    return ShownRows(encoded, chat, min(limits, default=None))


def _choose(data: Path, recipe: Recipe, count: int, line: int | None) -> tuple[Example, ...]:
    """The rows to show, under the system prompt that training would give them."""
    from luthier.data import read_examples

    examples = read_examples(data, recipe.data).examples
    chosen = examples[:count] if line is None else _at_line(examples, data, line)
    system = recipe.data.system_prompt
    return chosen if system is None else tuple(example.with_system(system) for example in chosen)


def _at_line(examples: Sequence[Example], data: Path, line: int) -> tuple[Example, ...]:
    chosen = tuple(example for example in examples if example.origin.line == line)
    if not chosen:
        first, last = examples[0].origin.line, examples[-1].origin.line
        raise DataError(
            f"{data} has no row at line {line}",
            expected=f"a line from {first} to {last}",
            fix=f"luthier show {data} --row {first}",
        )
    return chosen
