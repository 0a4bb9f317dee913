"""Adapters by name: loaded onto the base when a request needs one, taken off again when room is needed.

Only the engine's own thread loads and unloads, between two steps; names come and go from any thread.
"""

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError

from luthier.adapters import Adapter, BottleneckAdapter, LoraAdapter, SlotTable, load_adapter
from luthier.errors import ModelError
from luthier.generation.engine.failures import RequestRefused

CONFIG_FILE = "adapter_config.json"


@dataclass
class Known:
    """``version`` tells apart what was registered under one name at different times."""

    folder: Path
    version: int
    is_alone: bool


@dataclass
class Loaded:
    """``users``: rows that are being written with it."""

    adapter: Adapter
    version: int
    is_alone: bool
    users: int = 0


class AdapterShelf:
    """At most ``most`` are loaded; the one that was used longest ago makes room."""

    def __init__(self, model: torch.nn.Module, base_name: str, most: int):
        self.model = model
        self.base_name = base_name
        self.most = most
        self.loads = 0
        self.evictions = 0
        self.changes = 0
        self._known: dict[str, Known] = {}
        self._loaded: OrderedDict[str, Loaded] = OrderedDict()
        self._lock = threading.Lock()
        self._versions = 0
        self._base_users = 0

    def register(self, name: str, folder: Path) -> None:
        """Make an adapter known, or put a new one in its place: requests that run go on with the old one."""
        with self._lock:
            self._versions += 1
            self._known[name] = Known(folder, self._versions, _needs_own_base(folder))

    def unregister(self, name: str) -> None:
        with self._lock:
            self._known.pop(name, None)

    def knows(self, name: str) -> bool:
        return name in self._known

    @property
    def names(self) -> list[str]:
        return sorted(self._known)

    @property
    def loaded(self) -> list[str]:
        return list(self._loaded)

    @property
    def table(self) -> SlotTable | None:
        """Whose tokens a batch holds; None while the base is bare."""
        return next((held.adapter.table for held in self._loaded.values()), None)

    def version(self, name: str | None) -> int:
        """What keys and values depend on, beside the tokens."""
        return 0 if name is None else self._loaded[name].version

    def bring(self, name: str | None) -> tuple[str | None] | None:
        """Load if need be, and hold it for one more row: its slot in a tuple of one; None while there is no room.

        Raises ModelError where the files are no adapter of this base.
        """
        if name is None:
            if any(held.is_alone and held.users for held in self._loaded.values()):
                return None
            self._drop([other for other, held in self._loaded.items() if held.is_alone])
            self._base_users += 1
            return (None,)
        known = self._known.get(name)
        if known is None:
            raise unknown_adapter(name, self.names)
        held = self._loaded.get(name)
        if held is None or held.version != known.version:
            held = self._load(name, known)
        if held is None:
            return None
        self._loaded.move_to_end(name)
        held.users += 1
        return (held.adapter.slot,)

    def let_go(self, name: str | None) -> None:
        """One row less."""
        if name is None:
            self._base_users -= 1
        else:
            self._loaded[name].users -= 1

    def clear(self) -> None:
        """Take every adapter off the base. Nobody may be using them."""
        self._drop(list(self._loaded))

    def _load(self, name: str, known: Known) -> Loaded | None:
        held = self._loaded.get(name)
        if held is not None and held.users:
            return None  # the old version is still being used; its successor waits
        busy = [other for other in self._loaded.values() if other.users]
        if (known.is_alone and (busy or self._base_users)) or any(other.is_alone for other in busy):
            return None
        idle = [other for other, seat in self._loaded.items() if not seat.users and other != name]
        alone = [other for other in idle if known.is_alone or self._loaded[other].is_alone]
        room = self.most - len(self._loaded) + len(alone) + (held is not None)
        leaving = alone + [other for other in idle if other not in alone][: max(0, 1 - room)]
        if room + len(leaving) - len(alone) < 1:
            return None
        self._drop([*leaving, *([name] if held is not None else [])])
        self.loads += 1
        self.changes += 1
        slot = f"serving{self.loads}"
        adapter = self._read(name, known.folder, slot)
        adapter.serve()
        self._loaded[name] = Loaded(adapter, known.version, known.is_alone)
        return self._loaded[name]

    def _read(self, name: str, folder: Path, slot: str) -> LoraAdapter | BottleneckAdapter:
        try:
            return load_adapter(self.model, self.base_name, folder, slot)
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"the files of adapter {name!r} cannot be read: {type(error).__name__}",
                expected="a folder with a configuration and safetensors, as luthier or PEFT write it",
                fix="write or copy the adapter again",
            ) from error

    def _drop(self, names: list[str]) -> None:
        for name in names:
            self._loaded.pop(name).adapter.remove()
            self.evictions += 1
            self.changes += 1


def unknown_adapter(name: str, known: list[str]) -> RequestRefused:
    return RequestRefused(
        f"no adapter is called {name!r}",
        expected=f"one of {', '.join(known[:8]) or 'none, so far'}",
        fix="make the adapter known first, or correct the name",
    )


def _needs_own_base(folder: Path) -> bool:
    """Trained tokens change the head, which all rows of a batch share."""
    file = folder / CONFIG_FILE
    if not file.is_file():
        return False
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return False  # loading says what is wrong
    return isinstance(config, dict) and bool(config.get("trainable_token_indices"))
