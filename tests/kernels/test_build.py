"""Kernels are compiled once, kept, and never stand in the way: without a compiler torch's operations serve."""

import os
import subprocess
import sys

import pytest

PROGRAM = """
import torch
from luthier.kernels import open_kernels, rms_norm
kernels = open_kernels()
print(kernels.library is not None, "|", kernels.reason)
print(rms_norm(torch.ones(2, 4), torch.ones(4), 1e-6, 0.0).sum().item())
"""


def run(**environment):
    known = {**os.environ, **environment}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=known, capture_output=True, text=True, check=True, timeout=120)
    first, second = done.stdout.splitlines()
    assert float(second) == pytest.approx(8.0, rel=1e-5)
    return first


def test_the_second_process_opens_what_the_first_compiled(tmp_path):
    assert run(XDG_CACHE_HOME=str(tmp_path)).startswith("True")
    (library,) = (tmp_path / "luthier" / "kernels").iterdir()
    written = library.stat().st_mtime_ns
    assert run(XDG_CACHE_HOME=str(tmp_path)).startswith("True")
    assert library.stat().st_mtime_ns == written


def test_without_a_compiler_torch_serves_and_the_reason_is_told(tmp_path):
    told = run(XDG_CACHE_HOME=str(tmp_path), PATH=str(tmp_path), CXX="")
    assert told.startswith("False")
    assert "no C++ compiler" in told


def test_a_compiler_that_fails_is_told_too(tmp_path):
    told = run(XDG_CACHE_HOME=str(tmp_path), CXX="false")
    assert told.startswith("False")
    assert "could not be compiled" in told
    assert not list((tmp_path / "luthier" / "kernels").iterdir())


def test_kernels_can_be_switched_off():
    assert "LUTHIER_KERNELS=torch" in run(LUTHIER_KERNELS="torch")
