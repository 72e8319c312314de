"""The resources of a scenario that a what-if turns: each bandwidth, latency, capacity, depth and FLOP/s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from hiersim.config import Scenario
from hiersim.machine.record import Part

Turn = Literal["rate", "time", "room"]
"""How a resource acts. ``rate``: what it costs is 1 / figure (bandwidth, FLOP/s, depth); ``time``: the figure itself
(latency); ``room``: the figure is what it gives (capacity)."""

TIER: dict[str, tuple[Turn, tuple[str, ...]]] = {
    "bandwidth": (
        "rate",
        ("read_bandwidth", "write_bandwidth", "media_bandwidth", "slc_cache.bandwidth", "slc_cache.drain"),
    ),
    "latency": ("time", ("read_latency", "write_latency", "loaded_latency.rise", "loaded_latency.mixed_rise")),
    "look-up time": ("time", ("lookup_latency",)),
    "operation rate": ("rate", ("read_ops", "write_ops")),
    "page time": ("time", ("nand.read", "nand.program")),
    "dies": ("rate", ("nand.dies",)),
    "write cache": ("room", ("slc_cache.capacity",)),
    "queue depth": ("rate", ("queue_depth",)),
}
LINK: dict[str, tuple[Turn, tuple[str, ...]]] = {
    "bandwidth": ("rate", ("bandwidth", "backward_bandwidth")),
    "latency": ("time", ("latency", "loaded_latency.rise", "loaded_latency.mixed_rise")),
    "overhead": ("time", ("overhead",)),
    "operation rate": ("rate", ("ops",)),
    "engines": ("rate", ("engines",)),
}
UNIT: dict[str, tuple[Turn, tuple[str, ...]]] = {
    "FLOP/s": ("rate", ("flops.bf16", "flops.fp16", "flops.fp8", "flops.fp32", "flops.int8")),
    "slots": ("rate", ("slots",)),
}


def _key(noun: str) -> str:
    return noun.replace(" ", "_").replace("-", "").replace("/", "_per_").lower()


RESOURCES: dict[str, list[str]] = {
    "tiers": [*map(_key, TIER), "capacity"],
    "links": [*map(_key, LINK)],
    "units": [*map(_key, UNIT)],
}
"""The resources of each sort of part, as the last word of their paths has them."""
DIMENSIONS = {
    "pages": "count",
    "pool": "bytes",
    "sequences": "count",
    "tokens": "count",
    "bandwidth": "bytes/s",
    "drain": "bytes/s",
    "capacity": "bytes",
    "cache": "bytes",
    "ops": "ops/s",
    "rate": "ops/s",
    "depth": "count",
    "dies": "count",
    "engines": "count",
    "slots": "count",
    "scale": "share",
}
"""Last word of a figure's or a resource's name -> its dimension; FLOP/s are told by their path, and times are left."""


def dimension(path: str) -> str:
    """Return the dimension of a figure or resource, a key of ``units.DIMENSIONS``."""
    if ".flop" in path:
        return "FLOP/s"
    return DIMENSIONS.get(path.replace(".", "_").rpartition("_")[2], "time")


@dataclass(frozen=True)
class Knob:
    """One resource: figures of a scenario that are turned together.

    Attributes:
        name: what people call it, such as ``flash latency``.
        path: the part's dotted path and the resource, such as ``tiers.flash.latency``.
        turn: how it acts.
        figures: dotted path in the scenario -> value in its base unit.
        given: it is said of the work and cannot be bought: pauses, arrivals, limits of a batch.
        grain: the least step that can matter, in its base unit: of room one object.
    """

    name: str
    path: str
    turn: Turn
    figures: Mapping[str, float]
    given: bool = False
    grain: int = 0

    @property
    def value(self) -> float:
        """The largest of its figures, in its base unit."""
        return max(self.figures.values())

    @property
    def verb(self) -> str:
        """What making it twice as good is called."""
        return "halving" if self.turn == "time" else "doubling"

    def turned(self, factor: float) -> dict[str, float]:
        """Return its figures so many times as good; of whole numbers the nearest that differs."""
        return {path: _better(value, factor, self) for path, value in self.figures.items()}

    def change(self, factor: float) -> float:
        """Return by which share that lowers what the resource costs, or raises what it gives.

        Figures are rounded, so this is what really changes, of the largest of them.
        """
        old = self.value
        new = _better(old, factor, self)
        return {"rate": 1 - old / new, "time": 1 - new / old, "room": new / old - 1}[self.turn]


def _better(value: float, factor: float, knob: Knob) -> float:
    wanted = value / factor if knob.turn == "time" else value * factor
    if not isinstance(value, int):
        return wanted
    least = max(1, knob.grain)
    return min(round(wanted), value - least) if knob.turn == "time" else max(round(wanted), value + least)


def knobs(scenario: Scenario, apart: bool = False, grain: int = 0) -> list[Knob]:
    """Return every resource of a scenario that has a figure.

    Args:
        scenario: what is run.
        apart: each figure is a resource of its own: reads apart from writes.
        grain: bytes of the largest object, less than which more room cannot matter.
    """
    found = [*_parts(scenario), *_capacities(scenario, grain), *_served(scenario), *_work(scenario)]
    return [one for knob in found for one in (_apart(knob) if apart else [knob])]


def _parts(scenario: Scenario) -> Iterator[Knob]:
    machine = scenario.machine
    for group, members, table in (
        ("tiers", machine.tiers, TIER),
        ("links", machine.links, LINK),
        ("units", machine.units, UNIT),
    ):
        for name, part in members.items():
            for noun, (turn, fields) in table.items():
                figures = {f"machine.{group}.{name}.{field}": value_at(part, field) for field in fields}
                stated = {path: value for path, value in figures.items() if value}
                if stated:
                    yield Knob(f"{name} {noun}", f"{group}.{name}.{_key(noun)}", turn, stated)


def value_at(part: Part, field: str) -> Any:
    """Return the figure of a part at a dotted path; ``None`` where it or its group is absent."""
    found: Any = part
    for step in field.split("."):
        found = found.get(step) if isinstance(found, dict) else getattr(found, step, None)
    return found


def _capacities(scenario: Scenario, grain: int) -> Iterator[Knob]:
    """Return the room that the run uses in each tier that it manages."""
    for name in scenario.tiers:
        path = f"tiers.{name}.capacity"
        yield Knob(f"{name} capacity", path, "room", {path: scenario.capacity(name)}, grain=grain)


def _served(scenario: Scenario) -> Iterator[Knob]:
    """Return what a scenario that serves says of the room for KV, and the limits of its batches."""
    serve = scenario.serve
    if serve is None:
        return
    for field, stated in (("kv_pages", serve.kv_pages), ("kv_pool", serve.kv_pool)):
        if stated:
            yield Knob(f"room for KV (serve.{field})", f"serve.{field}", "room", {f"serve.{field}": stated})
    for words, field in (("sequences", "max_sequences"), ("tokens", "max_batched_tokens")):
        path = f"serve.{field}"
        yield Knob(f"{words} in a step ({path})", path, "rate", {path: getattr(serve, field)}, True)


def _work(scenario: Scenario) -> Iterator[Knob]:
    """Return the times that the scenario itself states: computing an object, pauses, arrivals."""
    for name, rules in scenario.classes.items():
        if rules.compute_time:
            path = f"classes.{name}.compute_time"
            yield Knob(f"{name} compute time", path, "time", {path: rules.compute_time})
    if scenario.replay.mode == "closed" and scenario.replay.think:
        yield Knob("pauses (replay.think)", "replay.think", "time", {"replay.think": scenario.replay.think}, True)
    if scenario.replay.mode == "open":
        scale = {"replay.time_scale": scenario.replay.time_scale}
        yield Knob("time between arrivals", "replay.time_scale", "time", scale, True)


def _apart(knob: Knob) -> list[Knob]:
    if len(knob.figures) == 1 or knob.path.startswith("units."):
        return [knob]  # a unit's data types are one resource
    owner = knob.path.rpartition(".")[0]
    named = {path: path.removeprefix(f"machine.{owner}.") for path in knob.figures}
    part = owner.rpartition(".")[2]
    return [
        Knob(f"{part} {field.replace('_', ' ').replace('.', ' ')}", f"{owner}.{field}", knob.turn, {path: value})
        for (path, field), value in zip(named.items(), knob.figures.values(), strict=True)
    ]


def applied(scenario: Scenario, figures: Mapping[str, float]) -> Scenario:
    """Return a scenario with other figures; a machine grows where a run uses more of a tier than it had.

    Raises:
        ConfigError: the scenario would be wrong.
    """
    from hiersim.config.load import replaced

    grown = {
        f"machine.{path}": max(int(value), scenario.machine.tiers[path.split(".")[1]].capacity)
        for path, value in figures.items()
        if path.startswith("tiers.") and path.endswith(".capacity") and path.count(".") == 2
    }
    for field in ("kv_pages", "kv_pool"):
        if (wanted := figures.get(f"serve.{field}")) is not None:
            grown |= _roomier(scenario, wanted / getattr(scenario.serve, field))
    return replaced(scenario, {**figures, **grown})


def _roomier(scenario: Scenario, factor: float) -> dict[str, int]:
    """Return capacities of the near tiers of those who serve in which so many times as much KV fits beside weights."""
    serve, machine = scenario.serve, scenario.machine
    assert serve is not None
    named = (serve.unit,) if isinstance(serve.unit, str) else serve.unit or tuple(machine.units)[:1]
    found: dict[str, int] = {}
    for tier in {machine.units[name].tier for name in named}:
        for path, size in ((f"machine.tiers.{tier}.capacity", machine.tiers[tier].capacity),
                           (f"tiers.{tier}.capacity", scenario.capacity(tier))):  # fmt: skip
            found[path] = round(size * max(1.0, factor))
    return found


def idle(knob: Knob, document: Mapping[str, Any], scenario: Scenario) -> bool:
    """Return whether a resource had no part in a run, so that more of it changes nothing: nothing passed, or was full.

    Args:
        knob: the resource.
        document: the run's result as JSON has it.
        scenario: what was run; with agents, which may look at anything, no resource is idle.
    """
    group, _, rest = knob.path.partition(".")
    name, _, resource = rest.partition(".")
    part = document.get(group, {}).get(name)
    if scenario.agents or part is None or group not in ("tiers", "links", "units"):
        return False
    if resource == "capacity":
        return not part["evictions"] and 2 * part["peak_bytes"] < part["capacity_bytes"]
    if group == "units":
        return not part["busy_compute_ps"]
    if resource == "lookup_time" or (group == "links" and resource in ("latency", "overhead")):
        return False  # which way a transfer takes may hang on the latency of a link that it does not take
    sides = ("read", "written") if group == "tiers" else ("forward", "backward")
    return not any(part[f"{side}_wire_bytes"] for side in sides)
