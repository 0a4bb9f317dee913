"""From settings to a vLLM."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from luthier.errors import RecipeError
from luthier.recipe import EngineSettings
from luthier.remote.vllm import open_vllm, vllm_url
from remote.vllm.fake_vllm import fake_vllm


@pytest.mark.parametrize("url", [None, "127.0.0.1:8001", "ftp://x", "http://key@host"])
def test_an_address_is_needed(url: Any):
    with pytest.raises(RecipeError, match=r"engine\.url"):
        vllm_url(EngineSettings(kind="vllm", url=url))


def test_one_that_runs_is_attached_to_under_either_spelling_of_its_address(tmp_path: Path):
    with fake_vllm() as fake:
        for url in (fake.url, f"{fake.url}/v1", f"{fake.url}/"):
            inference = open_vllm(EngineSettings(kind="vllm", url=url), Path, tmp_path / "log")
            assert inference.is_ready()
            assert asyncio.run(inference.models()) == ["tiny"]
