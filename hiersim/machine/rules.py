"""Rules: how a run manages the machine's tiers, and what happens to each class of objects."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hiersim.machine.record import Name, Record
from hiersim.machine.unit import DType
from hiersim.spec import split
from hiersim.units import Picoseconds, PositiveBytes


def _named(data: Any) -> Any:
    """Split ``name:param=value,param=value`` into its parts; return anything but a text as it is.

    ValueError: a parameter is given twice, or is neither a number nor a text.
    """
    if not isinstance(data, str):
        params = data.get("params") if isinstance(data, dict) else None
        for key, value in params.items() if isinstance(params, dict) else ():
            if not isinstance(value, int | float | str):
                raise ValueError(f"parameter `{key}` must be a number or a text")
        return data
    name, params = split(data)
    return {"name": name, "params": params} if params else {"name": name}


class PolicyChoice(Record):
    """A replacement policy by name or by the path of a file, with its parameters.

    Written ``lru``, ``./mine.py``, ``s3fifo:small=0.2`` or ``{name: s3fifo, params: {small: 0.2}}``.
    """

    name: str
    """A name of ``hiersim policies``, or the path of a Python file."""
    params: dict[str, int | float | str | bool] = {}
    """The policy's parameters by name."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        return _named(data)

    @property
    def spec(self) -> str:
        """The choice as one text, ``name:param=value,param=value``."""
        params = ",".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.name}:{params}" if params else self.name


class PrefetchChoice(PolicyChoice):
    """A prefetcher by name or by the path of a file, with its parameters and a limit.

    Written ``leap``, ``./mine.py``, ``leap:window=16,outstanding=8`` or
    ``{name: leap, params: {window: 16}, outstanding: 8}``.
    """

    outstanding: Annotated[int, Field(ge=1, le=1_000_000)] = 32
    """Prefetches that may be on their way into the tier at once; more are dropped."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, data: Any) -> Any:
        named = _named(data)
        if not isinstance(data, str) or "outstanding" not in named.get("params", {}):
            return named
        text = named["params"].pop("outstanding")
        if not text.isdecimal():
            raise ValueError(f"outstanding must be a whole number, got `{text}`")
        return named | {"outstanding": int(text)}


class Promotion(Record):
    """When a hit further out brings the object into the near tier.

    Written ``always``, ``never`` or ``{on_nth_hit: n}``.
    """

    on_nth_hit: Annotated[int, Field(ge=0, le=1_000_000)]
    """The hit that promotes: 1 is always, 0 is never."""

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, data: Any) -> Any:
        words = {"always": 1, "never": 0}
        if isinstance(data, str):
            if data not in words:
                raise ValueError(f"`{data}` is not one of always, never, {{on_nth_hit: n}}")
            return {"on_nth_hit": words[data]}
        return data


class TierRules(Record):
    """How one tier is managed."""

    capacity: PositiveBytes | None = None
    """Bytes to use of it, at most what the machine has; all of it when absent."""
    policy: PolicyChoice = PolicyChoice(name="lru")
    """What is evicted when room is needed."""
    inclusion: Literal["exclusive", "inclusive"] = "exclusive"
    """exclusive: gives up its copy when a promotion has read it; inclusive: keeps it."""
    write: Literal["back", "through", "around"] = "back"
    """back: a write marks the object dirty here; through: it also goes outwards; around: it bypasses the tier."""
    write_wait: bool = False
    """An access waits for its write-through."""
    on_evict: Literal["demote", "drop", "recompute"] = "demote"
    """demote: what is evicted moves to the next tier; drop: it is given up (written back first when dirty); recompute:
    it is given up, dirty or not, if it has a cost to make it again and no copy further out, else as with drop."""
    promotion: Promotion = Promotion(on_nth_hit=1)
    """When a hit in this tier brings the object into the near tier."""
    admission: PolicyChoice | None = None
    """What may come into it, such as second-request or tinylfu; everything when absent."""
    prefetch: PrefetchChoice | None = None
    """What is fetched before it is asked for; of a unit's near tier only."""
    when_full: Literal["evict", "refuse"] = "evict"
    """Of the last tier: evict makes room by dropping, refuse turns the newcomer away."""


class ClassRules(Record):
    """What happens to objects of a class (``kv``, ``weight``, ``expert``, ...) that are in no tier."""

    on_miss: Literal["compute", "home"] = "compute"
    """compute: the unit makes it anew; home: it is read from its home tier (the default where ``home`` is given)."""
    home: Name | None = None
    """The tier that always has these objects."""
    compute_time: Picoseconds | None = None
    """Fixed time to make one object, in picoseconds."""
    flops_per_byte: Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)] | None = None
    """Compute to make one byte of an object, in FLOP/byte."""

    @model_validator(mode="before")
    @classmethod
    def _home_says_it(cls, data: Any) -> Any:
        named = isinstance(data, dict) and data.get("home") is not None and "on_miss" not in data
        return data | {"on_miss": "home"} if named else data

    @model_validator(mode="after")
    def _home_is_given(self) -> ClassRules:
        if self.on_miss == "home" and self.home is None:
            raise ValueError("`on_miss: home` needs `home`, the tier that always has these objects")
        if self.on_miss == "compute" and self.home is not None:
            raise ValueError("`home` goes with `on_miss: home`; with `on_miss: compute` the unit makes the objects")
        return self


class Execute(Record):
    """How a trace of operations is executed."""

    ahead: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Operations of each stream whose inputs are fetched before they are at the head; 0: none."""
    smooth: Annotated[int, Field(ge=0, le=100)] = 0
    """Exponent of the smooth maximum of compute time and near-tier time; 0: the plain maximum."""


class Replay(Record):
    """How a trace of accesses is replayed."""

    mode: Literal["closed", "open"] = "closed"
    """closed: a stream issues when one of its slots is free; open: when the trace says so."""
    streams: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Streams that issue accesses (closed loop)."""
    outstanding: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Accesses in flight per stream (closed loop)."""
    think: Picoseconds = 0
    """Pause of a stream between an access's end and the next one's start, in picoseconds."""
    unit: Name | tuple[Name, ...] | None = None
    """The unit that issues the accesses, or several to which streams are dealt in turn; absent: the machine's first."""
    time_scale: Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)] = 1.0
    """Open loop: arrival times are multiplied by this."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """Accesses to replay; all when absent."""
    dtype: DType = "bf16"
    """The number format that the unit computes in."""

    @property
    def units(self) -> tuple[str, ...]:
        """The units that issue the accesses, by name; empty for the machine's first."""
        return (self.unit,) if isinstance(self.unit, str) else self.unit or ()
