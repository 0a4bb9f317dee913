"""One model in memory with its engine and its wording, and the adapters that were brought to it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from luthier.generation import Engine, EngineSettings
from luthier.models import choose_device, choose_precision, load_model, open_model_folder
from luthier.recipe import EngineSettings as ServedEngine
from luthier.runs.allocator import keep_freed_memory
from luthier.runs.serving.wording import Wording
from luthier.runs.workbench import FALLBACK_CONTEXT_TOKENS
from luthier.tokens import ChatTemplate, load_tokenizer

MEGABYTE = 1 << 20


@dataclass
class Host:
    """``wordings``: those of adapters that brought a tokenizer or a template unlike the base's."""

    path: str
    engine: Engine
    wording: Wording
    wordings: dict[str, Wording] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)
    users: int = 0

    def wording_of(self, adapter: str | None) -> Wording:
        return self.wording if adapter is None else self.wordings.get(adapter, self.wording)

    def bring(self, adapter: str, folder: Callable[[str], Path]) -> None:
        """Make an adapter known to the engine, with its files on this machine's disk. From any thread."""
        with self.lock:
            if adapter in self.engine.adapters:
                return
            found = folder(adapter)
            tokenizer_file = found / "tokenizer.json"
            if tokenizer_file.is_file():
                chat = ChatTemplate(load_tokenizer(found))
                if not _is_same(chat, self.wording.chat):
                    self.wordings[adapter] = Wording(chat, self.engine.vocabulary)
            self.engine.add_adapter(adapter, found)


def open_host(path: str, settings: ServedEngine) -> Host:
    """Load a model folder, or `starter`. Raises ModelError."""
    keep_freed_memory()
    folder = open_model_folder(path)
    chat = ChatTemplate(load_tokenizer(folder.path))
    device = choose_device()
    model = load_model(folder, choose_precision(settings.precision, device).dtype, device)
    engine = Engine(
        model.eval(),
        EngineSettings(
            rows=settings.max_running,
            context_tokens=folder.context_tokens or FALLBACK_CONTEXT_TOKENS,
            memory_bytes=settings.cache_megabytes * MEGABYTE,
            adapters=settings.adapters_kept,
            waiting=settings.max_waiting,
        ),
        base_name=str(folder.path),
    )
    return Host(path, engine, Wording(chat, engine.vocabulary))


def weights_print(path: str) -> str:
    """A short name for what lies in a folder: its configuration, and the sizes and times of its weights."""
    folder = open_model_folder(path).path
    hashed = hashlib.sha256()
    for file in sorted([*folder.glob("*.safetensors"), folder / "config.json", folder / "tokenizer.json"]):
        if file.is_file():
            told = file.stat()
            hashed.update(f"{file.name} {told.st_size} {told.st_mtime_ns}\n".encode())
    return hashed.hexdigest()[:10]


def _is_same(left: ChatTemplate, right: ChatTemplate) -> bool:
    is_same_text = left.tokenizer.chat_template == right.tokenizer.chat_template
    return is_same_text and left.tokenizer.get_vocab() == right.tokenizer.get_vocab()
