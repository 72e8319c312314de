"""Running operations: the compiled loop, tables that grow, pieces of a trace that are loaded on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np

from hiersim.drivers.execute import columns as x
from hiersim.drivers.execute import loop
from hiersim.drivers.execute.check import check, check_names, check_piece
from hiersim.drivers.execute.faults import lost, standstill
from hiersim.drivers.execute.load import Numbers, extended
from hiersim.drivers.execute.outcome import operations_result
from hiersim.drivers.execute.program import Program, handle
from hiersim.drivers.execute.setup import Setting, Trace, homes, make_core, make_program, told_future
from hiersim.engine import columns as c
from hiersim.engine.build import WHOLE
from hiersim.engine.laws import check_laws
from hiersim.engine.outcome import make_result
from hiersim.engine.result import Result
from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Execute
from hiersim.policies.hooks import failures
from hiersim.traces.operation import Operations, OperationStream, OperationTrace

Progress = Callable[[int, int], None]
BURST = 200_000  # events after which a run comes back to Python, to say how far it is


class Execution:
    """One run of operations: its core, its Program, and the pieces of the trace that are still to come.

    Args:
        setting: the machine and its rules.
        trace: the operations.

    Raises:
        ConfigError, TraceError: they do not fit each other.
    """

    def __init__(self, setting: Setting, trace: Trace) -> None:
        check_names(setting, trace)
        if not isinstance(trace, OperationTrace) and told_future(setting):
            trace = trace.whole()
        self.setting, self.trace = setting, trace
        self.core = make_core(setting, trace)
        check(setting, trace)
        self.program: Program = make_program(setting, trace, self.core)
        self.numbers = Numbers.of(trace.header, self.core.plan)
        self.homes = homes(self.core.plan, trace, setting.classes)
        self.critical = np.zeros(1 if isinstance(trace, OperationTrace) else len(trace) + 1, np.int64)
        self.pieces: Iterator[Operations] = trace.chunks()
        self.loaded = self.came = 0  # operations, and pieces of them
        self.widest = 0  # most objects of an operation
        self.handle: Any = handle(self.program)
        while self.program.state[x.SHORT] or not self.loaded:
            if not self.load():
                break
        loop.start(self.core.handle, self.handle)

    def load(self) -> bool:
        """Put the next operations into rows; return whether there were any."""
        piece = next(self.pieces, None)
        if piece is not None and isinstance(self.trace, OperationStream) and self.came < self.trace.alike:
            check_piece(self.setting, self.trace, piece, self.homes, self.loaded)
        self.program = extended(self.program, piece, self.numbers, self.critical)
        if piece is not None:
            self.loaded += len(piece)
            self.came += 1
            self.widest = max(self.widest, int(np.diff(piece.offsets).max(initial=0)))
        if isinstance(self.trace, OperationTrace):  # there is one piece
            self.program.state[x.COMPLETE] = 1
        self.handle = handle(self.program)
        return piece is not None and not self.program.state[x.COMPLETE]

    @property
    def margin(self) -> int:
        """More rows than one event needs: every object that could leave, every stream, every object of an operation."""
        managed = int(self.core.world.tiers[:, c.T_MANAGED].sum())
        return min(self.core.margin, 8 + managed) + len(self.program.streams) + 2 * self.widest

    def warm_up(self) -> None:
        """Compile, or load, what a run needs, without running any of it."""
        loop.advance(self.core.handle, self.handle, 1 << 60, 0)

    def run(self, progress: Progress | None = None) -> None:
        """Run to the end.

        Raises:
            ConfigError: it stands still for want of room.
            TraceError: an operation needs an object that is nowhere.
            PolicyError: a user's policy failed.
        """
        with ExitStack() as stack:
            called = (*self.core.policies, *self.core.admissions.values())
            if any(not policy.builtin for policy in called):
                stack.enter_context(failures(*called, bound=self.core.bound))
            while (code := int(loop.advance(self.core.handle, self.handle, self.margin, BURST))) != c.IDLE:
                self._answer(code)
                if progress is not None and code == c.PAUSE:
                    progress(int(self.program.state[x.DONE]), len(self.trace))
        if self.program.state[x.DONE] < self.loaded:
            raise standstill(self)

    def _answer(self, code: int) -> None:
        if code == c.GROW:
            self.core.grow(self.margin)
        elif code == x.MORE:
            self.load()
        elif code == c.BROKEN:
            self.core.broken()
        elif code == x.LOST:
            raise lost(self)


def run_operations(
    setting: Setting, trace: Trace, name: str, provenance: dict[str, Any], progress: Progress | None = None
) -> Result:
    """Run operations on a machine.

    Args:
        setting: the machine and its rules.
        trace: the operations.
        name: the scenario's name.
        provenance: what the caller knows of where the inputs come from.
        progress: told now and then how many operations are over, and how many there are.

    Raises:
        ConfigError, TraceError: the trace does not fit the machine, or stands still for want of room.
        PolicyError: a user's policy failed.
        LawError: a conservation law does not hold.
    """
    execution = Execution(setting, trace)
    execution.warm_up()
    start = time.perf_counter()
    execution.run(progress)
    seconds = time.perf_counter() - start
    check_laws(execution.core)
    return make_result(execution.core, name, seconds, provenance, operations_result(execution))


def setting_of(scenario: Any) -> Setting:
    """Return what a run of a ``hiersim.config.Scenario`` is given."""
    outputs = scenario.outputs
    return Setting(
        scenario.machine,
        scenario.tiers,
        scenario.classes,
        scenario.execute or Execute(),
        scenario.seed,
        outputs.timeline,
        outputs.timeline_window or WHOLE,
    )


def execute_scenario(scenario: Any, trace: Trace, progress: Progress | None = None) -> Result:
    """Run the operations of a ``hiersim.config.Scenario``; errors as ``run_operations``."""
    if scenario.agents:
        raise ConfigError([Mistake("agents", "decide while accesses are replayed; operations have their own order")])
    provenance = {"seed": scenario.seed, "scenario_hash": scenario.scenario_hash}
    return run_operations(setting_of(scenario), trace, scenario.name, provenance, progress)
