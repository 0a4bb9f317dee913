"""The linear layers of a model under their own names, whatever was wrapped around them, and which of them are meant."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn

from luthier.adapters.own_reads import reads_itself
from luthier.adapters.slots import SlotRange, SlotTable
from luthier.errors import ModelError

LayerChoice = Literal["all"] | int | tuple[int, ...]
# Parts of names, as Transformers has them, of the layers that choose experts (or mix, in Gemma 3n's AltUp).
ROUTERS = frozenset({"router", "gate", "wg", "router_gate", "modality_router"})


class Wrapper(nn.Module):
    """Stands in the place of ``base`` and calls it; ``pairs`` holds what each slot adds, by slot.

    Names of layers are counted as if it were not there.
    """

    base: nn.Module
    table: SlotTable
    pairs: nn.ModuleDict

    def places(self, tokens: int) -> list[SlotRange]:
        """Ranges of the batch in flight that belong to slots of this layer, in their order."""
        return [place for place in self.table.ranges_for(tokens) if place.slot is not None and place.slot in self.pairs]


class FrozenLinear(nn.Module):
    """Computes what a linear layer does from a weight that is kept in another form."""


@dataclass(frozen=True)
class LinearPlace:
    """Where a linear layer hangs: attribute ``leaf`` of ``holder``."""

    name: str
    holder: nn.Module
    leaf: str

    @property
    def module(self) -> Any:
        return getattr(self.holder, self.leaf)

    def put(self, module: nn.Module) -> None:
        setattr(self.holder, self.leaf, module)


def join_table(model: nn.Module, slot: str) -> SlotTable:
    """The table that all wrappers of ``model`` share, with one more slot; raises ModelError for a name in use."""
    table = next((module.table for module in model.modules() if isinstance(module, Wrapper)), SlotTable())
    if slot in table.slots or not slot or "." in slot or hasattr(nn.ModuleDict, slot):
        raise ModelError(
            f"no adapter can be put into slot '{slot}' of this base",
            expected=f"a name without dots that is not among {', '.join(table.slots) or 'the reserved ones'}",
            fix="choose another slot name, or remove the adapter that is there",
        )
    table.join(slot)
    return table


def refuse_merge_beside_others(table: SlotTable, slot: str) -> None:
    others = [name for name in table.slots if name != slot]
    if others:
        raise ModelError(
            f"merging slot '{slot}' would change the base under {', '.join(others)}",
            expected="a base that carries one adapter",
            fix="remove the others first, or load the adapter on a base of its own",
        )


def linear_places(model: nn.Module) -> dict[str, LinearPlace]:
    """Every linear layer but the output head, as PEFT has it, in the model's order. A place is the innermost one.

    Left out are layers whose weight the layer above reads past them (`own_reads.py`): nothing could stand in between.
    """
    language_model: Any = model
    output = language_model.get_output_embeddings()
    while isinstance(output, Wrapper):
        output = output.base
    return {place.name: place for place in _visit(model, "") if place.module is not output}


def is_router(name: str) -> bool:
    """Whether the layer of this name decides which experts compute a token. Nobody trains or rounds it unasked."""
    return not ROUTERS.isdisjoint(name.split("."))


def _visit(holder: nn.Module, prefix: str) -> Iterator[LinearPlace]:
    for leaf, child in holder.named_children():
        place = LinearPlace(prefix + leaf, holder, leaf)
        while isinstance(place.module, Wrapper):
            place = LinearPlace(place.name, place.module, "base")
        if _is_linear(place.module):
            if not reads_itself(holder, leaf):
                yield place
        else:
            yield from _visit(child, f"{place.name}.")


def remove_slot(model: nn.Module, wrappers: Iterable[Wrapper], slot: str) -> None:
    """Take the slot's part off each wrapper; a wrapper that holds no other slot makes place for its base again."""
    emptied = set()
    for wrapper in wrappers:
        del wrapper.pairs[slot]
        if not wrapper.pairs:
            emptied.add(id(wrapper))
    hung = [(holder, leaf, child) for holder in model.modules() for leaf, child in holder.named_children()]
    for holder, leaf, child in hung:
        if id(child) in emptied and isinstance(child, Wrapper):
            setattr(holder, leaf, child.base)


def _is_linear(module: nn.Module) -> bool:
    # Some routers inherit from Linear and give back more than a product: those are left alone.
    is_plain = isinstance(module, nn.Linear) and type(module).forward is nn.Linear.forward
    return is_plain or isinstance(module, FrozenLinear)


def layer_of(name: str) -> int | None:
    """The decoder layer that a module or parameter belongs to: the first number in its name."""
    return next((int(part) for part in name.split(".") if part.isdigit()), None)


def chosen_layers(asked: LayerChoice, names: Sequence[str]) -> frozenset[int]:
    """Decoder layers meant by "all", "the last so many" or a list; raises ModelError when the model has fewer."""
    there = sorted({layer for layer in map(layer_of, names) if layer is not None})
    wanted = there if asked == "all" else there[-asked:] if isinstance(asked, int) else list(asked)
    too_high = [layer for layer in wanted if layer not in there]
    if too_high or (isinstance(asked, int) and asked > len(there)):
        raise ModelError(
            f"method.layers asks for {too_high[0] if too_high else asked}, and this model has {len(there)} layers",
            expected=f"numbers from 0 to {len(there) - 1}, or a count of at most {len(there)}",
            fix="--set method.layers=all",
        )
    return frozenset(wanted)


def target_places(
    model: nn.Module, targets: str | Sequence[str], layers: LayerChoice = "all"
) -> dict[str, LinearPlace]:
    """The linear layers that get an adapter: by leaf name or full name, within the chosen decoder layers.

    "all-linear" leaves routers out; by name they can be had. Raises ModelError for a target that this model does not
    have.
    """
    places = linear_places(model)
    kept = chosen_layers(layers, list(places))
    meant = _all_but_routers(places) if targets == "all-linear" else _named(places, targets)
    return {name: places[name] for name in places if name in meant and (layers == "all" or layer_of(name) in kept)}


def _all_but_routers(places: Iterable[str]) -> set[str]:
    return {name for name in places if not is_router(name)}


def _named(places: Iterable[str], targets: str | Sequence[str]) -> set[str]:
    wanted = {targets} if isinstance(targets, str) else set(targets)
    leaves = {name.rpartition(".")[2] for name in places}
    for target in sorted(wanted - leaves - set(places)):
        raise ModelError(
            f"method.targets names '{target}', which is no linear layer of this model that can be adapted",
            expected=f"some of {', '.join(sorted(leaves))}, or all-linear",
            fix="--set method.targets=all-linear",
        )
    return {name for name in places if name.rpartition(".")[2] in wanted or name in wanted}
