"""Prices from a dated YAML file that the user may replace; ours holds examples and says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from luthier.errors import DataError
from luthier.recipe.document import read_document

EXAMPLE_PRICES = Path(__file__).with_name("prices.yaml")
_MILLION = 1e6


@dataclass(frozen=True)
class HardwarePrice:
    """``per_hour`` and ``watts`` are those of the whole machine or accelerator unless ``per_core``."""

    name: str
    per_hour: float
    watts: float | None
    per_core: bool
    includes_electricity: bool
    matches: tuple[str, ...]


@dataclass(frozen=True)
class ApiPrice:
    """Per million tokens."""

    name: str
    input: float
    output: float
    cached_input: float
    matches: tuple[str, ...]


@dataclass(frozen=True)
class Prices:
    """A whole price file."""

    currency: str
    checked_on: str
    is_example: bool
    electricity_per_kilowatt_hour: float
    watts_per_core: float
    hardware: tuple[HardwarePrice, ...]
    apis: tuple[ApiPrice, ...]

    def hardware_for(self, machine: str, name: str | None = None) -> HardwarePrice | None:
        """By ``name`` where one is given, else the first that matches the accelerator's or processor's name."""
        if name is not None:
            return next((entry for entry in self.hardware if entry.name == name), None)
        found = (entry for entry in self.hardware if any(part.lower() in machine.lower() for part in entry.matches))
        return next(found, None)

    def api_for(self, model: str) -> ApiPrice | None:
        """The entry whose beginning of the name is the longest that fits."""
        model = model.lower().rpartition("/")[2]
        fitting = [(len(part), api) for api in self.apis for part in api.matches if model.startswith(part.lower())]
        return max(fitting, key=lambda found: found[0])[1] if fitting else None


def read_prices(path: Path | None = None) -> Prices:
    """``path``, or the examples that luthier brings; raises DataError that names what is missing."""
    file = path or EXAMPLE_PRICES
    values = read_document(file).values
    try:
        return Prices(
            currency=str(values["currency"]),
            checked_on=str(values["checked_on"]),
            is_example=bool(values.get("is_example", False)),
            electricity_per_kilowatt_hour=_amount(values, "electricity_per_kilowatt_hour"),
            watts_per_core=_amount(values, "watts_per_core"),
            hardware=tuple(_hardware(entry) for entry in values.get("hardware") or ()),
            apis=tuple(_api(entry) for entry in values.get("apis") or ()),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(
            f"{file}: {error}",
            expected="currency, checked_on, electricity_per_kilowatt_hour, watts_per_core, hardware and apis; each "
            "hardware with name and per_hour, each API with name, input and output, as numbers not below 0",
            fix=f"compare it with the example that luthier brings: {EXAMPLE_PRICES}",
        ) from None


def hardware_money(price: HardwarePrice, prices: Prices, seconds: float, cores: int, watt_hours: float) -> float:
    """What a machine costs for ``seconds``; electricity only where the hourly price leaves it out."""
    hourly = price.per_hour * (cores if price.per_core else 1)
    electricity = 0.0 if price.includes_electricity else watt_hours / 1000 * prices.electricity_per_kilowatt_hour
    return hourly * seconds / 3600 + electricity


def api_money(price: ApiPrice, prompt_tokens: float, completion_tokens: float, cached_tokens: float = 0.0) -> float:
    """What one request costs; ``cached_tokens`` are those of the prompt that were read from the cache."""
    fresh = prompt_tokens - cached_tokens
    whole = fresh * price.input + cached_tokens * price.cached_input + completion_tokens * price.output
    return whole / _MILLION


def watts_of(price: HardwarePrice | None, prices: Prices, cores: int) -> tuple[float, str]:
    """Watts under load, and in words whose figure that is."""
    if price is not None and price.watts is not None:
        watts = price.watts * (cores if price.per_core else 1)
        return watts, f"{watts:.0f} W of {price.name} by the price file, times the seconds it took"
    watts = prices.watts_per_core * cores
    many = f"{cores} core{'s' * (cores != 1)}"
    return watts, f"{prices.watts_per_core:g} W per core by the price file, times {many} and the seconds it took"


def _hardware(entry: Mapping[str, Any]) -> HardwarePrice:
    return HardwarePrice(
        name=str(entry["name"]),
        per_hour=_amount(entry, "per_hour"),
        watts=_amount(entry, "watts") if entry.get("watts") is not None else None,
        per_core=bool(entry.get("per_core", False)),
        includes_electricity=bool(entry.get("includes_electricity", False)),
        matches=tuple(str(part) for part in entry.get("matches") or (entry["name"],)),
    )


def _api(entry: Mapping[str, Any]) -> ApiPrice:
    return ApiPrice(
        name=str(entry["name"]),
        input=_amount(entry, "input"),
        output=_amount(entry, "output"),
        cached_input=_amount(entry, "cached_input") if "cached_input" in entry else _amount(entry, "input"),
        matches=tuple(str(part) for part in entry.get("matches") or (entry["name"],)),
    )


def _amount(entry: Mapping[str, Any], key: str) -> float:
    value = entry[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise ValueError(f"{key} is {value!r}")
    return float(value)
