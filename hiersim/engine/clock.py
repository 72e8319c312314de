"""The clock: SimPy's queue of decisions and the compiled queue of events, merged; the earlier first, Python on a tie.

The core never runs past the next Python event, so an agent sees a run in which everything earlier has happened and
nothing later has.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import simpy

from hiersim.engine import actions, loop
from hiersim.engine import columns as c
from hiersim.engine.core import Core
from hiersim.errors import ConfigError, nearest

Agent = Callable[[simpy.Environment, "AgentCore"], Generator[simpy.Event, Any, Any]]
"""A generator function that yields SimPy events: timeouts of ``env`` in picoseconds, or what ``core.watch`` returns."""

KINDS = {"done": c.WATCH_DONE, "hit": c.WATCH_HIT, "miss": c.WATCH_MISS, "evict": c.WATCH_EVICT}


class Record(NamedTuple):
    """Something that was watched for; ``tier`` of ``done`` is where the first look-up found the object, or None."""

    time_ps: int
    object: int
    tier: str | None
    stream: int


@dataclass
class _Watch:
    number: int
    slot: int
    kind: int
    tier: int
    start: int
    event: simpy.Event


class AgentCore:
    """A run as an agent sees it: what is where, and what can be done about it. Times are picoseconds, sizes bytes."""

    def __init__(self, core: Core, env: simpy.Environment) -> None:
        self._core = core
        self._env = env
        self._watches: list[_Watch] = []
        self._made = 0

    @property
    def now(self) -> int:
        """The time in picoseconds."""
        return int(self._env.now)

    @property
    def tiers(self) -> tuple[str, ...]:
        """The managed tiers, from near to far."""
        return self._core.plan.order

    @property
    def objects(self) -> int:
        """The number of objects; they are numbered from 0."""
        return self._core.trace.objects

    def capacity(self, tier: str) -> int:
        """Return the bytes of a tier that the run may use."""
        return int(self._core.world.tiers[self._tier(tier), c.T_CAPACITY])

    def resident(self, tier: str) -> int:
        """Return the bytes used in a tier: resident, arriving with room granted, and leaving."""
        return int(self._core.world.tiers[self._tier(tier), c.T_USED])

    def prefetching(self, tier: str) -> int:
        """Return how many prefetches are on their way into a tier."""
        return int(self._core.world.ahead[self._tier(tier), c.AH_AWAY])

    def where(self, obj: int) -> str | None:
        """Return the nearest tier where an object is resident, or None."""
        states = self._core.world.state[:, self._object(obj)]
        return next((tier for tier, state in zip(self.tiers, states, strict=True) if state == c.RESIDENT), None)

    def prefetch(self, obj: int, tier: str) -> bool:
        """Bring an object into a tier from further out, behind all other traffic.

        Returns:
            False if there is nothing to do, or no room that may be taken.
        """
        return bool(self._act(actions.prefetch, self._object(obj), self._tier(tier)))

    def migrate(self, obj: int, source: str, target: str) -> bool:
        """Move an object from one tier to another, as a write-back; False if there is nothing to do."""
        return bool(self._act(actions.migrate, self._object(obj), self._tier(source), self._tier(target)))

    def pin(self, obj: int, tier: str) -> None:
        """Keep an object from being evicted from a tier, until it is unpinned as often."""
        self._act(actions.pin, self._object(obj), self._tier(tier))

    def unpin(self, obj: int, tier: str) -> None:
        """Take one pin off."""
        self._act(actions.unpin, self._object(obj), self._tier(tier))

    def throttle(self, hop: str, traffic_class: int, share: float) -> None:
        """Leave a class of traffic (0 demand, 1 write-back, 2 prefetch) at most a share, 0 to 1, of a hop.

        Args:
            hop: such as ``pcie.forward``, ``cxl.read``, or ``hbm`` where both directions share the medium.
            traffic_class: 0 demand, 1 write-back, 2 prefetch.
            share: of each of the hop's bounds.
        """
        names = [each.name for each in self._core.plan.hops]
        if hop not in names:
            raise ConfigError(f"no hop `{hop}`{nearest(hop, names)} (the machine has {', '.join(names)})")
        if not 0.0 <= share <= 1.0:
            raise ConfigError(f"the share of a hop is 0 to 1, got {share}")
        self._act(actions.throttle, names.index(hop), traffic_class, float(share))

    def weight(self, traffic_class: int, weight: float) -> None:
        """Give all flows of a class of traffic a weight above 0 in the sharing of bandwidth within the class."""
        if not weight > 0.0:
            raise ConfigError(f"a weight is above 0, got {weight}")
        self._act(actions.weigh, traffic_class, float(weight))

    def watch(self, kind: str, tier: str | None = None, every: int = 1) -> simpy.Event:
        """Return an event that fires when something has happened ``every`` times; its value is a list of `Record`.

        Args:
            kind: ``done`` (an access finished), ``hit`` or ``miss`` (a first look-up in a tier), ``evict``.
            tier: the tier to watch; all when absent.
            every: after how many occurrences to fire, once.
        """
        if kind not in KINDS:
            raise ConfigError(f"cannot watch `{kind}`{nearest(kind, KINDS)} (done, hit, miss, evict)")
        table = self._core.world.watches
        free = [slot for slot in range(c.WATCHES) if table[slot, c.W_ACTIVE] == 0]
        if not free:
            raise ConfigError(f"at most {c.WATCHES} watches at once")
        place = c.NONE if tier is None else self._tier(tier)
        self._core.world.watches[free[0]] = [KINDS[kind], place, every, 0, 1, 0]
        start = int(self._core.world.clock[c.JOURNAL_SIZE])
        self._made += 1
        self._watches.append(_Watch(self._made, free[0], KINDS[kind], place, start, self._env.event()))
        return self._watches[-1].event

    def _tier(self, name: str) -> int:
        if name not in self.tiers:
            raise ConfigError(f"no tier `{name}`{nearest(name, self.tiers)} (managed are {', '.join(self.tiers)})")
        return self.tiers.index(name)

    def _object(self, number: int) -> int:
        if not 0 <= number < self.objects:
            raise ConfigError(f"objects are numbered 0 to {self.objects - 1}, got {number}")
        return int(number)

    def _act(self, action: Any, *args: Any) -> Any:
        self._core.grow_if_needed()
        loop.reach(self._core.handle, self.now)
        done = action(self._core.handle, *args)
        self.deliver()
        return done

    def deliver(self) -> None:
        """Fire the watches whose count is reached, in the order in which they were."""
        w = self._core.world
        if w.clock[c.WOKEN] == 0:
            return
        w.clock[c.WOKEN] = 0
        rows = w.watches
        fired = [watch for watch in self._watches if rows[watch.slot, c.W_COUNT] >= rows[watch.slot, c.W_EVERY]]
        for watch in sorted(fired, key=lambda watch: (rows[watch.slot, c.W_REACHED], watch.number)):
            self._watches.remove(watch)
            rows[watch.slot, c.W_ACTIVE] = 0
            self._fire(watch)
        if not self._watches:
            w.clock[c.JOURNAL_SIZE] = 0

    def _fire(self, watch: _Watch) -> None:
        """Let the agent go on at the core's time, which SimPy's clock may not have reached yet."""
        w = self._core.world
        rows = w.journal[watch.start : int(w.clock[c.JOURNAL_SIZE])]
        watch.event._ok = True
        watch.event._value = [
            Record(int(time), int(key), self.tiers[tier] if tier >= 0 else None, int(stream))
            for kind, time, key, tier, stream in rows
            if kind == watch.kind and watch.tier in (c.NONE, tier)
        ]
        self._env.schedule(watch.event, delay=self._core.now - self._env.now)


def run_with_agents(core: Core, agents: Sequence[Agent], progress: Callable[[], None] | None = None) -> None:
    """Run a core to its end together with agents; it does not wait for agents that would go on after it.

    Args:
        core: made with ``Options(watched=True)``.
        agents: generator functions ``agent(env, core)``.
        progress: called after every decision.
    """
    env = simpy.Environment()
    seen = AgentCore(core, env)
    for agent in agents:
        env.process(agent(env, seen))
    while True:
        decision = env.peek()
        if core.run(until=None if decision == inf else int(decision)) == c.WAKE:
            seen.deliver()
            continue
        if decision == inf or (core.finished and decision > core.now):
            return
        env.step()
        if progress is not None:
            progress()
