"""A model folder before anything is loaded from it: what it must hold, and what it must not. No torch here."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import ModelError

STARTER = "starter"
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "spiece.model")
PICKLE_PATTERNS = ("pytorch_model*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl", "adapter_model.bin")


@dataclass(frozen=True)
class ModelFolder:
    """A checked folder with its configuration."""

    path: Path
    config: dict[str, Any]

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def context_tokens(self) -> int | None:
        """The longest sequence the model was made for, if its configuration says so."""
        text = self.config.get("text_config", self.config)
        value = text.get("max_position_embeddings") or text.get("n_positions")
        return int(value) if value else None

    @property
    def weight_bytes(self) -> int:
        return sum(file.stat().st_size for file in self.path.glob("*.safetensors"))


def open_model_folder(path: str) -> ModelFolder:
    """Check a folder (or the word "starter"); raises ModelError that says what is missing or refused."""
    folder = Path(__file__).parent / "starter" if path == STARTER else Path(path)
    if not folder.is_dir():
        raise ModelError(
            f"model folder not found: {path}",
            expected="a folder with config.json, *.safetensors and a tokenizer, or the word 'starter'",
            fix="give the path of a downloaded model: --set model.path=/path/to/model (nothing is downloaded by name)",
        )
    config = _read_config(folder)
    _refuse_pickles(folder)
    if config.get("auto_map"):
        _refuse_remote_code(folder, config)
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            f"no tokenizer in {folder}",
            expected=f"one of {', '.join(TOKENIZER_FILES)} beside config.json",
            fix="copy the tokenizer files of the model you downloaded into this folder",
        )
    return ModelFolder(folder, config)


def _read_config(folder: Path) -> dict[str, Any]:
    file = folder / "config.json"
    if not file.is_file():
        raise ModelError(
            f"no config.json in {folder}",
            expected="a Transformers model folder",
            fix="point model.path at the folder that holds config.json (an adapter folder is not a base model)",
        )
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise ModelError(
            f"{file} cannot be read: {error}", expected="a JSON object", fix="copy the file again"
        ) from None
    if not isinstance(config, dict) or "model_type" not in config:
        raise ModelError(
            f"{file} has no model_type", expected="a Transformers configuration", fix="copy the file again"
        )
    return config


def _refuse_pickles(folder: Path) -> None:
    if any(folder.glob("*.safetensors")):
        return
    pickles = sorted(file.name for pattern in PICKLE_PATTERNS for file in folder.glob(pattern))
    if pickles:
        raise ModelError(
            f"{folder} holds its weights as pickle ({pickles[0]})",
            expected="model.safetensors: a pickle can run any code when it is opened, so luthier never opens one",
            fix="download the safetensors version, or convert it with Transformers on a machine you trust",
        )
    raise ModelError(
        f"no weights in {folder}",
        expected="model.safetensors, or its shards with model.safetensors.index.json",
        fix="download the model again, weights included",
    )


def _refuse_remote_code(folder: Path, config: dict[str, Any]) -> None:
    from transformers import CONFIG_MAPPING

    if config["model_type"] not in CONFIG_MAPPING:
        raise ModelError(
            f"{folder} needs Python code of its own (auto_map), which luthier never runs",
            expected=f"an architecture that Transformers carries; '{config['model_type']}' is not among them",
            fix="use a model whose architecture Transformers supports, or a newer Transformers",
        )
