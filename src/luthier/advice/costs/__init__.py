"""Costs: operations in closed form, energy, money from a dated price file, the ledger and break-even."""

from luthier.advice.costs.break_even import BreakEven, break_even
from luthier.advice.costs.energy import Energy, EnergyReading, energy_of, joules_between, read_counters
from luthier.advice.costs.ledger import (
    ArmEffort,
    Bill,
    Efforts,
    Ledger,
    Machine,
    TrainedModel,
    TrainingEffort,
    build_ledger,
    trained_operations,
)
from luthier.advice.costs.operations import (
    LoraShape,
    Operations,
    Work,
    forward_operations,
    operations_per_token,
    plain_work,
    training_operations,
)
from luthier.advice.costs.prices import EXAMPLE_PRICES, Prices, read_prices
from luthier.advice.costs.shape import ModelShape, shape_of

__all__ = [
    "EXAMPLE_PRICES",
    "ArmEffort",
    "Bill",
    "BreakEven",
    "Efforts",
    "Energy",
    "EnergyReading",
    "Ledger",
    "LoraShape",
    "Machine",
    "ModelShape",
    "Operations",
    "Prices",
    "TrainedModel",
    "TrainingEffort",
    "Work",
    "break_even",
    "build_ledger",
    "energy_of",
    "forward_operations",
    "joules_between",
    "operations_per_token",
    "plain_work",
    "read_counters",
    "read_prices",
    "shape_of",
    "trained_operations",
    "training_operations",
]
