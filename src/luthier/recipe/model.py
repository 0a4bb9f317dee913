"""Settings of the base model: where it lies, how it is spoken to, in which precision it computes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from luthier.recipe.setting import Setting, Text, path_setting


class ModelSettings(Setting):
    """The base model that is tuned and compared."""

    path: Text = path_setting(
        "starter",
        words=("starter",),
        description="Folder of the base model (Transformers layout, safetensors), or `starter` for the small one "
        "that luthier brings.",
    )
    adapter: Text | None = path_setting(
        None, description="Folder of an adapter of this base to go on from; its own shape holds instead of method's."
    )
    chat_template: Text = path_setting(
        "auto",
        words=("auto", "plain"),
        description="How a conversation becomes text: `auto` takes the model's own template, `plain` a neutral one; "
        "else a .jinja file.",
    )
    template_arguments: dict[str, Any] = Field(
        default={}, description="Extra variables for the chat template, such as `enable_thinking: false`."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto",
        description="Number format of the computation; `auto` takes bfloat16 where the machine is fast in it.",
    )
