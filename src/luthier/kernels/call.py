"""Calling a compiled kernel with tensors, numbers, bytes and None, by its name and the tensors' number format."""

import ctypes
from functools import cache
from typing import Any

import torch

from luthier.kernels.build import open_kernels

FORMATS = {torch.float32: "float32", torch.bfloat16: "bfloat16"}
PLAIN = frozenset({int, float, bool, bytes, type(None)})


@cache
def _function(name: str, kind: torch.dtype) -> Any:
    library = open_kernels().library
    assert library is not None
    found = library[f"{name}_{FORMATS[kind]}"]
    found.restype = None
    return found


def is_native(tensor: torch.Tensor) -> bool:
    """Whether compiled kernels can take this tensor."""
    return tensor.dtype in FORMATS and tensor.is_cpu and open_kernels().library is not None


def call(name: str, kind: torch.dtype, *arguments: torch.Tensor | int | float | bytes | None) -> None:
    """Run ``name`` for number format ``kind``; tensors must be dense and stay alive until it returns.

    A small step calls a hundred kernels, so what an argument is in C is settled at the first call.
    """
    function = _function(name, kind)
    if function.argtypes is None:
        function.argtypes = [_in_c(argument) for argument in arguments]
    function(*[argument if type(argument) in PLAIN else argument.data_ptr() for argument in arguments])  # pyright: ignore


def _in_c(argument: torch.Tensor | int | float | bytes | None) -> Any:
    match argument:
        case float():
            return ctypes.c_float
        case int():
            return ctypes.c_int64
        case _:
            return ctypes.c_void_p
