"""LoRA adapters on disk in PEFT's layout, so that PEFT, vLLM and others load what we write, and we what they wrote."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from luthier.adapters.lora import LoraPair, LoraPlan, LoraShape
from luthier.adapters.token_rows import TokenRows
from luthier.errors import ModelError

PREFIX = "base_model.model."
CONFIG_FILE = "adapter_config.json"
WEIGHTS_FILE = "adapter_model.safetensors"
ROWS = "token_adapter.trainable_tokens_delta"
# What PEFT can write and these layers cannot compute, with the value that means "not used".
REFUSED_UNLESS: dict[str, Any] = {
    "fan_in_fan_out": False,
    "bias": "none",
    "lora_bias": False,
    "modules_to_save": None,
    "layer_replication": None,
    "target_parameters": None,
    "alora_invocation_tokens": None,
    "use_qalora": False,
    "kasa_config": None,
    "monteclora_config": None,
    "use_bdlora": None,
    "arrow_config": None,
}
# These change the base's weights when they begin, so that the saved matrices alone are not the whole adapter.
BASE_CHANGING_STARTS = ("pissa", "olora", "loftq", "corda", "lora_ga")


def save_lora(folder: Path, pairs: Mapping[str, LoraPair], rows: Mapping[str, TokenRows], base_name: str) -> None:
    """Write adapter_config.json and adapter_model.safetensors (float32).

    ``pairs``: by the name of their linear layer; ``rows``: trained tokens by the name of their embedding or head.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: tensor.detach().cpu().contiguous() for key, tensor in _places(pairs, rows).items()}
    save_file(tensors, folder / WEIGHTS_FILE, metadata={"format": "pt"})
    shapes = {name: pair.shape for name, pair in pairs.items()}
    config = {"base_model_name_or_path": base_name, **_shape_settings(shapes), **_token_settings(rows)}
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def read_lora(folder: Path) -> LoraPlan:
    """The shape of each adapted layer and the trained tokens, taken from the files alone.

    Raises ModelError for kinds of adapters that luthier does not compute.
    """
    config = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    _refuse_strangers(folder, config)
    is_stabilised, has_magnitude = bool(config.get("use_rslora")), bool(config.get("use_dora"))
    shapes = {}
    for key, tensor in load_file(folder / WEIGHTS_FILE).items():
        name, is_first, _ = key.removeprefix(PREFIX).rpartition(".lora_A.")
        if is_first:
            alpha = float(_from_pattern(config.get("alpha_pattern"), name, config["lora_alpha"]))
            shapes[name] = LoraShape(tensor.shape[0], alpha, is_stabilised, has_magnitude)
    return LoraPlan(shapes, _token_ids(folder, config.get("trainable_token_indices")))


@torch.no_grad()
def load_lora(folder: Path, pairs: Mapping[str, LoraPair], rows: Mapping[str, TokenRows]) -> None:
    """Fill pairs and rows with what was saved; every tensor must find its place, and every pair its tensors.

    Rows that the file lacks stay as the base has them: PEFT trains an untied head only when told to.
    """
    saved, places = load_file(folder / WEIGHTS_FILE), _places(pairs, rows)
    strangers = sorted(set(saved) - set(places))
    missing = sorted(key for key in set(places) - set(saved) if not key.endswith(ROWS))
    misshapen = [key for key in set(saved) & set(places) if saved[key].shape != places[key].shape]
    ill = strangers + missing + sorted(misshapen)
    if ill:
        raise ModelError(
            f"{folder} and this base do not agree on {len(ill)} tensors, the first is {ill[0]}",
            expected="an adapter of this very base",
            fix="load the adapter on the base named in its adapter_config.json",
        )
    for key, tensor in saved.items():
        places[key].copy_(tensor)


def _places(pairs: Mapping[str, LoraPair], rows: Mapping[str, TokenRows]) -> dict[str, torch.Tensor]:
    places: dict[str, torch.Tensor] = {}
    for name, pair in pairs.items():
        places[f"{PREFIX}{name}.lora_A.weight"] = pair.lora_A
        places[f"{PREFIX}{name}.lora_B.weight"] = pair.lora_B
        if pair.lora_magnitude_vector is not None:
            places[f"{PREFIX}{name}.lora_magnitude_vector"] = pair.lora_magnitude_vector
    return places | {f"{PREFIX}{name}.{ROWS}": trained.rows for name, trained in rows.items()}


def _token_settings(rows: Mapping[str, TokenRows]) -> dict[str, Any]:
    ids = {name.rpartition(".")[2]: trained.token_ids for name, trained in rows.items()}
    if not ids:
        return {}
    # A plain list means the embedding and whatever is tied to it.
    return {"trainable_token_indices": next(iter(ids.values())) if len(ids) == 1 else ids}


def _token_ids(folder: Path, written: list[int] | dict[str, list[int]] | None) -> list[int]:
    if not written:
        return []
    lists = list(written.values()) if isinstance(written, dict) else [written]
    if any(ids != lists[0] for ids in lists):
        raise ModelError(
            f"{folder} trains other tokens in the head than in the embeddings",
            expected="the same trainable_token_indices for both",
            fix="merge it into its base with PEFT and use the merged model as base",
        )
    return lists[0]


def _shape_settings(shapes: Mapping[str, LoraShape]) -> dict[str, Any]:
    """PEFT's settings; layers that differ from the most frequent shape are listed by name."""
    usual = Counter(shapes.values()).most_common(1)[0][0]
    others = {f"^{re.escape(name)}$": shape for name, shape in shapes.items() if shape != usual}
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "inference_mode": True,
        "r": usual.rank,
        "lora_alpha": usual.alpha,
        "rank_pattern": {name: shape.rank for name, shape in others.items()},
        "alpha_pattern": {name: shape.alpha for name, shape in others.items()},
        "use_rslora": usual.is_rank_stabilised,
        "use_dora": usual.has_magnitude,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": False,
        "target_modules": sorted(shapes),
    }


def _from_pattern(pattern: dict[str, Any] | None, name: str, usual: Any) -> Any:
    """PEFT's rule: the first pattern that matches the end of the name, whole words only."""
    for written, value in (pattern or {}).items():
        if re.match(rf"(.*\.)?({written})$", name):
            return value
    return usual


def _refuse_strangers(folder: Path, config: dict[str, Any]) -> None:
    found = f"peft_type {config.get('peft_type')}" if config.get("peft_type") != "LORA" else None
    for key, unused in REFUSED_UNLESS.items():
        if config.get(key, unused) not in (unused, None, [], {}):
            found = found or f"{key}: {config[key]}"
    start = str(config.get("init_lora_weights", True))
    if start.startswith(BASE_CHANGING_STARTS):
        found = found or f"init_lora_weights: {start}, which changed the base's own weights"
    if found:
        raise ModelError(
            f"{folder} is an adapter that luthier does not compute ({found})",
            expected="peft_type LORA: plain, rank-stabilised (rsLoRA) or with magnitudes (DoRA)",
            fix="merge it into its base with PEFT and use the merged model as base",
        )
