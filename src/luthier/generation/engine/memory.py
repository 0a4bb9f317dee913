"""Keys and values of all layers in blocks, allocated once; and the attention of one step over them.

Shapes: N tokens of a step, H query heads, K key/value heads, D width of keys, E of values, R rows, Q new tokens of
each, W blocks in a table, L tokens in them.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from luthier.kernels import BLOCK_TOKENS, BlockPlaces, Blocks, ScoreRules, attend_blocks, can_attend_blocks
from luthier.models import LayerRules, attend_densely, backbone_of, bias_from, is_within_reach

ALIGNED_BYTES = 64  # as torch lays out its own


@dataclass
class _Measuring:
    """Notes what each layer brings, and attends to nothing."""

    shapes: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)
    rules: dict[int, LayerRules] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        self.shapes[layer], self.rules[layer] = (key_BKSD, value_BKSD), rules
        return value_BKSD.new_zeros(*query_BHSD.shape[:3], value_BKSD.shape[-1])


def layer_shapes(model: torch.nn.Module) -> dict[int, tuple[torch.Tensor, torch.Tensor]]:
    """Keys and values ``[1, K, 1, D]`` of one token in each layer, as the model's own code makes them."""
    return _measured(model).shapes


def layer_rules(model: torch.nn.Module) -> dict[int, LayerRules]:
    """What each layer asks of attention."""
    return _measured(model).rules


def _measured(model: torch.nn.Module) -> _Measuring:
    measuring = _Measuring()
    zeros = torch.zeros(1, 1, dtype=torch.long, device=next(model.parameters()).device)
    run = backbone_of(model)
    run(input_ids=zeros, position_ids=zeros, attention_plan=measuring, attention_positions=zeros, use_cache=False)
    return measuring


def block_bytes(shapes: dict[int, tuple[torch.Tensor, torch.Tensor]]) -> int:
    """What one block of all layers takes."""
    numbers = [
        (key.shape[1] * key.shape[3], value.shape[1] * _padded(value.shape[3])) for key, value in shapes.values()
    ]
    sizes = [key.element_size() for key, _ in shapes.values()]
    return sum(BLOCK_TOKENS * (key + value) * size for (key, value), size in zip(numbers, sizes, strict=True))


def open_memory(shapes: dict[int, tuple[torch.Tensor, torch.Tensor]], blocks: int) -> dict[int, Blocks]:
    """Zeros; on a CPU the system gives a page when something is first written to it."""
    return {
        layer: Blocks(
            _zeros(key, (blocks, key.shape[1], key.shape[3], BLOCK_TOKENS)),
            _zeros(value, (blocks, value.shape[1], BLOCK_TOKENS, _padded(value.shape[3]))),
        )
        for layer, (key, value) in shapes.items()
    }


def _zeros(like: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """torch writes its zeros, all of them; NumPy leaves them to the system, which has none to give away unasked."""
    if like.device.type != "cpu":
        return like.new_zeros(shape)
    held_bytes = math.prod(shape) * like.element_size()
    plain = np.zeros(held_bytes + ALIGNED_BYTES, dtype=np.uint8)
    first = -plain.ctypes.data % ALIGNED_BYTES
    return torch.from_numpy(plain[first : first + held_bytes]).view(like.dtype).view(shape)


def _padded(width: int) -> int:
    return -(-width // BLOCK_TOKENS) * BLOCK_TOKENS


@dataclass(frozen=True)
class StepAttention:
    """The plan of one step: every token looks at its own row, whose blocks lie anywhere."""

    memory: dict[int, Blocks]
    places: BlockPlaces
    lowest: dict[tuple[int | None, int | None], torch.Tensor] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """One line (B = 1) of N tokens; keys and values are written before anybody looks."""
        query_NHD, key_NKD, value_NKE = (x[0].transpose(0, 1) for x in (query_BHSD, key_BKSD, value_BKSD))
        return self.attend_rows(layer, query_NHD, (key_NKD, value_NKE), rules).transpose(0, 1)[None]

    def attend_rows(
        self, layer: int, query_NHD: torch.Tensor, new: tuple[torch.Tensor, torch.Tensor], rules: LayerRules
    ) -> torch.Tensor:
        """The same, token by token: ``[N, H, E]`` from new keys ``[N, K, D]`` and values ``[N, K, E]``."""
        blocks = self.memory[layer]
        if can_attend_blocks(query_NHD, blocks, rules.scaling):
            scores = ScoreRules(rules.scaling, rules.softcap, rules.sinks_H)
            return attend_blocks(query_NHD, new, blocks, self.places, self._lowest(*rules.reach), scores)
        return attend_gathered(query_NHD, new, blocks, self.places, rules)

    def _lowest(self, window: int | None, chunk: int | None) -> torch.Tensor:
        """How far back each token sees; worked out once for all layers of this reach."""
        reach = window, chunk
        if reach not in self.lowest:
            lowest_N = torch.zeros_like(self.places.position_N)
            if window is not None:
                lowest_N = torch.maximum(lowest_N, self.places.position_N - (window - 1))
            if chunk is not None:
                lowest_N = torch.maximum(lowest_N, self.places.position_N // chunk * chunk)
            self.lowest[reach] = lowest_N
        return self.lowest[reach]


def attend_gathered(
    query_NHD: torch.Tensor,
    new: tuple[torch.Tensor, torch.Tensor],
    blocks: Blocks,
    places: BlockPlaces,
    rules: LayerRules,
) -> torch.Tensor:
    """The same through torch's operations, wherever torch runs: each row's blocks are copied together first."""
    row_N = places.row_N.cpu().numpy()
    real = np.flatnonzero(row_N >= 0)
    index_N = torch.from_numpy(real).to(query_NHD.device)
    _write(new, blocks, places, index_N)
    output_NHE = query_NHD.new_zeros(*query_NHD.shape[:2], new[1].shape[2])
    starts = real[np.flatnonzero(np.diff(row_N[real], prepend=-1))]
    counts = np.diff(np.append(starts, real[-1] + 1))
    for count in np.unique(counts):
        index_RQ = torch.from_numpy(starts[counts == count][:, None] + np.arange(count)).to(query_NHD.device)
        position_RQ = places.position_N[index_RQ]
        blocks_used = int(position_RQ.max()) // BLOCK_TOKENS + 1
        table_RW = places.tables_RW[places.row_N[index_RQ[:, 0]].long(), :blocks_used].long()
        key_RKLD = blocks.keys[table_RW].permute(0, 2, 1, 4, 3).flatten(2, 3)
        value_RKLE = blocks.values[table_RW].permute(0, 2, 1, 3, 4).flatten(2, 3)[..., : new[1].shape[2]]
        distance = position_RQ[:, :, None] - torch.arange(key_RKLD.shape[2], device=query_NHD.device)
        bias_RQL = bias_from(is_within_reach(distance, position_RQ[:, :, None], *rules.reach))
        found = attend_densely(query_NHD[index_RQ].transpose(1, 2), key_RKLD, value_RKLE, bias_RQL, rules)
        output_NHE[index_RQ] = found.transpose(1, 2)
    return output_NHE


def _write(new: tuple[torch.Tensor, torch.Tensor], blocks: Blocks, places: BlockPlaces, index_N: torch.Tensor) -> None:
    position_N = places.position_N[index_N].long()
    block_N = places.tables_RW[places.row_N[index_N].long(), position_N // BLOCK_TOKENS].long()
    offset_N = position_N % BLOCK_TOKENS
    key_NKD, value_NKE = (x[index_N] for x in new)
    blocks.keys[block_N, :, :, offset_N] = key_NKD
    blocks.values[block_N, :, offset_N, : value_NKE.shape[2]] = value_NKE
