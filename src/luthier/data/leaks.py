"""Training rows that hold an item of a golden set, identical or nearly so, each with the item it gives away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from luthier.data.near_groups import link_inputs
from luthier.examples import Example


@dataclass(frozen=True)
class Leak:
    """One training row that a golden item can be learnt from."""

    train: Example
    golden: Example
    is_identical: bool


def find_leaks(golden: Sequence[Example], train: Sequence[Example], similarity: float = 0.8) -> tuple[Leak, ...]:
    """By the inputs alone, as the split of a run does it; in the order of the training rows.

    ``similarity`` is that of `data.near_duplicate_similarity`; at 1 only identical inputs count.
    """
    examples = [*golden, *train]
    links = link_inputs(examples, similarity)
    golden_by_identity = {links.identity[index]: index for index in reversed(range(len(golden)))}
    golden_by_node = {node: index for index in reversed(range(len(golden))) for node in links.nodes[index]}
    near_to_node = dict(golden_by_node)
    for one, other in links.pairs:
        for node, neighbour in ((one, other), (other, one)):
            if neighbour in golden_by_node:
                near_to_node.setdefault(node, golden_by_node[neighbour])
    leaks = []
    for index in range(len(golden), len(examples)):
        same = golden_by_identity.get(links.identity[index])
        near = next((near_to_node[node] for node in links.nodes[index] if node in near_to_node), None)
        found = near if same is None else same
        if found is not None:
            leaks.append(Leak(examples[index], examples[found], same is not None))
    return tuple(leaks)
