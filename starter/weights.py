"""Master weights, their two optimizers, and checkpoints of both."""

import os
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM


class Weights:
    """float32 master weights beside the bfloat16 model, with Muon for matrices and AdamW for the rest."""

    def __init__(self, model: LlamaForCausalLM, matrix_rate: float, vector_rate: float, weight_decay: float):
        self.live = dict(model.named_parameters())
        self.master = {name: p.detach().float().clone() for name, p in self.live.items()}
        for p in self.master.values():
            p.grad = torch.zeros_like(p)
        matrices = [p for n, p in self.master.items() if p.ndim == 2 and "embed" not in n]
        others = [p for n, p in self.master.items() if p.ndim != 2 or "embed" in n]
        self.optimizers = [
            torch.optim.Muon(matrices, lr=matrix_rate, weight_decay=weight_decay, adjust_lr_fn="original"),
            torch.optim.AdamW(others, lr=vector_rate, betas=(0.9, 0.95), weight_decay=0.0),
        ]
        self.base_rates = [matrix_rate, vector_rate]

    def update(self, factor: float) -> float:
        for name, p in self.live.items():
            self.master[name].grad.copy_(p.grad)
            p.grad = None
        norm = torch.nn.utils.clip_grad_norm_(list(self.master.values()), 1.0)
        for optimizer, rate in zip(self.optimizers, self.base_rates, strict=True):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
        self.publish()
        return float(norm)

    def publish(self) -> None:
        with torch.no_grad():
            for name, p in self.live.items():
                p.copy_(self.master[name])

    def tensors(self) -> dict[str, torch.Tensor]:
        saved = {f"master.{n}": p.detach() for n, p in self.master.items()}
        for k, optimizer in enumerate(self.optimizers):
            for index, state in optimizer.state_dict()["state"].items():
                saved |= {f"optimizer.{k}.{index}.{key}": torch.as_tensor(value) for key, value in state.items()}
        return saved

    def restore(self, saved: dict[str, torch.Tensor]) -> None:
        with torch.no_grad():
            for name, p in self.master.items():
                p.copy_(saved[f"master.{name}"])
        for k, optimizer in enumerate(self.optimizers):
            state: dict[int, dict[str, torch.Tensor]] = {}
            for key, value in saved.items():
                if key.startswith(f"optimizer.{k}."):
                    _, _, index, field = key.split(".")
                    state.setdefault(int(index), {})[field] = value
            optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
        self.publish()


def save_checkpoint(folder: Path, weights: Weights, step: int, name: str) -> None:
    part = folder / f"{name}.part"
    save_file(weights.tensors(), part, metadata={"step": str(step)})
    os.replace(part, folder / f"{name}.safetensors")
    (folder / f"{name}.step").write_text(str(step))


def load_checkpoint(folder: Path, weights: Weights, name: str, device: str) -> int:
    """Take up a checkpoint, if there is one; returns the number of steps done."""
    file = folder / f"{name}.safetensors"
    if not file.exists():
        return 0
    weights.restore({key: value.to(device) for key, value in load_file(file).items()})
    return int((folder / f"{name}.step").read_text())
