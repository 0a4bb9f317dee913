"""What a batch of growing answers remembers: one shared beginning, and a row of keys and values per answer.

The shared beginning (system prompt, few-shot header) is computed and kept once. Rows are padded on the right and each
writes at its own position, so the padding of a short prompt is overwritten by its answer.
Shapes: B rows, H query heads, K key/value heads, S new tokens, P shared tokens, L room per row, D head width.
"""

from dataclasses import dataclass, field

import torch

from luthier.models import LayerRules, attend_densely, bias_from, is_within_reach


@dataclass
class LayerMemory:
    """Keys and values of one layer: shared ``[1, K, P, D]`` and per row ``[B, K, L, D]``."""

    shared_key: torch.Tensor
    shared_value: torch.Tensor
    row_key: torch.Tensor
    row_value: torch.Tensor


@dataclass
class SharedBeginning:
    """Collects each layer's keys and values while the shared tokens run through the model once."""

    layers: dict[int, tuple[torch.Tensor, torch.Tensor]] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """Plain causal attention over one row, remembered."""
        self.layers[layer] = (key_BKSD, value_BKSD)
        size = query_BHSD.shape[2]
        positions = torch.arange(size, device=query_BHSD.device)
        return attend_densely(query_BHSD, key_BKSD, value_BKSD, _bias(positions[None], positions[None], rules), rules)


@dataclass
class AnswerMemory:
    """The plan for one batch of answers: ``written_B`` tokens stand in each row so far."""

    shared: SharedBeginning
    shared_tokens: int
    room_tokens: int
    written_B: torch.Tensor
    layers: dict[int, LayerMemory] = field(default_factory=dict)

    def attend(
        self, layer: int, query_BHSD: torch.Tensor, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor, rules: LayerRules
    ) -> torch.Tensor:
        """Write the S new tokens of every row behind what it has, then look back over the beginning and the row."""
        memory = self.layers.get(layer) or self._open_layer(layer, key_BKSD, value_BKSD)
        size = query_BHSD.shape[2]
        place_BS = self.written_B[:, None] + torch.arange(size, device=query_BHSD.device)
        rows_B1 = torch.arange(len(self.written_B), device=query_BHSD.device)[:, None]
        memory.row_key[rows_B1, :, place_BS] = key_BKSD.transpose(1, 2)
        memory.row_value[rows_B1, :, place_BS] = value_BKSD.transpose(1, 2)
        used = int(place_BS.max()) + 1
        row_key, row_value = memory.row_key[:, :, :used], memory.row_value[:, :, :used]
        if self.shared_tokens == 0:
            positions_L = torch.arange(used, device=query_BHSD.device)
            return attend_densely(query_BHSD, row_key, row_value, _bias(place_BS, positions_L[None], rules), rules)
        return _attend_in_two_parts(query_BHSD, memory, row_key, row_value, place_BS, self.shared_tokens, rules)

    def advance(self, tokens_B: torch.Tensor | int) -> None:
        """Say how many of the tokens just run were real, per row."""
        self.written_B = self.written_B + tokens_B

    def keep(self, rows: torch.Tensor) -> None:
        """Forget all rows but these."""
        self.written_B = self.written_B[rows]
        for memory in self.layers.values():
            memory.row_key = memory.row_key[rows]
            memory.row_value = memory.row_value[rows]

    def _open_layer(self, layer: int, key_BKSD: torch.Tensor, value_BKSD: torch.Tensor) -> LayerMemory:
        rows, heads, _, key_width = key_BKSD.shape
        empty = key_BKSD.new_zeros(1, heads, 0, key_width), value_BKSD.new_zeros(1, heads, 0, value_BKSD.shape[-1])
        shared_key, shared_value = self.shared.layers.get(layer, empty)
        self.layers[layer] = LayerMemory(
            shared_key,
            shared_value,
            key_BKSD.new_zeros(rows, heads, self.room_tokens, key_width),
            value_BKSD.new_zeros(rows, heads, self.room_tokens, value_BKSD.shape[-1]),
        )
        return self.layers[layer]


def _attend_in_two_parts(
    query_BHSD: torch.Tensor,
    memory: LayerMemory,
    row_key: torch.Tensor,
    row_value: torch.Tensor,
    place_BS: torch.Tensor,
    shared_tokens: int,
    rules: LayerRules,
) -> torch.Tensor:
    """Scores against the beginning (read once for all rows) and against each row, under one softmax."""
    rows, heads, size, width = query_BHSD.shape
    groups = memory.shared_key.shape[1]
    fold = heads // groups
    query_KX = query_BHSD.reshape(rows, groups, fold, size, width).permute(1, 0, 2, 3, 4).reshape(groups, -1, width)
    shared_scores = (query_KX @ memory.shared_key[0].transpose(-1, -2)).view(groups, rows, fold, size, shared_tokens)
    query_BK = query_BHSD.reshape(rows, groups, fold * size, width)
    row_scores = (query_BK @ row_key.transpose(-1, -2)).view(rows, groups, fold, size, -1)
    scores = torch.cat([shared_scores.transpose(0, 1), row_scores], dim=-1).float() * rules.scaling
    if rules.softcap is not None:
        scores = rules.softcap * torch.tanh(scores / rules.softcap)
    key_positions = torch.arange(scores.shape[-1], device=scores.device)
    scores += _bias(place_BS + shared_tokens, key_positions[None], rules)[:, None, None]
    if rules.sinks_H is not None:
        sink = rules.sinks_H.float().view(1, groups, fold, 1, 1).expand(rows, groups, fold, size, 1)
        shares = torch.cat([scores, sink], dim=-1).softmax(dim=-1)[..., :-1].to(row_value.dtype)
    else:
        shares = scores.softmax(dim=-1).to(row_value.dtype)
    shared_share = shares[..., :shared_tokens].transpose(0, 1).reshape(groups, -1, shared_tokens)
    from_shared = (shared_share @ memory.shared_value[0]).view(groups, rows, fold, size, -1).transpose(0, 1)
    from_row = shares[..., shared_tokens:].reshape(rows, groups, fold * size, -1) @ row_value
    return (from_shared + from_row.view(rows, groups, fold, size, -1)).reshape(rows, heads, size, -1)


def _bias(query_position_BS: torch.Tensor, key_position_BL: torch.Tensor, rules: LayerRules) -> torch.Tensor:
    """``[B, S, L]``: 0 for keys not after the query and within the layer's reach; else -inf."""
    distance = query_position_BS[:, :, None] - key_position_BL[:, None, :]
    return bias_from(is_within_reach(distance, query_position_BS[:, :, None], *rules.reach))
