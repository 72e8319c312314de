"""When fetching KV from a tier beats computing it: ``hiersim.breakeven("x.yaml")``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.api.places import placing
from hiersim.api.simulation import Simulation, load
from hiersim.errors import ConfigError, Mistake

if TYPE_CHECKING:
    import polars as pl

    from hiersim.drivers.serve.alone import Alone

BUSY = 0.5
"""Share of every tier and link on the way that the traffic of others takes, unless another is asked for."""
NEW = 64
"""Tokens of the prompt behind the context, unless another number is asked for."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Fetch:
    """What it takes to have the KV of a context from a tier instead of near.

    Attributes:
        fetch_ps: picoseconds until the first token beyond what they are with the KV near, alone on the way.
        busy_ps: the same beside the traffic of others.
        fetch_j: joules of the machine until the first token, beyond the same.
    """

    fetch_ps: int
    busy_ps: int
    fetch_j: float


@dataclass(frozen=True)
class Point:
    """A context.

    Attributes:
        context: tokens.
        kv_bytes: their KV in the near tier.
        compute_ps: picoseconds until the first token beyond what they are with the KV near, if it is computed.
        compute_j: joules of the machine until the first token, beyond the same.
        tiers: by tier, where it holds so much.
    """

    context: int
    kv_bytes: int
    compute_ps: int
    compute_j: float
    tiers: dict[str, Fetch]


@dataclass(frozen=True)
class BreakEven:
    """When fetching beats computing, per tier and context.

    Attributes:
        name: the scenario's name.
        machine: what it is called.
        model: the AI model.
        unit: the unit that serves.
        kinds: by tier, what it is made of, as ``flash``.
        kv_bytes_per_token: in the near tier of one rank.
        block_tokens: tokens that are fetched at once.
        step_tokens: most tokens in a step.
        new_tokens: tokens of the prompt behind the context.
        busy: share of the tiers and links on the way that the traffic of others takes in the second figure.
        fetch: ``blocking`` or ``layered``.
        points: by context, shortest first.
        wins: by tier, the ranges of contexts in which fetching is faster, alone on the way; up to the longest examined.
        busy_wins: the same beside the traffic of others.
    """

    name: str
    machine: str
    model: str
    unit: str
    kinds: dict[str, str]
    kv_bytes_per_token: int
    block_tokens: int
    step_tokens: int
    new_tokens: int
    busy: float
    fetch: str
    points: tuple[Point, ...]
    wins: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    busy_wins: dict[str, tuple[tuple[int, int], ...]] = field(default_factory=dict)

    def table(self) -> pl.DataFrame:
        """Return a row per context and tier; times in picoseconds, sizes in bytes, energies in joules."""
        import polars as pl

        rows = [
            {
                "context": point.context, "tier": tier, "kv_bytes": point.kv_bytes, "compute_ps": point.compute_ps,
                "fetch_ps": fetch.fetch_ps, "busy_ps": fetch.busy_ps, "compute_j": point.compute_j,
                "fetch_j": fetch.fetch_j,
            }
            for point in self.points
            for tier, fetch in point.tiers.items()
        ]  # fmt: skip
        return pl.DataFrame(rows)

    def as_dict(self) -> dict[str, Any]:
        """Return everything as plain data, times in seconds."""
        told = ("name", "machine", "model", "unit", "kv_bytes_per_token", "block_tokens", "step_tokens", "new_tokens")
        found: dict[str, Any] = {name: getattr(self, name) for name in (*told, "busy", "fetch")}
        found["contexts"] = [
            {
                "tokens": point.context, "kv_bytes": point.kv_bytes, "compute_s": point.compute_ps / 1e12,
                "compute_j": point.compute_j,
                "tiers": {
                    tier: {"fetch_s": each.fetch_ps / 1e12, "busy_s": each.busy_ps / 1e12, "fetch_j": each.fetch_j}
                    for tier, each in point.tiers.items()
                },
            }
            for point in self.points
        ]  # fmt: skip
        found["faster"] = {tier: [list(span) for span in spans] for tier, spans in self.wins.items()}
        found["faster_busy"] = {tier: [list(span) for span in spans] for tier, spans in self.busy_wins.items()}
        return found


def breakeven(
    scenario: str | Path | Simulation,
    contexts: Sequence[int] | None = None,
    *,
    busy: float = BUSY,
    new: int = NEW,
    block_tokens: int | None = None,
    progress: Progress | None = None,
) -> BreakEven:
    """Find out per tier and context when fetching KV beats computing it.

    One request is served on the idle machine of the scenario, its context near, in a further tier, or nowhere. What
    its first token takes longer than with the context near is the price of fetching, or of computing.

    Args:
        scenario: a scenario that serves, or its file.
        contexts: tokens; powers of two up to what fits when absent. Rounded up to whole blocks.
        busy: share of the tiers and links on the way that the traffic of others takes in a second figure, 0 to 0.99.
        new: tokens of the prompt behind the context.
        block_tokens: tokens that are fetched at once; those of the trace's blocks when absent, else a page's.
        progress: called now and then with the contexts done and their number in all.

    Raises:
        ConfigError: it serves no requests, or a number is out of bounds.
    """
    simulation = scenario if isinstance(scenario, Simulation) else load(scenario)
    with placing(simulation.origin):
        return _Examined(simulation, busy, new, block_tokens).found(contexts, progress)


class _Examined:
    """The idle machines of a scenario, without and with traffic of others."""

    def __init__(self, simulation: Simulation, busy: float, new: int, block_tokens: int | None) -> None:
        from hiersim.models import find_model

        self.scenario = simulation.scenario
        serve = self.scenario.serve
        wrong = [] if serve else [Mistake("serve", "is needed: how requests are served")]
        wrong += [] if 0 <= busy <= 0.99 else [Mistake("busy", f"must be 0 to 0.99, got {busy}")]
        wrong += [] if 1 <= new <= 1 << 30 else [Mistake("new", f"must be at least 1, got {new}")]
        name = (serve.model if serve else None) or self.scenario.trace.model
        wrong += [] if name or not serve else [Mistake("serve.model", "is needed: the AI model (hiersim models)")]
        if wrong or serve is None or name is None:
            raise ConfigError(wrong)
        first = (serve.units or (next(iter(self.scenario.machine.units)),))[0]
        self.serving = serve.model_copy(update={"disaggregate": None, "unit": first, "fetch_if": "found"})
        self.model, self.busy, self.new = find_model(name), busy, new
        self.block = block_tokens or self._block(simulation)
        if self.block % serve.page_tokens:
            raise ConfigError(
                f"serve.page_tokens: blocks of {self.block} tokens are no multiple of {serve.page_tokens}"
            )
        chain = self.scenario.chain(first)
        self.near, self.further = chain[0], chain[1:]
        if not self.further:
            raise ConfigError([Mistake("tiers", f"holds {self.near} alone: there is nothing to fetch from")])
        self.alone, self.beside = self._machine(0.0), self._machine(busy)
        self.seen: dict[tuple[int, str | None, bool], tuple[int, float]] = {}

    def _block(self, simulation: Simulation) -> int:
        assert self.scenario.serve is not None
        return int(getattr(simulation.trace(), "block_tokens", 0)) or self.scenario.serve.page_tokens

    def _machine(self, busy: float) -> Alone:
        """Return the machine with traffic of others on every further tier and on every link."""
        from hiersim.drivers.serve.alone import Alone

        machine = self.scenario.machine
        tiers = {
            name: tier.model_copy(update={"background_read": busy * tier.efficiency * _rate(tier)})
            if name != self.near else tier for name, tier in machine.tiers.items()
        }  # fmt: skip
        links = {}
        for name, link in machine.links.items():
            back = busy * link.bandwidth_of(False) * link.efficiency if link.duplex == "full" else 0.0
            update = {"background": busy * link.bandwidth * link.efficiency, "backward_background": back}
            links[name] = link.model_copy(update=update)
        rules = {name: rule.model_copy(update={"capacity": None}) if name != self.near else rule
                 for name, rule in self.scenario.tiers.items()}  # fmt: skip
        machine = machine.model_copy(update={"tiers": tiers, "links": links})
        return Alone(machine, rules, self.serving, self.model, self.scenario.trace.kv_dtype, self.block)

    def first(self, context: int, place: str | None, busy: bool = False) -> tuple[int, float]:
        """Return the time to the first token and the energy until then."""
        key = context, place, busy
        if key not in self.seen:
            found = (self.beside if busy else self.alone).first(context, self.new, place)
            self.seen[key] = found.ttft_ps, found.energy_j
        return self.seen[key]

    def loss(self, context: int, tier: str, busy: bool) -> int:
        """Return how much longer fetching takes than computing, picoseconds."""
        return self.first(context, tier, busy)[0] - self.first(context, None)[0]

    def found(self, contexts: Sequence[int] | None, progress: Progress | None) -> BreakEven:
        """Examine each context."""
        rounded = sorted({-(-tokens // self.block) * self.block for tokens in contexts or self._grid()})
        if not rounded or rounded[0] < 1:
            raise ConfigError([Mistake("contexts", "must be at least 1 token")])
        points = []
        for tokens in rounded:
            points.append(self._point(tokens))
            if progress is not None:
                progress(len(points), len(rounded))
        wins = {busy: {tier: self._wins(tier, points, busy) for tier in self.further} for busy in (False, True)}
        kv = int(points[0].kv_bytes // points[0].context)
        return BreakEven(
            name=self.scenario.name, machine=self.scenario.machine.summary or self.scenario.machine.name,
            model=self.model.name, unit=str(self.serving.unit),
            kinds={tier: self.scenario.machine.tiers[tier].kind for tier in self.further}, kv_bytes_per_token=kv,
            block_tokens=self.block, step_tokens=self.serving.max_batched_tokens, new_tokens=self.new, busy=self.busy,
            fetch=self.serving.fetch, points=tuple(points), wins=wins[False], busy_wins=wins[True],
        )  # fmt: skip

    def _grid(self) -> Iterable[int]:
        """Return powers of two from a block to the longest context that has room near."""
        from hiersim.drivers.serve.setup import prepare

        setup = prepare(self.alone.machine, self.alone.tiers, self.serving, self.model, self.alone.kv_dtype)
        room = setup.sizes.pool // max(1, setup.work.kv_bytes_per_token)
        most = min(room, self.serving.max_tokens or self.model.context) - self.new - self.block
        tokens = 1 << (max(self.block, 128) - 1).bit_length()
        while tokens <= most:
            yield tokens
            tokens *= 2

    def _point(self, context: int) -> Point:
        (near, near_j), (compute, compute_j) = self.first(context, self.near), self.first(context, None)
        tiers = {}
        for tier in self.further:
            if context * self._kv() > self.scenario.machine.tiers[tier].capacity:
                continue
            alone, joules = self.first(context, tier)
            tiers[tier] = Fetch(alone - near, self.first(context, tier, True)[0] - near, joules - near_j)
        return Point(context, context * self._kv(), compute - near, compute_j - near_j, tiers)

    def _kv(self) -> int:
        from hiersim.models import work_of
        from hiersim.models.splitting import Dtypes

        kv = self.serving.kv_dtype or self.scenario.trace.kv_dtype
        return work_of(self.model, self.serving.ranks, Dtypes(weights=self.serving.dtype, kv=kv)).kv_bytes_per_token

    def _wins(self, tier: str, points: Sequence[Point], busy: bool) -> tuple[tuple[int, int], ...]:
        """Return the ranges of contexts in which fetching is faster, their ends found to a block."""
        tried = [point.context for point in points if tier in point.tiers]
        spans: list[tuple[int, int]] = []
        start: int | None = None
        for i, tokens in enumerate(tried):
            faster = self.loss(tokens, tier, busy) < 0
            if faster and start is None:
                start = self._turn(tried[i - 1], tokens, tier, busy) if i else tokens
            elif not faster and start is not None:
                spans.append((start, self._turn(tokens, tried[i - 1], tier, busy)))
                start = None
        return tuple([*spans, (start, tried[-1])] if start is not None else spans)

    def _turn(self, slower: int, faster: int, tier: str, busy: bool) -> int:
        """Return the context next to ``slower`` at which fetching is still faster, going from ``faster`` towards it."""
        while abs(slower - faster) > self.block:
            middle = (slower + faster) // 2 // self.block * self.block
            if self.loss(middle, tier, busy) < 0:
                faster = middle
            else:
                slower = middle
        return faster


def _rate(tier: Any) -> float:
    """Return the read bandwidth of a tier that its medium can carry."""
    return float(min(tier.read_bandwidth, tier.media_bandwidth or tier.read_bandwidth))
