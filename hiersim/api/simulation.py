"""A scenario that can be run: ``hiersim.load("x.yaml").run()``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.api.places import Origin, placing
from hiersim.config import Scenario
from hiersim.config import load as load_scenario
from hiersim.errors import ConfigError, Mistake, PolicyError, TraceError
from hiersim.traces.access import AccessTrace

if TYPE_CHECKING:
    from hiersim.engine.result import Result
    from hiersim.traces.operation import OperationStream, OperationTrace
    from hiersim.traces.request import RequestTrace

    Trace = AccessTrace | RequestTrace | OperationTrace | OperationStream

Progress = Callable[[int, int], None]
"""Called now and then with the accesses that are done and their number in all."""


@dataclass(frozen=True)
class Simulation:
    """A machine, its rules and a trace, ready to run.

    Attributes:
        scenario: what is simulated; its fields are described by ``hiersim schema``.
        origin: the file that it was read from, for messages; ``None`` if it was made in Python.
    """

    scenario: Scenario
    origin: Origin | None = None

    @property
    def name(self) -> str:
        """What the scenario is called."""
        return self.scenario.name

    @property
    def scenario_hash(self) -> str:
        """SHA-256 of all that can change a result, in hexadecimal."""
        return self.scenario.scenario_hash

    def replace(self, path: str, value: Any) -> Simulation:
        """Return the same simulation with another value at a dotted path, such as ``tiers.dram.capacity``.

        Raises:
            ConfigError: the scenario would be wrong.
        """
        return Simulation(self.scenario.replace(path, value))

    def trace(self) -> Trace:
        """Open or make the trace that the scenario names: accesses, requests or operations.

        Raises:
            TraceError: it cannot be read, or holds no accesses.
            ConfigError: its objects have no sizes.
        """
        from hiersim.api.sources import requests_of, trace_of

        with placing(self.origin):
            return requests_of(self.scenario) if self.scenario.serve else trace_of(self.scenario)

    def check(self) -> None:
        """Compile the policies of all kinds, which nothing that reads a scenario does.

        Raises:
            ConfigError: the parameters, or a user's file, are wrong; one mistake for each.
        """
        from hiersim.policies import REPLACEMENT, loader
        from hiersim.policies.admission import ADMISSION, NONE
        from hiersim.policies.prefetch import PREFETCH

        wrong = []
        for name, rules in self.scenario.tiers.items():
            chosen = (
                ("policy", rules.policy, REPLACEMENT),
                ("admission", rules.admission, ADMISSION),
                ("prefetch", rules.prefetch, PREFETCH),
            )
            for key, choice, family in chosen:
                try:
                    if choice is not None and (family is not ADMISSION or choice.name != NONE):
                        loader.find(choice.spec, family=family)
                except PolicyError as why:
                    wrong.append(Mistake(f"tiers.{name}.{key}", str(why)))
        if wrong:
            with placing(self.origin):
                raise ConfigError(wrong)

    def run(self, progress: Progress | None = None, *, trace: Trace | None = None) -> Result:
        """Simulate, and return what moved, what stalled and why, and what it cost.

        Args:
            progress: called now and then with the accesses (requests, operations) done and their number in all.
            trace: accesses to replay, requests to serve or operations to execute, instead of the scenario's own.

        Raises:
            HiersimError: the trace cannot be read, or a policy is wrong.
        """
        from hiersim.agents import make_agent
        from hiersim.api.provenance import complete
        from hiersim.drivers.execute.run import execute_scenario
        from hiersim.drivers.replay import run_scenario
        from hiersim.traces.operation import OperationStream, OperationTrace

        self.check()
        accesses = self.trace() if trace is None else trace
        if isinstance(accesses, OperationTrace | OperationStream):
            with placing(self.origin):
                return complete(execute_scenario(self.scenario, accesses, progress), self.scenario, accesses)
        if self.scenario.serve is not None:
            return self._serve(accesses, progress)
        if not isinstance(accesses, AccessTrace):
            raise TraceError("a replay needs accesses, got requests; requests are served with a `serve` section")
        with placing(self.origin):
            agents = [make_agent(spec.kind, spec.params) for spec in self.scenario.agents]
            result = run_scenario(self.scenario, accesses, agents=agents, progress=progress)
        limit = self.scenario.replay.limit
        return complete(result, self.scenario, accesses if limit is None else accesses.limit(limit).compact())

    def _serve(self, requests: AccessTrace | RequestTrace, progress: Progress | None) -> Result:
        from hiersim.api.provenance import complete
        from hiersim.api.serving import serve_scenario

        if isinstance(requests, AccessTrace):
            raise TraceError("the `serve` section needs a trace of requests, got accesses")
        with placing(self.origin):
            result = serve_scenario(self.scenario, requests, progress)
        return complete(result, self.scenario, requests)

    def __repr__(self) -> str:
        tiers = ", ".join(self.scenario.tiers)
        return f"<Simulation {self.name}: {self.scenario.machine.summary or self.scenario.machine.name}; tiers {tiers}>"


def load(path: str | Path, overrides: Sequence[str] = ()) -> Simulation:
    """Read a scenario from a YAML file.

    Args:
        path: the file.
        overrides: values set by dotted path, each as ``"tiers.dram.capacity=512 GiB"``; later ones win.

    Raises:
        ConfigError: all mistakes at once, each with its file, line and key.
    """
    return Simulation(load_scenario(path, overrides), Origin(str(path), tuple(overrides)))


def run(scenario: str | Path | Scenario | Simulation, progress: Progress | None = None) -> Result:
    """Run a scenario given by its file, or as an object.

    Args:
        scenario: a path, or what ``load`` returned.
        progress: called now and then with the accesses done and their number in all.

    Raises:
        HiersimError: the scenario or its trace is wrong.
    """
    if isinstance(scenario, Scenario):
        scenario = Simulation(scenario)
    chosen = scenario if isinstance(scenario, Simulation) else load(scenario)
    return chosen.run(progress)
