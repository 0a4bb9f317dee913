"""The built-in chat template for models that bring none: headings a base model has met in ordinary text."""

from __future__ import annotations

from typing import Any

_TEMPLATE = """\
{%- if tools -%}
{{- '### Tools:\\n' -}}
{%- for tool in tools -%}{{- (tool | tojson) + '\\n' -}}{%- endfor -%}
{{- 'To call one, write <tool_call>{"name": ..., "arguments": {...}}</tool_call>.\\n\\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'assistant' -%}
{{- '### Assistant:\\n' + message.content -}}
{%- for call in message.tool_calls or [] -%}
{{- '<tool_call>{"name": "' + call.function.name + '", "arguments": ' -}}
{{- call.function.arguments if call.function.arguments is string else (call.function.arguments | tojson) -}}
{{- '}</tool_call>' -}}
{%- endfor -%}
{{- eos_token + '\\n\\n' -}}
{%- elif message.role in ['system', 'user', 'tool'] -%}
{{- '### ' + (message.role | capitalize) + ':\\n' + message.content + '\\n\\n' -}}
{%- else -%}
{{- raise_exception('the plain template knows no role named ' + message.role) -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '### Assistant:\\n' -}}{%- endif -%}
"""


def plain_template(tokenizer: Any) -> str:
    """The Jinja source; it opens with the beginning-of-sequence token where the tokenizer itself would write one.

    A model pretrained with such a first token reads everything worse without it, and one pretrained without it
    has never seen it there, so the tokenizer's own habit decides.
    """
    bos_id = tokenizer.bos_token_id
    writes_bos = bos_id is not None and tokenizer("x")["input_ids"][:1] == [bos_id]
    return ("{{- bos_token -}}" if writes_bos else "") + _TEMPLATE
