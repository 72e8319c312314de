"""Numbers as people read them: traffic in decimal units, capacities in binary, shares that never round to 0 or 1."""

from __future__ import annotations

import math

from hiersim.engine.result import TierResult
from hiersim.units import show

_HOUR = 3600 * 10**12
_PREFIXES = {-12: "p", -9: "n", -6: "u", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E"}


def traffic(size: float) -> str:
    """Return bytes moved, in decimal units: ``4.61 TB``."""
    return show(size, "bytes", binary=False)


def capacity(size: float) -> str:
    """Return bytes held, in binary units: ``40 GiB``."""
    return show(size, "bytes", binary=True)


def duration(ps: float) -> str:
    """Return a time given in picoseconds: ``61.4 s``, ``5.2 h``."""
    for symbol, hours in (("days", 24), ("h", 1)):
        if ps >= 2 * hours * _HOUR:
            return f"{float(f'{ps / (hours * _HOUR):.3g}'):.10g} {symbol}"
    return show(ps, "time")


def count(number: int) -> str:
    """Return a number of things: ``12,031`` or ``1.2 M``."""
    return f"{number:,}" if abs(number) < 10**6 else show(number, "count")


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Return a number with its noun: ``1 access``, ``2 accesses``."""
    return f"{count(number)} {noun if number == 1 else nouns or noun + 's'}"


def joules(energy: float) -> str:
    """Return an energy given in joules: ``201 J``, ``3.4 mJ``."""
    power = min(18, max(-12, 3 * math.floor(math.log10(abs(energy)) / 3))) if energy else 0
    return f"{float(f'{energy / 10.0**power:.3g}'):.10g} {_PREFIXES[power]}J"


def percent(share: float) -> str:
    """Return a share of 1 in percent with one decimal; what is not 0 or 1 never reads ``0%`` or ``100%``."""
    if share == 0:
        return "0%"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.9995 <= share < 1:
        return ">99.9%"
    return f"{100 * share:.0f}%" if share >= 1 else f"{100 * share:.1f}%"


def shorten(text: str, most: int) -> str:
    """Return the text, its middle left out where it has more than ``most`` characters."""
    if len(text) <= most:
        return text
    head = (most - 1) // 2
    return f"{text[:head]}…{text[len(text) - (most - 1 - head) :]}"


def bound_of(name: str, tier: TierResult) -> str:
    """Return the bound that limited a tier's transfers, without the tier's own name."""
    return tier.bound.removeprefix(f"{name}.").removeprefix(f"{name} ")


def setting(value: object) -> str:
    """Return a value that was set as people write it: ``yes`` and ``no``, ``none``, or itself."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)
