"""Which inputs belong together: identical and near-identical ones, and everything linked to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from luthier.data.input_text import comparison_texts, identity_text, inner_identity_texts
from luthier.data.near_duplicates import near_pairs
from luthier.examples import Example

# A conversation that begins like the whole of another is linked to it, but not for "hello" alone.
MIN_SHARED_BEGINNING_CHARACTERS = 40


@dataclass(frozen=True)
class InputLinks:
    """For each example, by its index: the node it stands on; and which nodes are near-duplicates of each other.

    Examples with the same ``identity`` are identical. Those that share a node, or whose nodes are paired, are near.
    """

    identity: tuple[str, ...]
    nodes: tuple[tuple[int, ...], ...]
    pairs: tuple[tuple[int, int], ...]


def link_inputs(examples: Sequence[Example], similarity: float) -> InputLinks:
    """At similarity 1 only identical inputs are linked, so that digits can be told apart where they are the task."""
    identity = tuple(identity_text(example) for example in examples)
    if similarity >= 1:
        numbers = {text: number for number, text in enumerate(dict.fromkeys(identity))}
        nodes = tuple((numbers[text],) for text in identity)
        return InputLinks(identity, nodes, tuple(_beginnings(examples, identity, nodes)))
    views = comparison_texts(examples, similarity)
    texts = sorted({text for texts in views for text in texts})
    number_of = {text: number for number, text in enumerate(texts)}
    nodes = tuple(tuple(number_of[text] for text in texts) for texts in views)
    return InputLinks(identity, nodes, (*near_pairs(texts, similarity), *_beginnings(examples, identity, nodes)))


def _beginnings(
    examples: Sequence[Example], identity: Sequence[str], nodes: Sequence[tuple[int, ...]]
) -> Iterator[tuple[int, int]]:
    """Pairs where a trained inner turn of one conversation answers exactly what another is asked in the end."""
    node_of = {text: node[0] for text, node in zip(identity, nodes, strict=True)}
    for example, own in zip(examples, nodes, strict=True):
        for text in inner_identity_texts(example):
            if len(text) >= MIN_SHARED_BEGINNING_CHARACTERS and text in node_of and node_of[text] != own[0]:
                yield own[0], node_of[text]


def near_to(links: InputLinks, targets: Sequence[int]) -> tuple[frozenset[int], frozenset[int]]:
    """Indices of examples identical to a target, and of those that are only near one (targets themselves left out)."""
    is_target = frozenset(targets)
    target_identities = {links.identity[index] for index in is_target}
    target_nodes = {node for index in is_target for node in links.nodes[index]}
    near_nodes = set(target_nodes)
    for one, other in links.pairs:
        if one in target_nodes:
            near_nodes.add(other)
        if other in target_nodes:
            near_nodes.add(one)
    others = [index for index in range(len(links.nodes)) if index not in is_target]
    identical = frozenset(index for index in others if links.identity[index] in target_identities)
    near = frozenset(index for index in others if near_nodes.intersection(links.nodes[index]))
    return identical, near - identical


def group_inputs(links: InputLinks, members: Sequence[int]) -> list[list[int]]:
    """The members in groups, such that no two members of different groups are identical or near."""
    parents: dict[int | str, int | str] = {}

    def root(item: int | str) -> int | str:
        parents.setdefault(item, item)
        while parents[item] != item:
            parents[item] = parents[parents[item]]
            item = parents[item]
        return item

    present = {node for index in members for node in links.nodes[index]}
    for index in members:
        for node in links.nodes[index]:
            parents[root(node)] = root(links.identity[index])
    for one, other in links.pairs:
        if one in present and other in present:
            parents[root(one)] = root(other)
    groups: dict[int | str, list[int]] = {}
    for index in members:
        groups.setdefault(root(links.identity[index]), []).append(index)
    return list(groups.values())
