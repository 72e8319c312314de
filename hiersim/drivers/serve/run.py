"""Serving: a request trace through batches of a model, its KV in a machine's tiers (docs/serving.md)."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve import loop
from hiersim.drivers.serve.build import make_core, make_state
from hiersim.drivers.serve.deciding import Scheduler, decide
from hiersim.drivers.serve.setup import Setup, prepare, share_blocks
from hiersim.drivers.serve.state import Serve, handle
from hiersim.engine import columns as e
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result
from hiersim.engine.requests import Promise, RequestsResult
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, LawError, TraceError
from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.traces.request import RequestTrace

if TYPE_CHECKING:
    from hiersim.machine import Machine, TierRules
    from hiersim.machine.serving import Serving
    from hiersim.models import Model

Progress = Callable[[int, int], None]
BURST = 200_000  # events after which a run with a progress bar comes back to Python


class Server:
    """One serving run: a core, and what the driver keeps.

    Args:
        machine: the machine.
        tiers: the managed tiers from near to far, and their rules.
        setup: what ``prepare`` found out.
        requests: the trace.
        seed: from which guesses and policies draw.
    """

    def __init__(
        self, machine: Machine, tiers: dict[str, TierRules], setup: Setup, requests: RequestTrace, seed: int = 0
    ) -> None:
        if not len(requests):
            raise TraceError(f"{requests.source or requests.name}: holds no requests")
        self.setup = share_blocks(setup, requests)
        self.requests = requests
        self.core = make_core(machine, tiers, self.setup, requests, seed)
        self.state: Serve = make_state(self.core, self.setup, requests, seed)
        self.handle = handle(self.state)
        self.scheduler: Scheduler | None = None
        longest = int(self.state.queries[:, c.Q_BLOCKS].max(initial=0))
        self.margin = self.core.margin + (len(tiers) + 2) * (longest + setup.rules.max_sequences + 2)

    def ask(self, scheduler: Scheduler) -> None:
        """Let a scheduler in Python decide what each step computes, instead of the compiled rules."""
        self.scheduler = scheduler
        self.state.settings[c.C_ASKED] = 1

    def run(self, until: int | None = None, budget: int = 1 << 60) -> int:
        """Handle all events before ``until`` (picoseconds; all when absent), at most ``budget``; as ``Core.run``."""
        limit = loop.NEVER if until is None else until
        last = int(self.core.world.clock[e.EVENTS]) + budget
        while True:
            left = last - int(self.core.world.clock[e.EVENTS])
            code = int(loop.advance(self.core.handle, self.handle, limit, self.margin, left))
            if code == e.GROW:
                self.core.grow(self.margin)
            elif code == c.DECIDE:
                assert self.scheduler is not None
                decide(self, self.scheduler)
            elif code == e.BROKEN:
                self.core.broken()
            else:
                return code

    def grow_if_needed(self) -> None:
        """Make sure that the tables have rows for what a scheduler decides next."""
        clock = self.core.world.clock
        if clock[e.JOBS_FREE] < self.margin or clock[e.ACCESSES_FREE] < self.margin:
            self.core.grow(self.margin)

    @property
    def left(self) -> int:
        """Requests that are neither done nor rejected."""
        return int(self.state.clock[c.K_OPEN])


def serve(
    machine: Machine,
    tiers: dict[str, TierRules],
    serving: Serving,
    model: Model,
    requests: RequestTrace,
    *,
    name: str = "serving",
    kv_dtype: str = "bf16",
    seed: int = 0,
    scheduler: Scheduler | None = None,
    progress: Progress | None = None,
    provenance: dict[str, Any] | None = None,
) -> Result:
    """Serve the requests of a trace.

    Args:
        machine: the machine.
        tiers: the managed tiers from near to far, and their rules; the near tier's room is that for KV.
        serving: how requests are served.
        model: the AI model.
        requests: the trace.
        name: what the run is called.
        kv_dtype: format of keys and values where ``serving`` names none.
        seed: from which guesses and policies draw.
        scheduler: decides in Python what each step computes; the compiled rules when absent.
        progress: told now and then how many requests are done, and how many there are.
        provenance: what the caller knows of where the inputs come from.

    Raises:
        ConfigError: the model does not fit, or requests can never go on.
        TraceError: the trace holds no requests.
        LawError: a conservation law does not hold.
    """
    server = Server(machine, tiers, prepare(machine, tiers, serving, model, kv_dtype), requests, seed)
    if scheduler is not None:
        server.ask(scheduler)
    server.run(until=-1, budget=1)  # compiles, or loads, what the run needs
    start = time.perf_counter()
    while server.run(budget=BURST) == e.PAUSE:
        if progress is not None:
            progress(len(requests) - server.left, len(requests))
    seconds = time.perf_counter() - start
    if server.left:
        raise ConfigError(standstill(server))
    check_laws(server.core)
    check_requests(server)
    told = {"seed": seed} | (provenance or {})
    result = make_result(server.core, name, seconds, told)
    estimates = [*result.provenance["estimates"], *kernel_estimates(machine, server.setup)]
    return replace(result, requests=outcome(server), provenance=result.provenance | {"estimates": estimates})


def kernel_estimates(machine: Machine, setup: Setup) -> list[str]:
    """Return the constants of the units' kernels that are estimates, as dotted paths."""
    found = []
    for name in dict.fromkeys(setup.units):
        unit = machine.units[name]
        known = kernels_of(unit, machine.tiers[unit.tier])
        found += [f"units.{name}.kernels.{field}" for field in known.estimates]
    return found


def standstill(server: Server) -> str:
    """Say what keeps requests from ever going on."""
    states = server.state.queries[:, c.Q_STATE]
    waiting, running = int((states == c.WAITING).sum()), int((states == c.RUNNING).sum())
    if server.scheduler is not None and not running:
        return f"serve: {server.left:,} requests are never admitted by `scheduler` ({waiting:,} wait, none runs)"
    lines = server.core.world.tiers[:, e.T_LINE_HEAD]
    stuck = [f"tiers.{name}" for name, head in zip(server.core.plan.order, lines, strict=True) if head != c.NONE]
    where = f"in {', '.join(stuck)} everything" if stuck else f"the room for KV of {server.setup.sizes.pool:,} bytes"
    return (
        f"serve: {server.left:,} requests can never go on ({waiting:,} wait, {running:,} run): {where} is held by what "
        "is on its way or cannot be evicted; give more room"
    )


def check_requests(server: Server) -> None:
    """Check that tokens and times of the requests add up.

    Raises:
        LawError: they do not.
    """
    s, rows = server.state, server.state.queries
    done = rows[:, c.Q_STATE] == c.DONE
    spent, lived = s.waits[done].sum(axis=1), (rows[:, c.Q_LAST] - rows[:, c.Q_ARRIVE])[done]
    if not np.array_equal(spent, lived):
        raise LawError("requests: the parts of a request's time are not its latency")
    once = done & (rows[:, c.Q_PREEMPTIONS] == 0)
    needed = rows[:, c.Q_PROMPT] + np.maximum(rows[:, c.Q_OUTPUT] - 1, 0)
    got = rows[:, c.Q_COMPUTED] + rows[:, c.Q_REUSED]
    if not np.array_equal(needed[once], got[once]):
        raise LawError("requests: tokens computed and reused are not the tokens needed")
    if rows[done][:, [c.Q_BYTES, c.Q_HELD]].any():
        raise LawError("requests: one that is done still holds room")
    if not np.array_equal(s.served.sum(axis=1)[done], rows[done, c.Q_REUSED]):
        raise LawError("requests: reused tokens are not those that the tiers had")


def outcome(server: Server) -> RequestsResult:
    """Return what became of the requests."""
    s, rows, rules = server.state, server.state.queries, server.setup.rules
    samples = s.samples[: int(s.clock[c.K_SAMPLES])]
    held, needed, free, apart = s.used.sum(axis=0)
    columns = {
        "time_ps": c.S_TIME,
        "engine": c.S_ENGINE,
        "running": c.S_RUNNING,
        "queued": c.S_QUEUED,
        "used_bytes": c.S_USED,
        "held_bytes": c.S_HELD_BYTES,
        "needed_bytes": c.S_NEEDED_BYTES,
    }
    came = rows[:, c.Q_STATE] != c.TO_COME
    return RequestsResult(
        arrived_ps=np.where(came, rows[:, c.Q_ARRIVE], -1),
        started_ps=rows[:, c.Q_STARTED].copy(),
        first_ps=rows[:, c.Q_FIRST].copy(),
        last_ps=rows[:, c.Q_LAST].copy(),
        prompt_tokens=rows[:, c.Q_PROMPT].copy(),
        output_tokens=rows[:, c.Q_OUTPUT].copy(),
        computed_tokens=rows[:, c.Q_COMPUTED].copy(),
        reused_tokens=s.served.copy(),
        preemptions=rows[:, c.Q_PREEMPTIONS].copy(),
        rejected=(rows[:, c.Q_STATE] == c.REJECTED).astype(np.uint8),
        waits_ps=s.waits.copy(),
        steps=int(s.engines[:, c.E_STEPS].sum()),
        step_tokens=int(s.engines[:, c.E_TOKENS].sum()),
        held_share=float(needed / held) if held else 1.0,
        apart_share=float(apart / free) if free else 0.0,
        samples={name: samples[:, column].copy() for name, column in columns.items()},
        promise=Promise(rules.objective.ttft, rules.objective.tpot, rules.objective.latency),
        machine_per_hour=rules.prices.machine_per_hour,
        energy_per_kwh=rules.prices.energy_per_kwh,
        kv_bytes_per_token=server.setup.work.kv_bytes_per_token,
        pool_bytes=server.setup.sizes.pool,
    )
