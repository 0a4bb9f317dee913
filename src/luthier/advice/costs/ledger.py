"""The ledger: what a run was predicted to cost and what it did cost, what each arm's requests cost, and break-even."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from luthier.advice.costs.break_even import BreakEven, break_even
from luthier.advice.costs.energy import Energy, energy_of
from luthier.advice.costs.operations import LoraShape, Work, training_operations
from luthier.advice.costs.prices import HardwarePrice, Prices, api_money, hardware_money, watts_of
from luthier.advice.costs.shape import ModelShape


@dataclass(frozen=True)
class Machine:
    """What a run ran on. ``name`` is the accelerator's, or the processor's; ``price_name`` a name in the price file."""

    name: str
    cores: int
    price_name: str | None = None


@dataclass(frozen=True)
class TrainingEffort:
    """Predicted or done. ``joules`` were measured over ``measured_seconds`` of the whole, if at all."""

    minutes: float | None
    computed_tokens: int
    peak_memory_bytes: int | None
    joules: float | None = None
    measured_seconds: float = 0.0


@dataclass(frozen=True)
class Efforts:
    """``calibrated``: foretold again after a few steps; None where there were too few to tell."""

    predicted: TrainingEffort
    calibrated: TrainingEffort | None
    actual: TrainingEffort


@dataclass(frozen=True)
class TrainedModel:
    """What the operations are counted from; ``mean_tokens`` is the mean length of a trained sequence."""

    shape: ModelShape
    mean_tokens: float
    head_share: float
    lora_rank: int | None
    recomputes: bool


@dataclass(frozen=True)
class ArmEffort:
    """Means per request. ``api_model`` is set for an arm that a remote model answered, ``money`` where it is known."""

    prompt_tokens: float
    completion_tokens: float
    seconds: float
    cached_tokens: float = 0.0
    api_model: str | None = None
    money: float | None = None


@dataclass(frozen=True)
class Ledger:
    """As `ledger.json` holds it."""

    predicted: Mapping[str, Any]
    calibrated: Mapping[str, Any] | None
    actual: Mapping[str, Any]
    cost_per_1000_requests: Mapping[str, Mapping[str, Any]]
    break_even: tuple[BreakEven, ...]
    prices: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {
            "predicted": dict(self.predicted),
            "calibrated": dict(self.calibrated) if self.calibrated is not None else None,
            "actual": dict(self.actual),
            "cost_per_1000_requests": {name: dict(cost) for name, cost in self.cost_per_1000_requests.items()},
            "break_even": {item.against: item.as_json() for item in self.break_even},
            "prices": dict(self.prices),
        }


def build_ledger(
    efforts: Efforts,
    model: TrainedModel | None,
    arms: Mapping[str, ArmEffort],
    bill: Bill,
    requests_per_month: float | None = None,
) -> Ledger:
    """``model`` None leaves the operations out; a price that the file does not hold leaves the money out."""
    per_arm = {name: bill.for_1000_requests(arm) for name, arm in arms.items()}
    done = bill.for_training(efforts.actual, model)
    money = {name: cost["money"] for name, cost in per_arm.items() if cost["money"] is not None}
    tuned, trained = money.get("tuned"), done["money"]
    untuned = {name: price for name, price in money.items() if not name.startswith("tuned")}
    crossing: tuple[BreakEven, ...] = ()
    if tuned is not None and trained is not None:
        crossing = break_even(trained, tuned, untuned, bill.prices.currency, requests_per_month)
    calibrated = bill.for_training(efforts.calibrated, model) if efforts.calibrated else None
    return Ledger(bill.for_training(efforts.predicted, model), calibrated, done, per_arm, crossing, bill.terms())


@dataclass(frozen=True)
class Bill:
    """A machine and a price file, and what they make of effort."""

    machine: Machine
    prices: Prices

    @property
    def hardware(self) -> HardwarePrice | None:
        return self.prices.hardware_for(self.machine.name, self.machine.price_name)

    def for_training(self, effort: TrainingEffort, model: TrainedModel | None) -> dict[str, Any]:
        """Tokens, operations, minutes, memory, energy, money; None where it is not known."""
        seconds = effort.minutes * 60 if effort.minutes is not None else None
        energy = self._energy(effort, seconds) if seconds is not None else None
        return {
            "computed_tokens": effort.computed_tokens,
            "operations": trained_operations(model, effort.computed_tokens) if model else None,
            "minutes": effort.minutes,
            "peak_memory_bytes": effort.peak_memory_bytes,
            "energy_watt_hours": energy.watt_hours if energy else None,
            "energy_source": energy.source if energy else None,
            "energy_explanation": energy.explanation if energy else None,
            "money": self._money(seconds, energy) if seconds is not None and energy else None,
        }

    def for_1000_requests(self, arm: ArmEffort) -> dict[str, Any]:
        """Money, its source, and the tokens and seconds it was worked out from."""
        told = {
            "prompt_tokens": 1000 * arm.prompt_tokens,
            "completion_tokens": 1000 * arm.completion_tokens,
            "seconds": 1000 * arm.seconds,
        }
        if arm.money is not None:
            return {"money": 1000 * arm.money, "source": "tokens at the price in the recipe", **told}
        if arm.api_model is not None:
            price = self.prices.api_for(arm.api_model)
            if price is None:
                return {"money": None, "source": f"no price for {arm.api_model} in the price file", **told}
            money = 1000 * api_money(price, arm.prompt_tokens, arm.completion_tokens, arm.cached_tokens)
            return {"money": money, "source": f"tokens at the price of {price.name}", **told}
        seconds = 1000 * arm.seconds
        money = self._money(seconds, self._energy(TrainingEffort(seconds / 60, 0, None), seconds))
        source = f"seconds on {self.hardware.name} as measured here" if self.hardware else "no price for this machine"
        return {"money": money, "source": source, **told}

    def terms(self) -> dict[str, Any]:
        """Whose prices these are."""
        return {
            "currency": self.prices.currency,
            "checked_on": self.prices.checked_on,
            "are_examples": self.prices.is_example,
            "hardware": self.hardware.name if self.hardware else None,
        }

    def _energy(self, effort: TrainingEffort, seconds: float) -> Energy:
        watts, explanation = watts_of(self.hardware, self.prices, self.machine.cores)
        joules = effort.joules
        if joules is not None and 0 < effort.measured_seconds < seconds:
            # A resumed run measured only its last part.
            joules *= seconds / effort.measured_seconds
        return energy_of(joules, seconds, watts, explanation)

    def _money(self, seconds: float, energy: Energy) -> float | None:
        if self.hardware is None:
            return None
        return hardware_money(self.hardware, self.prices, seconds, self.machine.cores, energy.watt_hours)


def trained_operations(model: TrainedModel, computed_tokens: int) -> int:
    """All steps together, as sequences of the mean length; attention grows with the square, so this is a little low."""
    length = max(1, round(model.mean_tokens))
    sequences = max(1, round(computed_tokens / length))
    work = Work(length, (length,), round(length * model.head_share))
    lora = LoraShape(model.lora_rank) if model.lora_rank else None
    return round(sequences * training_operations(model.shape, work, lora, model.recomputes).total)
