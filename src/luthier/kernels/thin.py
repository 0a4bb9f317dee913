"""A low-rank term beside a large product (Hu et al. 2021, arXiv:2106.09685, eq. 3), forward and backward in one pass
over the tokens each.

Shapes: T tokens, I inputs, O outputs, R rank.
"""

from dataclasses import dataclass

import torch

from luthier.kernels.call import call, is_native

MOST_RANK = 128  # thin_products.h keeps a block's narrow rows on the stack


@dataclass(frozen=True)
class ThinMatrices:
    """``scaling * (x A^T) B^T``; both matrices are masters, which products round to the tokens' number format."""

    A_RI: torch.Tensor
    B_OR: torch.Tensor
    scaling: float

    def rounded(self, kind: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        """A, and B with the scale folded in: one rounding, and no pass over the wide output."""
        return self.A_RI.to(kind), (self.B_OR * self.scaling).to(kind)


def lies_as_read(thin: ThinMatrices) -> bool:
    """Whether a large product can read the masters where they lie, in pairs of ranks."""
    is_plain = all(master.dtype is torch.float32 and master.is_contiguous() for master in (thin.A_RI, thin.B_OR))
    return is_plain and thin.A_RI.shape[0] % 2 == 0


def add_low_rank(hidden_TI: torch.Tensor, output_TO: torch.Tensor, thin: ThinMatrices) -> torch.Tensor:
    """Add the term to ``output_TO`` in place; gives ``x A^T`` ``[T, R]``, which backward needs. No autograd."""
    if not _is_compiled(thin, hidden_TI, output_TO):
        A, B = thin.rounded(hidden_TI.dtype)
        low_TR = hidden_TI @ A.T
        output_TO.addmm_(low_TR, B.T)
        return low_TR
    return _forward(hidden_TI, _place(output_TO), thin)


def narrow(hidden_TI: torch.Tensor, thin: ThinMatrices) -> torch.Tensor:
    """``x A^T`` ``[T, R]`` alone, for a large product that adds the rest of the term itself. No autograd."""
    if not _is_compiled(thin, hidden_TI):
        return hidden_TI @ thin.A_RI.to(hidden_TI.dtype).T
    return _forward(hidden_TI, (None, 0), thin)


def low_rank_gradients(
    grad_TO: torch.Tensor,
    hidden_TI: torch.Tensor,
    low_TR: torch.Tensor,
    thin: ThinMatrices,
    grad_hidden_TI: torch.Tensor | None,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradients of A and B in float32; the term's part of ``grad_hidden_TI`` is added in place, if it is given.

    The thin gradients depend on the number of threads (to rounding), never on their timing.
    """
    wide = (grad_TO, hidden_TI) if grad_hidden_TI is None else (grad_TO, hidden_TI, grad_hidden_TI)
    if not _is_compiled(thin, *wide):
        grad_A, grad_B, grad_low_TR = _plain_gradients(grad_TO, hidden_TI, low_TR, thin)
        if grad_hidden_TI is not None:
            grad_hidden_TI.addmm_(grad_low_TR, thin.rounded(hidden_TI.dtype)[0])
        return grad_A, grad_B
    hidden_place = (None, 0) if grad_hidden_TI is None else _place(grad_hidden_TI)
    return _backward(grad_TO, hidden_TI, low_TR, thin, hidden_place, None)


def narrow_gradients(
    grad_TO: torch.Tensor, hidden_TI: torch.Tensor, low_TR: torch.Tensor, thin: ThinMatrices
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Gradients of A and B in float32 and that of low, ``[T, R]``, for a large product that adds the term's part of the
    hidden states' gradient itself."""
    if not _is_compiled(thin, grad_TO, hidden_TI):
        return _plain_gradients(grad_TO, hidden_TI, low_TR, thin)
    grad_low_TR = torch.empty_like(low_TR)
    return *_backward(grad_TO, hidden_TI, low_TR, thin, (None, 0), grad_low_TR), grad_low_TR


def _plain_gradients(grad_TO, hidden_TI, low_TR, thin: ThinMatrices) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    grad_low_TR = grad_TO @ thin.rounded(hidden_TI.dtype)[1]
    return (grad_low_TR.T @ hidden_TI).float(), (grad_TO.T @ low_TR).float().mul_(thin.scaling), grad_low_TR


def _forward(
    hidden_TI: torch.Tensor, output_place: tuple[torch.Tensor | None, int], thin: ThinMatrices
) -> torch.Tensor:
    low_TR = hidden_TI.new_empty(hidden_TI.shape[0], thin.A_RI.shape[0])
    places = (*_place(hidden_TI), *output_place, low_TR)
    call("low_rank_forward", hidden_TI.dtype, *places, *_matrices(thin), *_sizes(thin, low_TR), float(thin.scaling))
    return low_TR


def _backward(
    grad_TO, hidden_TI, low_TR, thin: ThinMatrices, hidden_place, grad_low_TR: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    grad_A, grad_B = torch.empty(thin.A_RI.shape), torch.empty(thin.B_OR.shape)
    places = (*_place(hidden_TI), *_place(grad_TO), *hidden_place, low_TR, grad_low_TR)
    matrices = (*_matrices(thin), grad_A, grad_B)
    call("low_rank_backward", hidden_TI.dtype, *places, *matrices, *_sizes(thin, low_TR), float(thin.scaling))
    return grad_A, grad_B


def _is_compiled(thin: ThinMatrices, *wide: torch.Tensor) -> bool:
    """Whether the compiled kernels take these inputs: rows dense and of one format, in bfloat16 read in pairs."""
    A, B, kind = thin.A_RI, thin.B_OR, wide[0].dtype
    if not is_native(wide[0]) or not A.dtype == B.dtype == torch.float32 or not 0 < A.shape[0] <= MOST_RANK:
        return False
    return (A.is_contiguous() and B.is_contiguous()) and all(
        rows.dtype == kind and rows.stride(1) == 1 and rows.shape[1] % 2 == 0 for rows in wide
    )


def _place(rows: torch.Tensor) -> tuple[torch.Tensor, int]:
    return rows, rows.stride(0)


def _matrices(thin: ThinMatrices) -> tuple[torch.Tensor, torch.Tensor]:
    return thin.A_RI, thin.B_OR


def _sizes(thin: ThinMatrices, low_TR: torch.Tensor) -> tuple[int, int, int, int]:
    return low_TR.shape[0], thin.A_RI.shape[1], thin.B_OR.shape[0], thin.A_RI.shape[0]
