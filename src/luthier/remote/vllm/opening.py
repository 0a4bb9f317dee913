"""From the server's settings to a vLLM that can be asked: attach to one, or start one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from luthier.errors import RecipeError
from luthier.recipe import EngineSettings
from luthier.remote.vllm.inference import VllmInference
from luthier.remote.vllm.process import start_vllm

KEY_VARIABLE = "VLLM_API_KEY"


def vllm_url(settings: EngineSettings) -> str:
    """Where it is asked. Raises RecipeError for settings that name no address."""
    parts = urlsplit(settings.url or "")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise RecipeError(
            f"engine.kind: vllm with engine.url: {settings.url}",
            expected="the address that vLLM listens at, also where luthier starts it",
            fix="set engine.url=http://127.0.0.1:8001, and --port 8001 in engine.command",
        )
    return (settings.url or "").rstrip("/").removesuffix("/v1")


def open_vllm(settings: EngineSettings, weights_folder: Callable[[str], Path], log: Path) -> VllmInference:
    """Starts `engine.command` where there is one and waits for it, minutes for a large model. Its key, if it asks for
    one, is in VLLM_API_KEY, for both sides. Raises ModelError, RecipeError."""
    url = vllm_url(settings)
    process = start_vllm(settings.command, url, log) if settings.command else None
    return VllmInference(url, weights_folder, process, os.environ.get(KEY_VARIABLE))
