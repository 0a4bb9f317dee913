"""Whole decoder layers under low-rank adapters, compiled; `models/straight` knows when they serve and packs them."""

import torch

from luthier.kernels.build import open_kernels
from luthier.kernels.call import call
from luthier.kernels.thin import MOST_RANK, ThinMatrices, lies_as_read

KIND = torch.bfloat16


def offers_decoder_layers() -> bool:
    """Whether whole layers are compiled for this machine: where large products are, in bfloat16."""
    return hasattr(open_kernels().library, "decoder_forward_bfloat16")


def fits_compiled_terms(thin: ThinMatrices) -> bool:
    """Whether an adapter's matrices can be read where they lie."""
    return lies_as_read(thin) and 0 < thin.A_RI.shape[0] <= MOST_RANK


def decoder_forward(spec: bytes, kept: bytes, room: torch.Tensor, output: torch.Tensor) -> None:
    """``spec`` and ``kept`` are what decoder_layer.cpp reads: the layer, and where what is kept goes.

    ``room`` is for what lies between two kernels.
    """
    call("decoder_forward", KIND, spec, kept, room, room.numel(), output)


def decoder_backward(
    spec: bytes, kept: bytes, room: torch.Tensor, gradients: bytes, grad: torch.Tensor, output: torch.Tensor | None
) -> None:
    """``gradients``: where those of each term's masters go; ``output``, if it is wanted, gets the input's."""
    call("decoder_backward", KIND, spec, kept, room, room.numel(), gradients, grad, output)
