"""How many operations a pass takes, in closed form; a multiplication and an addition count as two.

Matrix products only, as torch's FlopCounterMode counts them: norms, rotations and softmax are below 1 % of any model
worth counting. Unlike the rule of thumb "6 per weight and token" (Kaplan et al., arXiv:2001.08361, section 2.1) the
products of attention are counted, the head is counted where it is computed, frozen weights get no gradient, and of
the experts only those that a token passes count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from luthier.advice.costs.shape import Layer, ModelShape


@dataclass(frozen=True)
class Work:
    """What a pass computes. ``lengths`` are those of the sequences as attention sees them.

    ``tokens`` go through the linears: fewer than the sum of the lengths where shared beginnings are computed once.
    ``head_tokens`` is at how many tokens the head is computed. ``is_causal`` counts a query's own past only; else
    every query meets every key of its sequence, as unmasked kernels (and torch's counter) have it.
    """

    tokens: int
    lengths: tuple[int, ...]
    head_tokens: int
    is_causal: bool = True


@dataclass(frozen=True)
class LoraShape:
    """LoRA on every linear of attention, dense feed-forward and shared experts; ``in_experts`` in the others, too."""

    rank: int
    in_experts: bool = False


@dataclass(frozen=True)
class Operations:
    """One pass forward, one backward, one more forward where activations are recomputed."""

    forward: int
    backward: int
    recomputed: int = 0

    @property
    def total(self) -> int:
        return self.forward + self.backward + self.recomputed


def plain_work(lengths: Sequence[int], head_tokens: int | None = None, is_causal: bool = True) -> Work:
    """Sequences that share nothing; by default the head is computed at every token."""
    tokens = sum(lengths)
    return Work(tokens, tuple(lengths), tokens if head_tokens is None else head_tokens, is_causal)


def forward_operations(shape: ModelShape, work: Work) -> int:
    """One pass without gradients."""
    linear = sum(2 * rows * columns * passes for layer in shape.layers for rows, columns, passes in _all(shape, layer))
    attention = sum(_attention(shape, layer, work) for layer in shape.layers)
    return work.tokens * linear + attention + _head(shape, work)


def training_operations(
    shape: ModelShape, work: Work, lora: LoraShape | None = None, recomputes: bool = False
) -> Operations:
    """A step. Full tuning takes twice the forward again: gradients of inputs and of weights.

    With LoRA frozen weights pass gradients on and get none. The first layer's attention has nobody to pass on to,
    as the rows of the embedding are frozen, too. Scores of attention take two products forward and four backward.
    """
    forward = forward_operations(shape, work)
    attention = sum(_attention(shape, layer, work) for layer in shape.layers)
    head = _head(shape, work)
    if lora is None:
        return Operations(forward, 2 * forward, forward if recomputes else 0)
    low_forward, low_backward = _low_rank(shape, lora, work.tokens)
    linear = forward - attention - head
    unpassed = 2 * work.tokens * sum(rows * columns for rows, columns in _into_attention(shape))
    forward += low_forward
    backward = linear - unpassed + 2 * attention + head + low_backward
    return Operations(forward, backward, forward if recomputes else 0)


def operations_per_token(shape: ModelShape) -> int:
    """Of one generated token, attention to its past left out."""
    linear = sum(2 * rows * columns * passes for layer in shape.layers for rows, columns, passes in _all(shape, layer))
    return linear + 2 * shape.hidden_size * shape.vocabulary


def attended_pairs(length: int, window: int | None, is_causal: bool) -> int:
    """Pairs of query and key in one sequence; a window of w tokens is the query itself and w - 1 before it."""
    if not is_causal:
        return length * length
    if window is None or window >= length:
        return length * (length + 1) // 2
    return window * (window + 1) // 2 + (length - window) * window


def _attention(shape: ModelShape, layer: Layer, work: Work) -> int:
    pairs = sum(attended_pairs(length, layer.window, work.is_causal) for length in work.lengths)
    return 2 * pairs * shape.heads * (shape.key_size + shape.value_size)


def _head(shape: ModelShape, work: Work) -> int:
    return 2 * work.head_tokens * shape.hidden_size * shape.vocabulary


def _all(shape: ModelShape, layer: Layer) -> Iterable[tuple[int, int, int]]:
    """(inputs, outputs, passes per token) of every matrix of a layer."""
    yield from ((rows, columns, 1) for rows, columns in _attention_linears(shape))
    yield from _feed_forward(shape, layer, layer.experts + layer.shared)
    if layer.experts:
        yield shape.hidden_size, layer.routed_from, 1


def _feed_forward(shape: ModelShape, layer: Layer, experts: int) -> Iterable[tuple[int, int, int]]:
    width, passes = (layer.expert_width, experts) if layer.experts else (layer.width, 1)
    yield from ((shape.hidden_size, width, passes) for _ in range(shape.matrices - 1))
    yield width, shape.hidden_size, passes


def _into_attention(shape: ModelShape) -> list[tuple[int, int]]:
    """The matrices that read a layer's input directly."""
    hidden, latent = shape.hidden_size, shape.latent
    if latent is None:
        return [
            (hidden, shape.heads * shape.key_size),
            (hidden, shape.key_value_heads * shape.key_size),
            (hidden, shape.key_value_heads * shape.value_size),
        ]
    first = latent.query_rank or shape.heads * shape.key_size
    return [(hidden, first), (hidden, latent.key_value_rank + latent.rotary_size)]


def _attention_linears(shape: ModelShape) -> list[tuple[int, int]]:
    linears = _into_attention(shape)
    if (latent := shape.latent) is not None:
        if latent.query_rank:
            linears.append((latent.query_rank, shape.heads * shape.key_size))
        without_rotary = shape.key_size - latent.rotary_size
        linears.append((latent.key_value_rank, shape.heads * (without_rotary + shape.value_size)))
    return [*linears, (shape.heads * shape.value_size, shape.hidden_size)]


def _low_rank(shape: ModelShape, lora: LoraShape, tokens: int) -> tuple[int, int]:
    """The low-rank products: forward A then B; backward the gradients of A, of B and of both inputs."""
    forward = backward = 0
    for index, layer in enumerate(shape.layers):
        linears = [(rows, columns, 1) for rows, columns in _attention_linears(shape)]
        linears += _feed_forward(shape, layer, layer.shared + (layer.experts if lora.in_experts else 0))
        reading = _into_attention(shape) if index == 0 else []
        for rows, columns, passes in linears:
            forward += 2 * lora.rank * (rows + columns) * passes
            backward += 2 * 2 * lora.rank * (rows + columns) * passes
        backward -= sum(2 * lora.rank * rows for rows, _ in reading)
    return tokens * forward, tokens * backward
