"""Trained tokens: single rows of the embedding matrix, and of the head where it has its own, learn; the rest is frozen.

Shapes: T tokens, R trained tokens, V vocabulary, D width.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from luthier.adapters.linears import Wrapper
from luthier.adapters.slots import SlotTable
from luthier.errors import ModelError


class TokenRows(nn.Module):
    """The trained rows ``[R, D]`` in float32, begun as the base has them, and the ids they stand for."""

    def __init__(self, weight_VD: torch.Tensor, token_ids: Sequence[int]):
        super().__init__()
        ids_R = torch.tensor(token_ids, device=weight_VD.device)
        self.rows = nn.Parameter(weight_VD.detach()[ids_R].float())
        self.register_buffer("ids", ids_R)
        self.token_ids = list(token_ids)


class _Rowed(Wrapper):
    def __init__(self, base: nn.Module, table: SlotTable, slot: str, rows: TokenRows):
        super().__init__()
        self.base: Any = base
        self.table = table
        self.pairs = nn.ModuleDict({slot: rows})

    def in_use(self) -> TokenRows | None:
        """The rows of the batch in flight; None when it is the bare base's."""
        slots = {place.slot for place in self.table.ranges} or {self.table.only}
        ours = slots & set(self.pairs)
        if ours and len(slots) > 1:
            raise _crowded()
        rows = self.pairs[str(ours.pop())] if ours else None
        assert rows is None or isinstance(rows, TokenRows)
        return rows


class RowedEmbedding(_Rowed):
    """Token embeddings in which the trained rows stand in for the frozen ones."""

    @property
    def weight(self) -> torch.Tensor:
        return self.base.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        frozen, trained = self.base(ids), self.in_use()
        if trained is None:
            return frozen
        rows_RD = trained.rows.to(frozen.dtype)
        scale = getattr(self.base, "embed_scale", None)  # Gemma's embeddings are longer than their rows
        if scale is not None:
            rows_RD = rows_RD * torch.as_tensor(scale).to(frozen.dtype)
        assert isinstance(trained.ids, torch.Tensor)
        is_trained_TR = torch.eq(ids.unsqueeze(-1), trained.ids)
        picked = is_trained_TR.to(frozen.dtype) @ rows_RD
        return torch.where(is_trained_TR.any(-1, keepdim=True), picked, frozen)


class RowedHead(_Rowed):
    """An output head whose weight has the trained rows in it."""

    @property
    def bias(self) -> torch.Tensor | None:
        return self.base.bias

    @property
    def weight(self) -> torch.Tensor:
        """``[V, D]``, differentiable in the trained rows; made anew at each call."""
        trained = self.in_use()
        if trained is None:
            return self.base.weight
        assert isinstance(trained.ids, torch.Tensor)
        return self.base.weight.index_copy(0, trained.ids, trained.rows.to(self.base.weight.dtype))

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        return nn.functional.linear(hidden, self.weight, self.bias)


def add_token_rows(model: nn.Module, table: SlotTable, slot: str, token_ids: Sequence[int]) -> dict[str, _Rowed]:
    """Let these tokens learn; ids that the model lacks get rows.

    Returns the wrappers by the name of what they wrap: the embedding, and the head too. A head that is tied to the
    embedding shares its rows.
    """
    language_model: Any = model
    grow_embeddings(model, max(token_ids) + 1)
    embedding, head = language_model.get_input_embeddings(), language_model.get_output_embeddings()
    rows = TokenRows(embedding.weight, token_ids)
    head_rows = rows if head.weight is embedding.weight else TokenRows(head.weight, token_ids)
    names = {id(module): name for name, module in model.named_modules(remove_duplicate=False)}
    embedding_name, head_name = names[id(embedding)], names[id(head)]
    wrapped = {
        embedding_name: RowedEmbedding(embedding, table, slot, rows),
        head_name: RowedHead(head, table, slot, head_rows),
    }
    for name, wrapper in wrapped.items():
        parent, _, leaf = name.rpartition(".")
        setattr(model.get_submodule(parent), leaf, wrapper)
    return wrapped


def distinct_rows(wrapped: Mapping[str, _Rowed], slot: str) -> Iterator[tuple[str, TokenRows]]:
    """Each set of rows once, under the name of the first module that holds it: a tied head is left out."""
    seen: set[int] = set()
    for name, wrapper in wrapped.items():
        rows = wrapper.pairs[slot]
        assert isinstance(rows, TokenRows)
        if id(rows) not in seen:
            seen.add(id(rows))
            yield name, rows


@torch.no_grad()
def merge_token_rows(wrapped: Mapping[str, _Rowed], slot: str) -> None:
    """Write the trained rows into the frozen matrices."""
    for wrapper in wrapped.values():
        rows = wrapper.pairs[slot]
        assert isinstance(rows, TokenRows) and isinstance(rows.ids, torch.Tensor)
        weight = wrapper.base.weight
        weight[rows.ids] = rows.rows.to(weight.dtype)


def refuse_company(model: nn.Module, trains_tokens: bool) -> None:
    """The head reads hidden states of all slots together, so trained tokens need the base for themselves."""
    wrappers = [module for module in model.modules() if isinstance(module, Wrapper)]
    if any(isinstance(wrapper, _Rowed) for wrapper in wrappers) or (trains_tokens and wrappers):
        raise _crowded()


def _crowded() -> ModelError:
    return ModelError(
        "an adapter with method.train_tokens shares its base with others",
        expected="a base of its own: its output head differs from that of all others",
        fix="train or serve it alone, or leave method.train_tokens out",
    )


@torch.no_grad()
def grow_embeddings(model: nn.Module, count: int) -> None:
    """Rows for at least ``count`` tokens, in place; new ones are the mean of the old ones, and frozen like them."""
    language_model: Any = model
    old = language_model.get_input_embeddings().weight.shape[0]
    if count <= old:
        return
    language_model.resize_token_embeddings(count, mean_resizing=False)
    for matrix in {language_model.get_input_embeddings().weight, language_model.get_output_embeddings().weight}:
        matrix[old:] = matrix[:old].float().mean(0).to(matrix.dtype)
        matrix.requires_grad_(False)
