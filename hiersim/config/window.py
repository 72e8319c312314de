"""A stretch of simulated time in a scenario: ``1 ms..2 ms``."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, WithJsonSchema

from hiersim.units import Quantity

_TIME = Quantity("time")
EXAMPLE = "1 ms..2 ms"


def window(value: object) -> tuple[int, int]:
    """Return start and end in picoseconds of a text such as ``1 ms..2 ms``, or of two numbers that are that already.

    Raises:
        ValueError: it is neither, or ends before it starts.
    """
    if isinstance(value, str):
        start, dots, end = value.partition("..")
        if not dots:
            raise ValueError(f"`{value}` is not a stretch of time; expected two times, such as `{EXAMPLE}`")
        times = tuple(int(_TIME.read(text.strip(), from_text=True)) for text in (start, end))
    elif isinstance(value, tuple | list) and len(value) == 2:
        times = tuple(int(_TIME.read(number)) for number in value)
    else:
        raise ValueError(f"expected a stretch of time, such as `{EXAMPLE}`")
    if times[0] >= times[1]:
        raise ValueError(f"`{value}` ends before it starts; expected two times, such as `{EXAMPLE}`")
    return times[0], times[1]


_SIDE = _TIME.pattern().replace("^", "").replace("$", "")
_SCHEMA: dict[str, Any] = {
    "type": "string",
    "pattern": rf"^({_SIDE})\.\.({_SIDE})$",
    "examples": [EXAMPLE],
    "description": f"two times, such as {EXAMPLE}",
}
Window = Annotated[tuple[int, int], BeforeValidator(window), WithJsonSchema(_SCHEMA)]
