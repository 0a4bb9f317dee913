"""Calling a compiled kernel with tensors, numbers and None, by its name and the tensors' number format."""

import ctypes
from functools import cache
from typing import Any

import torch

from luthier.kernels.build import open_kernels

FORMATS = {torch.float32: "float32", torch.bfloat16: "bfloat16"}


@cache
def _function(name: str) -> Any:
    library = open_kernels().library
    assert library is not None
    found = library[name]
    found.restype = None
    return found


def is_native(tensor: torch.Tensor) -> bool:
    """Whether compiled kernels can take this tensor."""
    return tensor.device.type == "cpu" and tensor.dtype in FORMATS and open_kernels().library is not None


def call(name: str, kind: torch.dtype, *arguments: torch.Tensor | int | float | None) -> None:
    """Run ``name`` for number format ``kind``; tensors must be dense and stay alive until it returns."""
    _function(f"{name}_{FORMATS[kind]}")(*[_as_c(argument) for argument in arguments])


def _as_c(argument: torch.Tensor | int | float | None) -> object:
    match argument:
        case torch.Tensor():
            return ctypes.c_void_p(argument.data_ptr())
        case float():
            return ctypes.c_float(argument)
        case None:
            return ctypes.c_void_p(None)
        case _:
            return ctypes.c_int64(argument)
