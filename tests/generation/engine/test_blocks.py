"""Blocks: shared beginnings, eviction by use, and never one block for two."""

from hypothesis import given, settings
from hypothesis import strategies as st

from luthier.generation.engine.blocks import BlockStore

SIZE = 16


def ids_of(*letters):
    return [letter for letter in letters for _ in range(SIZE)]


def remember(store, root, ids):
    """A row that computed ``ids`` and went away."""
    nodes = store.find(root, ids, 0, len(ids))
    for start in range(len(nodes) * SIZE, len(ids), SIZE):
        block = store.take()
        assert block is not None
        nodes.append(store.publish(nodes[-1] if nodes else root, ids[start : start + SIZE], block))
    store.release(nodes, [])


def known(store, root, ids):
    nodes = store.find(root, ids, 0, len(ids))
    store.release(nodes, [])
    return len(nodes)


def test_only_whole_blocks_of_the_same_beginning_are_found():
    store = BlockStore(8)
    root = store.root("a")
    remember(store, root, ids_of(1, 2, 3))
    assert known(store, root, ids_of(1, 2, 3)) == 3
    assert known(store, root, ids_of(1, 2, 4)) == 2
    assert known(store, root, ids_of(2, 2)) == 0
    assert known(store, root, ids_of(1, 2)[:-1]) == 1
    assert known(store, store.root("b"), ids_of(1)) == 0


def test_what_was_used_longest_ago_goes_first_leaves_before_parents():
    store = BlockStore(4)
    root = store.root("a")
    remember(store, root, ids_of(1, 2))
    remember(store, root, ids_of(3, 4))
    known(store, root, ids_of(1, 2))
    assert store.take() is not None
    assert known(store, root, ids_of(3, 4)) == 1 and known(store, root, ids_of(1, 2)) == 2


def test_what_is_in_use_is_never_evicted():
    store = BlockStore(2)
    root = store.root("a")
    remember(store, root, ids_of(1, 2))
    held = store.find(root, ids_of(1, 2), 0, 2 * SIZE)
    assert store.available == 0 and store.take() is None
    store.release(held, [])
    assert store.available == 2 and store.take() is not None


def test_a_forgotten_adapter_gives_everything_back():
    store = BlockStore(3)
    remember(store, store.root("a"), ids_of(1, 2, 3))
    store.forget("a")
    assert sorted(store.free) == [0, 1, 2] and store.available == 3
    assert [store.take() for _ in range(4)].count(None) == 1


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=4), min_size=1, max_size=30), st.randoms())
def test_every_block_is_free_or_in_the_tree_exactly_once(rows, random):
    store = BlockStore(6)
    root = store.root("a")
    held = []
    for letters in rows:
        nodes = store.find(root, ids_of(*letters), 0, len(letters) * SIZE)
        own = []
        while len(nodes) + len(own) < len(letters) and (block := store.take()) is not None:
            own.append(block)
        while own and random.random() < 0.7:
            place = len(nodes)
            nodes.append(store.publish(nodes[-1] if nodes else root, ids_of(letters[place]), own.pop(0)))
        held.append((nodes, own))
        if random.random() < 0.6:
            store.release(*held.pop(random.randrange(len(held))))
    in_tree, stack = [], list(root.children.values())
    while stack:
        node = stack.pop()
        in_tree.append(node)
        stack.extend(node.children.values())
    assert sorted([*store.free, *(n.block for n in in_tree), *(b for _, own in held for b in own)]) == list(range(6))
    assert store.unused == sum(node.users == 0 for node in in_tree)
