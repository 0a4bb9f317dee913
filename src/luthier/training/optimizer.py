"""AdamW over named float32 parameters, with moments that can be written down and taken up again by name."""

from collections.abc import Mapping

import torch
from torch import nn

from luthier.recipe import TrainingSettings

# Weight decay pulls matrices only: decaying norms and biases moves the model without regularising it.
MOMENTS = ("exp_avg", "exp_avg_sq", "step")


class NamedAdamW:
    """Loshchilov & Hutter 2019 (arXiv:1711.05101) through torch.optim.AdamW, keyed by parameter name."""

    def __init__(
        self,
        parameters: dict[str, nn.Parameter],
        settings: TrainingSettings,
        rate_factors: Mapping[str, float] | None = None,
    ):
        """``rate_factors``: what a parameter's learning rate is multiplied by, where that is not 1 (LoRA+)."""
        self.parameters = parameters
        factors = rate_factors or {}
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in parameters.items():
            decay = settings.weight_decay if parameter.ndim >= 2 else 0.0
            groups.setdefault((decay, factors.get(name, 1.0)), []).append(parameter)
        self.inner = torch.optim.AdamW(
            [
                {"params": members, "weight_decay": decay, "rate_factor": factor}
                for (decay, factor), members in groups.items()
            ],
            lr=0.0,
            betas=(settings.adam_beta1, settings.adam_beta2),
            eps=settings.adam_epsilon,
            fused=True,
        )

    def step(self, learning_rate: float) -> None:
        for group in self.inner.param_groups:
            group["lr"] = learning_rate * group["rate_factor"]
        self.inner.step()
        self.inner.zero_grad(set_to_none=True)

    def moments(self) -> dict[str, torch.Tensor]:
        """All moments as ``<parameter>/<moment>``, as they are now: written down at once or copied.

        A copy here would cost twice the model's size at every checkpoint of full tuning.
        """
        return {
            f"{name}/{key}": self.inner.state[parameter][key].detach().cpu()
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
