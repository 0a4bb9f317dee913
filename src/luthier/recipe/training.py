"""Settings of the training loop: how long, how fast, in what portions, and how often it is saved."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from luthier.recipe.setting import Count, PositiveNumber, Seed, Setting


class TrainingSettings(Setting):
    """The optimizer (AdamW), its schedule, and what one step holds."""

    epochs: PositiveNumber = Field(
        default=3.0, description="How often every training row is seen; 0.5 sees half of them."
    )
    batch_examples: Count = Field(default=16, description="Rows per optimizer step.")
    learning_rate: Literal["auto"] | PositiveNumber = Field(
        default="auto",
        description="Highest learning rate; `auto` chooses by method and model size and says which and why.",
    )
    learning_rate_factor: PositiveNumber = Field(
        default=1.0, description="What the learning rate, given or chosen, is multiplied by."
    )
    schedule: Literal["cosine", "linear", "constant"] = Field(
        default="cosine", description="How the learning rate falls after the warm-up."
    )
    warmup_share: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.05, description="Part of all steps in which the learning rate rises from 0."
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="AdamW's decay of the weights that learn."
    )
    adam_beta1: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.9, description="AdamW's memory for gradients.")
    adam_beta2: Annotated[float, Field(ge=0, lt=1)] = Field(
        default=0.999, description="AdamW's memory for squared gradients."
    )
    adam_epsilon: PositiveNumber = Field(default=1e-8, description="AdamW's guard against division by zero.")
    clip_norm: Annotated[float, Field(ge=0)] = Field(
        default=1.0, description="Gradients longer than this are shortened to it; 0 switches it off."
    )
    micro_batch_tokens: Literal["auto"] | Count = Field(
        default="auto", description="Tokens computed at once; changes memory and speed, never the result of a step."
    )
    activation_checkpointing: Literal["auto", "on", "off"] = Field(
        default="auto",
        description="Compute activations twice instead of keeping them; `auto` does it only where memory asks for it.",
    )
    memory_limit_gb: PositiveNumber | None = Field(
        default=None,
        description="Most memory the run may hold, in GB of 10^9 bytes, on the accelerator or else in all; "
        "null takes what is free.",
    )
    optimizer: Literal["adamw", "adamw-8bit"] = Field(
        default="adamw",
        description="Which optimizer; `adamw-8bit` keeps its moments in a quarter of the memory, rounded by blocks.",
    )
    fold: bool = Field(
        default=True,
        description="Compute beginnings that rows share only once; changes speed, never the result of a step.",
    )
    validate_every: Literal["epoch"] | Count = Field(
        default="epoch", description="When the validation loss is measured: after each `epoch`, or every so many steps."
    )
    sample_validation_every: Count | None = Field(
        default=None,
        description="Steps between two looks at a few validation rows, batch_examples of them; null looks only when "
        "all are measured.",
    )
    count_right_tokens: bool = Field(
        default=False, description="Also count the trained tokens that the model would have chosen itself."
    )
    checkpoint_every_steps: Literal["auto"] | Count = Field(
        default="auto",
        description="Steps between two checkpoints; `auto` saves ten times in a run, at the latest every 200 steps.",
    )
    keep_checkpoints: Count = Field(default=2, description="How many of the last checkpoints stay on disk.")
    keep_best_checkpoints: Annotated[int, Field(ge=0)] = Field(
        default=0, description="How many of the checkpoints with the lowest validation loss stay besides."
    )
    keep_epochs: Annotated[int, Field(ge=0)] = Field(
        default=0, description="After how many of the last epochs the tuned weights stay, each ready to be used."
    )
    early_stopping_patience: Count | None = Field(
        default=None,
        description="Validations in a row that may bring no lower loss before the run stops and takes the best "
        "checkpoint; null trains to the end and takes the last.",
    )
    early_stopping_min_delta: Annotated[float, Field(ge=0)] = Field(
        default=0.0, description="How many nats lower a validation loss must be to count as lower."
    )
    on_instability: Literal["stop", "rollback"] = Field(
        default="stop",
        description="What follows a loss that explodes or is not finite: `stop`, or `rollback` to the last good "
        "checkpoint and go on with half the learning rate, three times at most.",
    )
    seed: Seed = Field(default=0, description="Seed of the order of rows and of new weights.")
    threads: Count | None = Field(
        default=None, description="CPU threads to use; null takes all that the machine offers."
    )
