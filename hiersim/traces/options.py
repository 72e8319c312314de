"""How a trace is to be read: one typed object, given to every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from hiersim.errors import ConfigError, nearest

TIME_UNITS = {"s": 10**12, "ms": 10**9, "us": 10**6, "ns": 10**3, "ps": 1}


def check_factor(name: str, factor: float) -> None:
    """Raise ConfigError unless a factor is a number from a millionth to a million."""
    if isinstance(factor, bool) or not isinstance(factor, int | float) or not 1e-6 <= factor <= 1e6:
        raise ConfigError(f"{name} must be 1e-06 to 1e+06, got {factor}")


@dataclass(frozen=True)
class ReadOptions:
    """How a trace is to be read.

    Attributes:
        limit: read at most this many records of the source (accesses, or requests); ``None`` for all.
        ignore_size: every object has ``block_bytes`` bytes, or 1; what the source says of sizes is not looked at.
        block_bytes: bytes of an object where the source has no sizes.
        ignore_time: the time of every record is 0; what the source says of time is not looked at.
        time_unit: unit of a time column whose name does not say it: s, ms, us, ns or ps.
        columns: role -> the source's column name (or its number from 0), where the names are unusual; the roles are
            time, id, size, write, stream, group, class, flops; of requests time, prompt, output, session.
        header: whether the first line of a CSV file holds names; ``None`` to see by itself.
        separator: between the fields of a CSV file; ``None`` to see by itself.
        text_ids: ids are words even where they look like numbers; ``None`` to see by the first one.
        object_class: the class of the objects where the source names none.
        block_tokens: tokens in a prefix block, where the source does not say.
        chunk: records read at a time, which bounds the memory that streaming needs.
        rate_scale: so many times as many records a second, by dividing times; needs the trace whole.
        length_scale: prompts and answers so many times as long, of requests.
        arrivals: arrivals of requests drawn anew, such as ``gamma:rate=4,cv=2``; ``None`` for the source's.
        seed: of drawn arrivals.
    """

    limit: int | None = None
    ignore_size: bool = False
    block_bytes: int | None = None
    ignore_time: bool = False
    time_unit: str = "s"
    columns: Mapping[str, str | int] = field(default_factory=dict)
    header: bool | None = None
    separator: str | None = None
    text_ids: bool | None = None
    object_class: str = "page"
    block_tokens: int = 512
    chunk: int = 1 << 20
    rate_scale: float = 1.0
    length_scale: float = 1.0
    arrivals: str | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if self.time_unit not in TIME_UNITS:
            raise ConfigError(f"time_unit `{self.time_unit}` is not one of {', '.join(TIME_UNITS)}")
        for key in ("limit", "block_bytes", "block_tokens", "chunk"):
            value = getattr(self, key)
            if value is not None and value < 1:
                raise ConfigError(f"{key} must be at least 1, got {value}")
        for key in ("rate_scale", "length_scale"):
            check_factor(key, getattr(self, key))

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> ReadOptions:
        """Return options from keyword arguments.

        Raises:
            ConfigError: an unknown option, with the nearest one.
        """
        valid = [f.name for f in fields(cls)]
        for key in given:
            if key not in valid:
                raise ConfigError(f"unknown option `{key}` for reading a trace{nearest(key, valid)}")
        return cls(**given)

    def streamed(self) -> ReadOptions:
        """Return the options for reading in a stream.

        Raises:
            ConfigError: one of them needs the whole trace.
        """
        if self.rate_scale != 1 or self.length_scale != 1 or self.arrivals:
            raise ConfigError("rate_scale, length_scale and arrivals need a trace that is opened whole")
        return self

    @property
    def fixed_size(self) -> int | None:
        """The bytes of every object, or ``None`` where the source's sizes count."""
        return (self.block_bytes or 1) if self.ignore_size else None
