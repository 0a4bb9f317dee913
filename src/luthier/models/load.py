"""Loading a base model through Transformers' own code, with our attention and nothing that runs foreign code."""

from typing import Any

import torch

from luthier.errors import ModelError
from luthier.models.attention import open_doorway
from luthier.models.fold_probe import folding_of
from luthier.models.folder import ModelFolder
from luthier.models.folding import calls_any_attention
from luthier.models.fusing import fuse


def load_model(folder: ModelFolder, dtype: torch.dtype, device: torch.device | str = "cpu") -> torch.nn.Module:
    """The causal language model of ``folder`` in evaluation mode, every parameter frozen.

    Raises ModelError when the weights are damaged, incomplete or of an architecture Transformers does not know.
    """
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    attention = open_doorway()
    try:
        config = AutoConfig.from_pretrained(folder.path, trust_remote_code=False, local_files_only=True)
        if not calls_any_attention(_class_of(config)):
            attention = "eager"
        loaded: Any = AutoModelForCausalLM.from_pretrained(
            folder.path,
            dtype=dtype,
            attn_implementation=attention,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        raise ModelError(
            f"{folder.path} cannot be loaded: {str(error).splitlines()[0]}",
            expected="whole safetensors of an architecture that Transformers carries",
            fix="download the model again and compare its checksums",
        ) from None
    model, info = loaded
    missing = sorted(info.get("missing_keys", ()))
    if missing:
        raise ModelError(
            f"{folder.path} lacks {len(missing)} of the model's tensors, the first is {missing[0]}",
            expected="weights for every parameter; a missing one would be random numbers",
            fix="download the model again, all shards included",
        )
    model.to(device)
    model.requires_grad_(False)
    folding_of(model.eval())
    fuse(model)
    return model


def _class_of(config: Any) -> Any:
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING

    return MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]


def choose_device() -> torch.device:
    """The best accelerator present, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
