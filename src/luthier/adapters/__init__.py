"""What is trained: LoRA or every parameter; one class = wrap + forward + merge, and files in PEFT's layout."""

from luthier.adapters.lora import LoraLinear, LoraShape, wrap_with_lora
from luthier.adapters.method import Adapter, FullAdapter, LoraAdapter, load_adapter, put_on
from luthier.adapters.peft_files import load_lora, save_lora

__all__ = [
    "Adapter",
    "FullAdapter",
    "LoraAdapter",
    "LoraLinear",
    "LoraShape",
    "load_adapter",
    "load_lora",
    "put_on",
    "save_lora",
    "wrap_with_lora",
]
