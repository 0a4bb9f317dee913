"""AdamW over named float32 parameters, with moments that can be written down and taken up again by name."""

import torch
from torch import nn

from luthier.recipe import TrainingSettings

# Weight decay pulls matrices only: decaying norms and biases moves the model without regularising it.
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class NamedAdamW:
    """Loshchilov & Hutter 2019 (arXiv:1711.05101) through torch.optim.AdamW, keyed by parameter name."""

    def __init__(self, parameters: dict[str, nn.Parameter], settings: TrainingSettings):
        self.parameters = parameters
        decayed = [p for p in parameters.values() if p.ndim >= 2]
        plain = [p for p in parameters.values() if p.ndim < 2]
        self.inner = torch.optim.AdamW(
            [
                {"params": decayed, "weight_decay": settings.weight_decay},
                {"params": plain, "weight_decay": 0.0},
            ],
            lr=0.0,
            betas=(settings.adam_beta1, settings.adam_beta2),
            eps=settings.adam_epsilon,
            fused=True,
        )

    def step(self, learning_rate: float) -> None:
        for group in self.inner.param_groups:
            group["lr"] = learning_rate
        self.inner.step()
        self.inner.zero_grad(set_to_none=True)

    def moments(self) -> dict[str, torch.Tensor]:
        """Copies of all moments as ``<parameter>/<moment>``."""
        return {
            f"{name}/{key}": self.inner.state[parameter][key].detach().cpu().clone()
            for name, parameter in self.parameters.items()
            for key in MOMENTS
            if key in self.inner.state[parameter]
        }

    def restore(self, moments: dict[str, torch.Tensor]) -> None:
        for name, parameter in self.parameters.items():
            self.inner.state[parameter] = {
                key: moments[f"{name}/{key}"].to(parameter.device if key != "step" else "cpu")
                for key in MOMENTS
                if f"{name}/{key}" in moments
            }
