"""What a generator is: a name, typed parameters, and a function from them to a trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any

import numpy as np

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.traces.access import AccessTrace
from hiersim.traces.operation import OperationStream, OperationTrace
from hiersim.traces.request import RequestTrace

Made = AccessTrace | RequestTrace | OperationTrace | OperationStream
"""What a generator makes: one of the three kinds of trace, or operations piece by piece."""
SECOND = 10**12  # picoseconds
LARGEST = 2**62
TRUTH = {"yes": True, "true": True, "no": False, "false": False}


@dataclass(frozen=True)
class Generator:
    """One kind of generated trace.

    Attributes:
        name: what users call it.
        summary: what it makes, in a line.
        parameters: a frozen dataclass made of ``parameter`` fields.
        make: makes the trace, of accesses, requests or operations, from the parameters and a random generator.
        operations: it makes operations, which are executed.
    """

    name: str
    summary: str
    parameters: type[Any]
    make: Callable[[Any, np.random.Generator], Made]
    operations: bool = False


def parameter(
    default: Any, about: str, *, low: float = 0, high: float = LARGEST, unit: str = "", one_of: tuple[str, ...] = ()
) -> Any:
    """Return a dataclass field with its meaning and its bounds.

    Args:
        default: the value if none is given; its type is the parameter's type.
        about: what it means, with its unit.
        low: the least value allowed.
        high: the largest value allowed.
        unit: a dimension of ``hiersim.units`` such as ``bytes`` or ``time``, so that text such as ``4 KiB`` is read.
        one_of: the words allowed.
    """
    return field(default=default, metadata={"about": about, "low": low, "high": high, "unit": unit, "one_of": one_of})


def typed(kind: Generator, given: dict[str, Any]) -> Any:
    """Return the generator's parameters from numbers, words, or text as on a command line.

    Raises:
        ConfigError: all mistakes at once: unknown names with the nearest, values of the wrong type or out of bounds.
    """
    known = {f.name: f for f in fields(kind.parameters)}
    values, wrong = {}, []
    for name, value in given.items():
        if name not in known:
            wrong.append(Mistake(f"{kind.name}.{name}", f"unknown parameter{nearest(name, known)}"))
            continue
        try:
            values[name] = _value(known[name], value)
        except (ValueError, ConfigError) as why:
            wrong.append(Mistake(f"{kind.name}.{name}", str(why)))
    if wrong:
        raise ConfigError(wrong)
    return kind.parameters(**values)


def _value(known: Field[Any], value: Any) -> Any:
    """Return one value, converted to the type of the default and checked; raises ValueError or ConfigError."""
    from hiersim.units import parse

    rule, default = known.metadata, known.default
    if rule["one_of"]:
        if value not in rule["one_of"]:
            raise ValueError(f"`{value}` is not one of {', '.join(rule['one_of'])}")
        return value
    if isinstance(default, bool):
        if str(value).lower() not in TRUTH:
            raise ValueError(f"expected yes or no, got `{value}`")
        return TRUTH[str(value).lower()]
    if isinstance(default, str):
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"expected a name, got `{value}`")
        return value
    if isinstance(value, str) and rule["unit"]:
        value = parse(value, rule["unit"])
    if isinstance(value, bool) or not isinstance(value, int | float | str | np.integer | np.floating):
        raise ValueError(f"expected a number, got `{value}`")
    try:
        number = float(value)
        whole = int(value) if not isinstance(value, str) or value.strip().lstrip("+-").isdigit() else int(number)
    except (ValueError, OverflowError):
        raise ValueError(f"expected a number, got `{value}`") from None
    if isinstance(default, int) and whole != number and not isinstance(value, int):
        raise ValueError(f"expected a whole number, got `{value}`")
    result = whole if isinstance(default, int) else number
    if not rule["low"] <= result <= rule["high"]:
        raise ValueError(f"must be {rule['low']:g} to {rule['high']:g}, got `{value}`")
    return result


def described(parameters: Any) -> str:
    """Return the parameters that differ from their defaults, as ``name=value`` in order."""
    named = ((f.name, getattr(parameters, f.name), f.default) for f in fields(parameters))
    return " ".join(f"{name}={value}" for name, value, default in named if default is MISSING or value != default)
