"""Who holds which block of keys and values: a pool, and a tree of beginnings that several requests share.

A node is one full block of tokens behind its parent's. Since keys and values differ by adapter, each adapter has a
root of its own. A block in the tree is never written again; what nobody uses stays until room is needed, and then
what was used longest ago goes first, leaves before their parents.
"""

import heapq
from collections.abc import Hashable, Sequence

from luthier.kernels import BLOCK_TOKENS

Key = tuple[int, ...]


class Node:
    """``users`` counts the rows that have this block in their table."""

    __slots__ = ("block", "children", "key", "parent", "used_at", "users")

    def __init__(self, parent: "Node | None", key: Key, block: int):
        self.parent = parent
        self.key = key
        self.block = block
        self.children: dict[Key, Node] = {}
        self.users = 0
        self.used_at = 0


class BlockStore:
    """Blocks ``0..count-1``: free, held by one row, or in the tree."""

    def __init__(self, count: int):
        self.count = count
        self.free = list(range(count - 1, -1, -1))
        self.roots: dict[Hashable, Node] = {}
        self.clock = 0
        self.evicted = 0
        self.unused = 0  # blocks in the tree that no row has
        self._idle: list[tuple[int, int, Node]] = []

    def root(self, adapter: Hashable) -> Node:
        """Where the beginnings of one adapter start."""
        if adapter not in self.roots:
            self.roots[adapter] = Node(None, (), -1)
        return self.roots[adapter]

    def find(self, node: Node, ids: Sequence[int], start: int, end: int) -> list[Node]:
        """The chain of known blocks behind ``node`` that spell ``ids`` from ``start`` (a block border) on.

        Whole blocks that end at or before ``end``; each is held from now on, as if `hold` had been called.
        """
        found = []
        for place in range(start, end - BLOCK_TOKENS + 1, BLOCK_TOKENS):
            child = node.children.get(tuple(ids[place : place + BLOCK_TOKENS]))
            if child is None:
                break
            self.unused -= child.users == 0
            child.users += 1
            found.append(child)
            node = child
        return found

    def take(self) -> int | None:
        """A block for one row alone; None when every block is in use."""
        while not self.free:
            if not self._evict_one():
                return None
        return self.free.pop()

    def publish(self, parent: Node, ids: Sequence[int], block: int) -> Node:
        """A row's own block becomes a node that the row goes on holding. If the tree knows these tokens already, the
        block is freed and the known one taken in its stead."""
        key = tuple(ids)
        node = parent.children.get(key)
        if node is None:
            node = parent.children[key] = Node(parent, key, block)
        else:
            self.free.append(block)
            self.unused -= node.users == 0
        node.users += 1
        return node

    def release(self, nodes: Sequence[Node], own: Sequence[int]) -> None:
        """A row lets go of its chain of nodes and of the blocks that it had for itself."""
        self.free.extend(own)
        self.clock += 1
        for node in reversed(nodes):
            node.users -= 1
            self.unused += node.users == 0
            node.used_at = self.clock
            self._offer(node)

    def forget(self, adapter: Hashable) -> None:
        """Drop an adapter's beginnings. Nobody may be using them."""
        root = self.roots.pop(adapter, None)
        stack = list(root.children.values()) if root else []
        while stack:
            node = stack.pop()
            assert node.users == 0
            stack.extend(node.children.values())
            node.used_at = -1  # no longer to be evicted
            self.unused -= 1
            self.free.append(node.block)

    @property
    def available(self) -> int:
        """Blocks that `take` could give."""
        return len(self.free) + self.unused

    def _offer(self, node: Node) -> None:
        if node.users == 0 and not node.children:
            heapq.heappush(self._idle, (node.used_at, id(node), node))

    def _evict_one(self) -> bool:
        while self._idle:
            used_at, _, node = heapq.heappop(self._idle)
            if node.users or node.children or node.used_at != used_at or node.parent is None:
                continue  # used again since
            parent, node.used_at = node.parent, -1
            del parent.children[node.key]
            self.free.append(node.block)
            self.unused -= 1
            self.evicted += 1
            if parent.parent is not None:
                self._offer(parent)
            return True
        return False
