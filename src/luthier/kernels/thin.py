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


def add_low_rank(hidden_TI: torch.Tensor, output_TO: torch.Tensor, thin: ThinMatrices) -> torch.Tensor:
    """Add the term to ``output_TO`` in place; gives ``x A^T`` ``[T, R]``, which backward needs. No autograd."""
    if not _is_compiled(thin, hidden_TI, output_TO):
        A, B = thin.rounded(hidden_TI.dtype)
        low_TR = hidden_TI @ A.T
        output_TO.addmm_(low_TR, B.T)
        return low_TR
    low_TR = hidden_TI.new_empty(len(hidden_TI), len(thin.A_RI))
    places = (*_place(hidden_TI), *_place(output_TO), low_TR)
    call("low_rank_forward", hidden_TI.dtype, *places, *_matrices(thin), *_sizes(thin, low_TR), float(thin.scaling))
    return low_TR


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
        A, B = thin.rounded(hidden_TI.dtype)
        grad_low_TR = grad_TO @ B
        if grad_hidden_TI is not None:
            grad_hidden_TI.addmm_(grad_low_TR, A)
        return (grad_low_TR.T @ hidden_TI).float(), (grad_TO.T @ low_TR).float().mul_(thin.scaling)
    grad_A, grad_B = torch.empty(thin.A_RI.shape), torch.empty(thin.B_OR.shape)
    hidden_place = (None, 0) if grad_hidden_TI is None else _place(grad_hidden_TI)
    places = (*_place(hidden_TI), *_place(grad_TO), *hidden_place, low_TR)
    matrices = (*_matrices(thin), grad_A, grad_B)
    call("low_rank_backward", hidden_TI.dtype, *places, *matrices, *_sizes(thin, low_TR), float(thin.scaling))
    return grad_A, grad_B


def _is_compiled(thin: ThinMatrices, *wide: torch.Tensor) -> bool:
    """Whether the compiled kernels take these inputs: rows dense and of one format, in bfloat16 read in pairs."""
    A, B, kind = thin.A_RI, thin.B_OR, wide[0].dtype
    if not is_native(wide[0]) or not A.dtype == B.dtype == torch.float32 or not 0 < len(A) <= MOST_RANK:
        return False
    return (A.is_contiguous() and B.is_contiguous()) and all(
        rows.dtype == kind and rows.stride(1) == 1 and rows.shape[1] % 2 == 0 for rows in wide
    )


def _place(rows: torch.Tensor) -> tuple[torch.Tensor, int]:
    return rows, rows.stride(0)


def _matrices(thin: ThinMatrices) -> tuple[torch.Tensor, torch.Tensor]:
    return thin.A_RI, thin.B_OR


def _sizes(thin: ThinMatrices, low_TR: torch.Tensor) -> tuple[int, int, int, int]:
    return len(low_TR), thin.A_RI.shape[1], len(thin.B_OR), len(thin.A_RI)
