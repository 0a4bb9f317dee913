"""What is trained, put onto a model: LoRA and its kin, bottlenecks, or the model's own weights; and their files."""

from luthier.adapters.adapter import Adapter
from luthier.adapters.bottleneck import BottleneckShape
from luthier.adapters.bottleneck_adapter import BottleneckAdapter
from luthier.adapters.full import FullAdapter
from luthier.adapters.lora import OWN_SLOT, LoraLinear, LoraPlan, LoraShape
from luthier.adapters.lora_adapter import LoraAdapter
from luthier.adapters.method import load_adapter, prepare_base, put_on
from luthier.adapters.quantised import QuantisedLinear, quantise_base
from luthier.adapters.reach import adapter_reach
from luthier.adapters.slots import SlotRange, SlotTable
from luthier.adapters.token_rows import grow_embeddings

__all__ = [
    "OWN_SLOT",
    "Adapter",
    "BottleneckAdapter",
    "BottleneckShape",
    "FullAdapter",
    "LoraAdapter",
    "LoraLinear",
    "LoraPlan",
    "LoraShape",
    "QuantisedLinear",
    "SlotRange",
    "SlotTable",
    "adapter_reach",
    "grow_embeddings",
    "load_adapter",
    "prepare_base",
    "put_on",
    "quantise_base",
]
