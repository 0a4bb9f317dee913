"""From settings to an adapter on a model, and from a folder back to one.

A frozen base carries several adapters side by side, each in a slot of its own.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import assert_never

from torch import nn

from luthier.adapters.adapter import Adapter
from luthier.adapters.bottleneck import BottleneckShape, bottleneck_names
from luthier.adapters.bottleneck_adapter import BottleneckAdapter
from luthier.adapters.bottleneck_files import CONFIG_FILE as BOTTLENECK_CONFIG
from luthier.adapters.bottleneck_files import read_bottleneck_shape
from luthier.adapters.full import FullAdapter
from luthier.adapters.linears import Wrapper, linear_places, target_places
from luthier.adapters.lora import OWN_SLOT, LoraPlan, LoraShape
from luthier.adapters.lora_adapter import LoraAdapter
from luthier.adapters.peft_files import read_lora
from luthier.adapters.quantised import quantise_base
from luthier.errors import ModelError
from luthier.recipe import Bottleneck, Full, Lora

STANDARD_ALPHA_PER_RANK = 2.0
# Divided by the square root of the default rank, 16, this gives the same strength as the standard's.
RANK_STABILISED_ALPHA = 8.0


def put_on(
    method: Lora | Bottleneck | Full,
    model: nn.Module,
    base_name: str,
    seed: int,
    slot: str = OWN_SLOT,
    token_ids: Sequence[int] = (),
) -> Adapter:
    """Make a loaded, frozen model ready to be tuned by ``method``; further calls with other slots add adapters.

    Initial values depend on the seed and the order of layers alone. ``token_ids``: what the tokenizer calls
    ``method.train_tokens``. As soon as a base holds two slots, whoever runs a batch says whose tokens it holds
    (``adapter.table.holding`` or ``.serving``); until then batches are the bare base's.
    """
    match method:
        case Lora():
            prepare_base(method, model)
            shapes = dict.fromkeys(target_places(model, method.targets, method.layers), lora_shape(method))
            return LoraAdapter(model, base_name, LoraPlan(shapes, token_ids, method.plus_ratio), slot, seed)
        case Bottleneck():
            shape = BottleneckShape(method.width, method.activation)
            names = bottleneck_names(model, method.placement, method.layers)
            return BottleneckAdapter(model, base_name, shape, names, slot, seed)
        case Full():
            return FullAdapter(model, slot, method.layers, method.embeddings)
        case _:
            assert_never(method)


def prepare_base(method: Lora | Bottleneck | Full, model: nn.Module) -> int:
    """Bring the frozen weights into the number of bits that the method asks for; returns how many layers changed.

    `put_on` does it; whoever loads a saved adapter does it before, so that it meets the base it was trained on.
    """
    if not isinstance(method, Lora) or method.base_bits is None:
        return 0
    has_wide = any(isinstance(place.module, nn.Linear) for place in linear_places(model).values())
    if has_wide and any(isinstance(module, Wrapper) for module in model.modules()):
        raise ModelError(
            "this base carries adapters already, and rounding it to 4 bits would change what they were trained on",
            expected="all adapters of one base to want the same bits",
            fix="use a second base, or leave method.base_bits out",
        )
    return quantise_base(model)


def lora_shape(method: Lora) -> LoraShape:
    is_stabilised = method.scaling == "rank-stabilised"
    usual = RANK_STABILISED_ALPHA if is_stabilised else STANDARD_ALPHA_PER_RANK * method.rank
    return LoraShape(method.rank, usual if method.alpha is None else method.alpha, is_stabilised, method.dora)


def load_adapter(
    model: nn.Module, base_name: str, folder: Path, slot: str = OWN_SLOT
) -> LoraAdapter | BottleneckAdapter:
    """Put a saved adapter onto its base: PEFT's layout (by whomever written), or our own bottlenecks.

    Raises ModelError when it is of another base or of a kind that luthier does not compute.
    """
    adapter: LoraAdapter | BottleneckAdapter
    if (folder / BOTTLENECK_CONFIG).is_file():
        shape, names = read_bottleneck_shape(folder)
        _refuse_missing(folder, names, model)
        adapter = BottleneckAdapter(model, base_name, shape, names, slot, seed=0)
    else:
        plan = read_lora(folder)
        _refuse_missing(folder, list(plan.shapes), model)
        adapter = LoraAdapter(model, base_name, plan, slot, seed=0)
    try:
        adapter.load(folder)
    except ModelError:
        adapter.remove()
        raise
    return adapter


def _refuse_missing(folder: Path, names: Sequence[str], model: nn.Module) -> None:
    missing = sorted(set(names) - set(linear_places(model)))
    if missing:
        raise ModelError(
            f"{folder} adapts {missing[0]}, and no layer of this base has that name",
            expected="an adapter of this very base",
            fix="load the adapter on the base named in its configuration",
        )
