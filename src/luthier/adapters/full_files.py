"""A fully tuned model on disk, in Transformers' layout."""

from pathlib import Path
from typing import Any

import torch
from torch import nn


def save_full(folder: Path, model: nn.Module) -> None:
    """Write config.json and safetensors in float32: exactly the numbers that were trained and judged."""
    folder.mkdir(parents=True, exist_ok=True)
    saved: Any = model
    saved.config.dtype = torch.float32
    saved.save_pretrained(folder)
