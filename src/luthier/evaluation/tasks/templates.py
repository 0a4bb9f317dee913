"""Jinja templates of tasks, rendered in a sandbox: task files come from strangers, and a template is a program.

The sandbox (jinja2.sandbox.ImmutableSandboxedEnvironment) keeps a template from Python's insides and from changing an
item. It sets no limit on time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.exceptions import SecurityError, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from luthier.errors import DataError

LONGEST_TEMPLATE_CHARACTERS = 100_000


def render(template: str, values: Mapping[str, Any], place: str) -> str:
    """The text for one item. ``place`` names template and item in errors: "doc_to_text, item 3".

    Raises DataError for a template that is not Jinja, names a field that the item has not, or reaches for Python.
    """
    compiled = _compile(template, place)
    try:
        return compiled.render(**values)
    except SecurityError as error:
        raise DataError(
            f"{place}: the template reaches for what no item holds ({error})",
            expected="a template over the item's own fields",
            fix="use a task from somebody you trust, or write the template anew",
        ) from None
    except UndefinedError as error:
        raise DataError(
            f"{place}: {error}",
            expected=f"one of the item's fields: {', '.join(sorted(map(str, values))[:12])}",
            fix="correct the name in the template",
        ) from None
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise DataError(
            f"{place}: the template fails ({error})",
            expected="a template that works for every item",
            fix="correct the template, or the item's fields",
        ) from None


@lru_cache(maxsize=256)
def _compiled(template: str) -> Template:
    # As lm-eval makes its environment, so that the same template gives the same text.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
    environment.filters["regex_replace"] = lambda text, pattern, repl, count=0: re.sub(pattern, repl, text, count=count)
    return environment.from_string(template)


def _compile(template: str, place: str) -> Template:
    if len(template) > LONGEST_TEMPLATE_CHARACTERS:
        raise DataError(
            f"{place}: a template of {len(template):,} characters",
            expected=f"at most {LONGEST_TEMPLATE_CHARACTERS:,}",
            fix="put the text into the items",
        )
    try:
        return _compiled(template)
    except TemplateSyntaxError as error:
        raise DataError(
            f"{place}: not a Jinja template: {error.message} (its line {error.lineno})",
            expected="text with {{ field }} where an item's field belongs",
            fix="mend the braces",
        ) from None
