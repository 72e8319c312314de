"""Quantities with units, both ways: ``"80 GiB"`` <-> 85899345920 bytes, ``"45 us"`` <-> 45000000 picoseconds.

A quantity has a dimension, and inside the program each dimension has one base unit: bytes (int), bytes/s (float),
picoseconds (int), pJ/bit and pJ (float), operations/s (float), watts (float), FLOP/s (float), FLOP (float), a share of
1 (float) and a count (int). GB is 10^9 and GiB is 2^30; ``B`` is bytes and ``b`` is bits; symbols are case-sensitive,
so the difference is never silent. Parsing is exact (fractions), then rounded once to the base unit.

The ``Annotated`` types below are for pydantic models; this module itself does not import pydantic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, get_args

from hiersim.errors import ConfigError, nearest

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema, ValidationInfo

FROM_TEXT = {"from_text": True}
"""Validation context of values that come from YAML, JSON or an option: a bare number is not a quantity there."""


class UnitError(ConfigError, ValueError):
    """A text or number is not a quantity of the dimension that is expected."""


@dataclass(frozen=True)
class Dimension:
    """What a quantity measures, and the symbols it may be written in.

    Attributes:
        noun: what a value of it is called in messages, such as ``a size``.
        units: symbol -> how many base units it stands for; the first symbol is the base unit.
        example: a correct text, shown in messages.
        high: the largest value allowed, in the base unit.
        whole: the base unit is counted in integers.
        bare: a number without unit is a value too (shares, counts).
    """

    noun: str
    units: Mapping[str, Fraction]
    example: str
    high: int
    whole: bool = False
    bare: bool = False

    @property
    def base(self) -> str:
        """The symbol of the base unit."""
        return next(iter(self.units))


def _prefixed(unit: str, prefixes: str, base: Fraction | int = 1) -> dict[str, Fraction]:
    """Return decimal multiples of a unit: ``_prefixed("W", "mkM")`` has W, mW, kW and MW."""
    powers = {"p": -12, "n": -9, "u": -6, "m": -3, "k": 3, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
    return {unit: Fraction(base)} | {p + unit: Fraction(base) * Fraction(10) ** powers[p] for p in prefixes}


_SIZES = _prefixed("B", "kKMGTP") | {f"{p}iB": Fraction(1024 ** (i + 1)) for i, p in enumerate("KMGTP")}
_RATES = {f"{symbol}/s": scale for symbol, scale in (_SIZES | _prefixed("b", "kMGT", Fraction(1, 8))).items()}
_SECOND = Fraction(10**12)
_TIMES = {"ps": Fraction(1), "ns": _SECOND / 10**9, "us": _SECOND / 10**6, "ms": _SECOND / 1000, "s": _SECOND}
_TIMES |= {"min": 60 * _SECOND, "h": 3600 * _SECOND}
_ENERGIES = {"pJ/bit": Fraction(1), "fJ/bit": Fraction(1, 1000), "nJ/bit": Fraction(1000)}
_WORK = {"pJ": Fraction(1)} | {f"{p}J": Fraction(1000**i) for i, p in enumerate(("n", "u", "m", ""), 1)}
_OPERATIONS = _prefixed("ops/s", "kMG") | _prefixed("IOPS", "kMG")

DIMENSIONS: dict[str, Dimension] = {
    "bytes": Dimension("a size", _SIZES, "80 GiB", 2**56, whole=True),
    "bytes/s": Dimension("a bandwidth", _RATES, "3.35 TB/s", 10**18),
    "time": Dimension("a time", _TIMES, "45 us", 100 * 86400 * 10**12, whole=True),
    "energy/bit": Dimension("an energy per bit", _ENERGIES, "3.9 pJ/bit", 10**9),
    "energy": Dimension("an energy", _WORK, "6.7 nJ", 10**15),
    "ops/s": Dimension("an operation rate", _OPERATIONS, "2.5 MIOPS", 10**15),
    "power": Dimension("a power", _prefixed("W", "mkM"), "25 W", 10**9),
    "FLOP/s": Dimension("a compute rate", _prefixed("FLOP/s", "kMGTPE"), "989.4 TFLOP/s", 10**24),
    "FLOP": Dimension("an amount of compute", _prefixed("FLOP", "kMGTPE"), "2 TFLOP", 10**30),
    "share": Dimension("a share", {"": Fraction(1), "%": Fraction(1, 100)}, "90%", 1, bare=True),
    "count": Dimension("a count", _prefixed("", "kMG"), "1200", 2**62, whole=True, bare=True),
}  # fmt: skip
"""The dimensions by name; the largest size is 2^56 B (64 PiB) and the longest time 100 days."""

_NUMBER = re.compile(r"\s*([+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?)\s*(.*?)\s*", re.DOTALL)


def parse(text: str, dimension: str) -> int | float:
    """Return the value of a text such as ``"80 GiB"`` in the base unit of its dimension.

    Args:
        text: a number and a unit, with or without a space between; a bare ``0`` needs no unit.
        dimension: a key of ``DIMENSIONS``, such as ``"bytes"``.

    Raises:
        UnitError: it is not such a quantity; the message shows an example of one.
    """
    kind = DIMENSIONS[dimension]
    match = _NUMBER.fullmatch(text) if len(text) <= 100 else None
    if match is None:
        raise UnitError(f"`{_clip(text)}` is not {kind.noun}; expected a number with a unit, such as `{kind.example}`")
    number, symbol = Fraction(match[1].replace("_", "")), match[2]
    if not symbol and (kind.bare or number == 0):
        return _bounded(number, kind, text)
    if symbol not in kind.units:
        raise UnitError(_wrong_unit(text, symbol, kind))
    return _bounded(number * kind.units[symbol], kind, text)


def of_number(value: float, dimension: str) -> int | float:
    """Return a number that is already in the base unit of its dimension, checked as ``parse`` checks a text."""
    kind = DIMENSIONS[dimension]
    if not math.isfinite(value):
        raise UnitError(f"`{value}` is not {kind.noun}; expected a finite number")
    return _bounded(Fraction(value), kind, str(value))


def _bounded(value: Fraction, kind: Dimension, text: str) -> int | float:
    if value < 0:
        raise UnitError(f"`{_clip(text)}` is negative; expected {kind.noun}, such as `{kind.example}`")
    if value > kind.high:
        raise UnitError(f"`{_clip(text)}` is out of range; {kind.noun} is at most {exact_high(kind)}")
    if not kind.whole:
        return float(value)
    if 0 < value < 1:
        raise UnitError(f"`{_clip(text)}` is less than 1 {kind.base}".rstrip() + f"; expected {kind.noun} of 0 or more")
    return round(value)


def exact_high(kind: Dimension) -> str:
    """Return the largest value of a dimension as a text with its unit."""
    symbol, scale = max(
        ((s, f) for s, f in kind.units.items() if Fraction(kind.high) % f == 0), key=lambda item: item[1]
    )
    return f"{int(kind.high / scale):g} {symbol}".rstrip() if symbol else f"{kind.high:g}"


def _clip(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def _wrong_unit(text: str, symbol: str, kind: Dimension) -> str:
    """Say why a text's unit is not one of the dimension's: missing, of another dimension, or misspelt."""
    if not symbol:
        return f"`{_clip(text)}` has no unit; expected {kind.noun}, such as `{kind.example}`"
    other = next((dim for dim in DIMENSIONS.values() if symbol in dim.units and symbol), None)
    if other:
        return f"`{_clip(text)}` is {other.noun}; expected {kind.noun}, such as `{kind.example}`"
    same = [unit for unit in kind.units if unit.casefold() == symbol.casefold()]
    hint = "; did you mean " + " or ".join(f"`{unit}`" for unit in same) + "?" if same else nearest(symbol, kind.units)
    allowed = ", ".join(unit for unit in kind.units if unit)
    return f"unknown unit `{_clip(symbol)}`{hint} ({kind.noun} is written in {allowed})"


def exact(value: float, dimension: str) -> str:
    """Return the shortest text with a unit that ``parse`` turns back into exactly this value.

    Args:
        value: in the base unit of the dimension (bytes, picoseconds, bytes/s, ...).
        dimension: a key of ``DIMENSIONS``.
    """
    kind = DIMENSIONS[dimension]
    texts = [(f"{value!r} {kind.base}".rstrip(), Fraction(0))]
    for symbol, scale in kind.units.items():
        scaled = Fraction(value) / scale
        number = str(scaled.numerator) if scaled.denominator == 1 else f"{float(scaled):.12g}"
        text = f"{number}{' ' if symbol != '%' else ''}{symbol}".strip()
        if Fraction(number) * scale == Fraction(value):
            texts.append((text, scale))
    return min(texts, key=lambda item: (len(item[0]), -item[1]))[0]


def show(value: float, dimension: str, digits: int = 3, binary: bool | None = None) -> str:
    """Return a value as a person reads it: three significant digits in the fitting unit, ``"4.61 TB"``.

    Args:
        value: in the base unit of the dimension (bytes, picoseconds, bytes/s, ...); may be negative.
        dimension: a key of ``DIMENSIONS``.
        digits: significant digits.
        binary: sizes in KiB, MiB, GiB (true) or kB, MB, GB (false); ``None`` takes the one that is exact.
    """
    if dimension == "share":
        return f"{float(f'{value * 100:.{digits}g}'):.10g}%"
    kind = DIMENSIONS[dimension]
    if binary is None:
        binary = value % 1024 == 0 and value % 1000 != 0
    symbols = sorted(_scale_of(dimension, binary), key=kind.units.__getitem__)
    reached = [symbol for symbol in symbols if kind.units[symbol] <= abs(value)]
    fitting = reached[-1] if reached else symbols[0] if value else kind.base
    scaled = float(Fraction(value) / kind.units[fitting])
    number = f"{scaled:.0f}" if abs(scaled) >= 10**digits else f"{float(f'{scaled:.{digits}g}'):.10g}"
    return f"{number} {fitting}".rstrip()


def _scale_of(dimension: str, binary: bool) -> list[str]:
    """Return the symbols that ``show`` chooses from."""
    symbols = [symbol for symbol in DIMENSIONS[dimension].units if symbol not in ("KB", "KB/s", "min", "h")]
    if dimension == "ops/s":
        return [symbol for symbol in symbols if symbol.endswith("ops/s")]
    if dimension == "bytes":
        return [symbol for symbol in symbols if symbol == "B" or ("i" in symbol) == binary]
    if dimension == "bytes/s":
        return [symbol for symbol in symbols if "i" not in symbol and "b" not in symbol]
    return symbols


@dataclass(frozen=True)
class Quantity:
    """Marks a pydantic field as a quantity: ``Annotated[int, Quantity("bytes")]``.

    Texts are parsed. Numbers are taken as the base unit when they come from Python; in a validation with the context
    ``FROM_TEXT`` they are errors, except 0 and dimensions that need no unit.

    Attributes:
        dimension: a key of ``DIMENSIONS``.
        positive: zero is not allowed.
    """

    dimension: str
    positive: bool = False

    def read(self, value: object, from_text: bool = False) -> int | float:
        """Return a text or number in the base unit of the dimension, or raise ``UnitError``."""
        kind = DIMENSIONS[self.dimension]
        if isinstance(value, str):
            amount = parse(value, self.dimension)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            shown = "nothing" if value is None else f"`{str(value).lower()}`" if value in (True, False) else "a group"
            raise UnitError(f"expected {kind.noun}, such as `{kind.example}`, not {shown}")
        elif from_text and value != 0 and not kind.bare:
            raise UnitError(f"`{value}` has no unit; expected {kind.noun}, such as `{kind.example}`")
        else:
            amount = of_number(value, self.dimension)
        if self.positive and not amount:
            raise UnitError(f"must be more than 0, such as `{kind.example}`")
        return amount

    def pattern(self) -> str:
        """Return a regular expression that every text of this quantity matches."""
        kind = DIMENSIONS[self.dimension]
        units = "|".join(re.escape(unit).replace("/", r"\/") for unit in kind.units if unit)
        number = r"\+?([0-9]+(_[0-9]+)*(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,3})?"
        zero = "" if kind.bare else r"|^\s*[+-]?[0.]+\s*$"
        return rf"^\s*{number}\s*({units}){'?' if kind.bare else ''}\s*$" + zero

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        from pydantic_core import core_schema

        def validate(value: object, info: ValidationInfo) -> int | float:
            context: Any = info.context or {}
            return self.read(value, bool(context.get("from_text")))

        return core_schema.with_info_plain_validator_function(validate)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        kind = DIMENSIONS[self.dimension]
        text = {"type": "string", "pattern": self.pattern(), "examples": [kind.example]}
        number: dict[str, Any] = {"const": 0}
        if kind.bare:
            number = {"type": "integer" if kind.whole else "number", "minimum": 0, "maximum": kind.high}
        allowed = ", ".join(unit for unit in kind.units if unit)
        return {"anyOf": [text, number], "description": f"{kind.noun} ({allowed}), such as {kind.example}"}


def options_of(annotation: Any) -> Iterator[Any]:
    """Yield a type annotation and all that it is made of."""
    yield annotation
    for argument in get_args(annotation):
        yield from options_of(argument)


def quantity_in(annotation: Any, metadata: Iterable[Any] = ()) -> Quantity | None:
    """Return the quantity that a field holds, also where it may be absent or is the value of a mapping."""
    return next((each for each in (*metadata, *options_of(annotation)) if isinstance(each, Quantity)), None)


Bytes = Annotated[int, Quantity("bytes")]
PositiveBytes = Annotated[int, Quantity("bytes", positive=True)]
BytesPerSecond = Annotated[float, Quantity("bytes/s", positive=True)]
Picoseconds = Annotated[int, Quantity("time")]
PicojoulesPerBit = Annotated[float, Quantity("energy/bit")]
Picojoules = Annotated[float, Quantity("energy")]
OpsPerSecond = Annotated[float, Quantity("ops/s", positive=True)]
Watts = Annotated[float, Quantity("power")]
FlopsPerSecond = Annotated[float, Quantity("FLOP/s", positive=True)]
Flops = Annotated[float, Quantity("FLOP")]
Share = Annotated[float, Quantity("share")]
PositiveShare = Annotated[float, Quantity("share", positive=True)]
Count = Annotated[int, Quantity("count")]
