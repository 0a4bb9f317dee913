"""Counted arithmetic of one micro-batch, forward and backward: what has to be computed, not what some kernel does.

A product of ``[M, K]`` and ``[K, N]`` is 2·M·K·N operations. Shapes: T tokens, N trained tokens, D width, V vocabulary.

- A frozen linear of W weights costs 2·W·T forward and 2·W·T for the gradient of its input; a trained one 2·W·T more.
  Under LoRA nothing below the first adapted layer is differentiated, so the first layer's query, key and value
  projections need no gradient of their input.
- Attention costs 4 operations per visible query-key pair, head and unit of head width forward (scores, then values)
  and 8 backward (four products). Kernels that compute scores again backward do 10; the difference is not counted.
- The head costs 2·V·D forward and 2·V·D backward per trained token, another 2·V·D where it learns. Computing logits
  again backward, as luthier and TRL do to save memory, is not counted.
- LoRA's thin products are kept apart, in `thin`: they are work that the method adds to the frozen base's arithmetic.

Norms, activations, rotary embeddings, softmax and the optimizer are not counted, so 100 % cannot be reached. Every
token is counted in every layer; what luthier leaves out of that, because nobody reads it, is told apart
(`count_spared`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from luthier.tokens import TokenTree
from luthier.tokens.batch import to_batch
from luthier.tokens.unread import without_unread

ATTENTION_FORWARD, ATTENTION_BACKWARD = 4, 8
LINEARS_OF_A_LAYER = 7


@dataclass(frozen=True)
class Linear:
    """A linear layer's widths, and whether its input can need a gradient when only adapters learn."""

    name: str
    inputs: int
    outputs: int
    is_first: bool = False

    @property
    def weights(self) -> int:
        return self.inputs * self.outputs


@dataclass(frozen=True)
class Sizes:
    """What a Llama-shaped decoder (Llama, Qwen, Mistral) has to multiply."""

    width: int
    layers: int
    heads: int
    key_heads: int
    head_width: int
    intermediate: int
    vocabulary: int

    @classmethod
    def of(cls, config: Any) -> "Sizes":
        text = config.get_text_config()
        head_width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
        return cls(
            text.hidden_size,
            text.num_hidden_layers,
            text.num_attention_heads,
            text.num_key_value_heads,
            head_width,
            text.intermediate_size,
            text.vocab_size,
        )

    def linears(self) -> Iterator[Linear]:
        """All linears of all layers, the head apart."""
        queries, keys = self.heads * self.head_width, self.key_heads * self.head_width
        for layer in range(self.layers):
            yield Linear("q_proj", self.width, queries, is_first=layer == 0)
            yield Linear("k_proj", self.width, keys, is_first=layer == 0)
            yield Linear("v_proj", self.width, keys, is_first=layer == 0)
            yield Linear("o_proj", queries, self.width)
            yield Linear("gate_proj", self.width, self.intermediate)
            yield Linear("up_proj", self.width, self.intermediate)
            yield Linear("down_proj", self.intermediate, self.width)


@dataclass(frozen=True)
class Operations:
    """Forward plus backward. ``thin``: LoRA's own products."""

    linear: float
    attention: float
    head: float
    thin: float

    @property
    def needed(self) -> float:
        """The base's arithmetic, which a share of the ceiling is stated by."""
        return self.linear + self.attention + self.head


def count_training(sizes: Sizes, tree: TokenTree, rank: int | None) -> Operations:
    """One micro-batch; ``rank`` None means that every weight learns."""
    trained = {
        int(path[i]) for path, b in zip(tree.paths, tree.branches, strict=True) for i in np.flatnonzero(b.weights)
    }
    pairs = int((tree.depth + 1).sum())
    return count(sizes, tree.computed_tokens, len(trained), pairs, rank)


def count_spared(sizes: Sizes, tree: TokenTree, rank: int | None) -> float:
    """What of ``needed`` is not computed, because nobody reads it: tokens that only are targets, and of the last layer
    all but keys and values where the head does not read."""
    batch = to_batch(tree)
    kept = without_unread(batch)[0].tree
    read = np.unique(batch.read_at_N.numpy())
    whole, left = (count(sizes, len(depth), 0, int((depth + 1).sum()), rank) for depth in (tree.depth, kept.depth))
    backward = 1 + (rank is None)
    last = list(sizes.linears())[-LINEARS_OF_A_LAYER:]
    unread_linear = sum(
        2 * layer.weights * (1 + backward) for layer in last if layer.name not in ("k_proj", "v_proj")
    ) * (len(kept.depth) - len(read))
    unread_pairs = int((kept.depth + 1).sum()) - int((tree.depth[read] + 1).sum())
    unread_attention = (ATTENTION_FORWARD + ATTENTION_BACKWARD) * unread_pairs * sizes.heads * sizes.head_width
    return whole.linear - left.linear + whole.attention - left.attention + unread_linear + unread_attention


def count(sizes: Sizes, tokens: int, trained_tokens: int, pairs: int, rank: int | None) -> Operations:
    """``pairs``: query-key pairs of one layer and head."""
    is_full = rank is None
    linear = thin = 0.0
    for layer in sizes.linears():
        needs_input_gradient = is_full or not layer.is_first
        linear += 2 * tokens * layer.weights * (1 + needs_input_gradient + is_full)
        if rank is not None:
            widths = layer.inputs + layer.outputs
            thin += 2 * tokens * rank * (3 * widths - (0 if needs_input_gradient else layer.inputs))
    per_pair = sizes.layers * sizes.heads * sizes.head_width
    return Operations(
        linear=linear,
        attention=(ATTENTION_FORWARD + ATTENTION_BACKWARD) * pairs * per_pair,
        head=2 * trained_tokens * sizes.width * sizes.vocabulary * (2 + is_full),
        thin=thin,
    )
