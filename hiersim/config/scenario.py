"""A scenario: machine, rules, trace and settings, checked as a whole."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from hiersim.config.checks import agent_problems, makes_operations, problems_between
from hiersim.config.sections import AgentSpec, Outputs, TraceSection
from hiersim.config.serving import serving_problems
from hiersim.machine import ClassRules, Execute, Machine, Replay, TierRules
from hiersim.machine.record import Name, Record, problems_error
from hiersim.machine.serving import Serving


class Scenario(Record):
    """What one run simulates."""

    name: str = "scenario"
    """What it is called in reports; the file's name when absent."""
    summary: str = ""
    """What it shows, in a sentence."""
    machine: Machine
    """The tiers, links and units."""
    trace: TraceSection
    """What is asked of them."""
    tiers: dict[Name, TierRules] = {}
    """The managed tiers from near to far and their rules; all of the machine's, with default rules, when empty."""
    classes: dict[str, ClassRules] = {}
    """What happens to objects that are in no tier, by class."""
    replay: Replay = Replay()
    """How the trace is replayed."""
    execute: Execute | None = None
    """How a trace of operations is executed."""
    serve: Serving | None = None
    """How the requests of the trace are served; their accesses are replayed when absent."""
    agents: list[AgentSpec] = []
    """Processes that decide something during the run."""
    outputs: Outputs = Outputs()
    """What is recorded."""
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Every random choice derives from it."""

    @model_validator(mode="before")
    @classmethod
    def _all_tiers(cls, data: Any) -> Any:
        if isinstance(data, dict) and not data.get("tiers") and isinstance(data.get("machine"), Machine):
            return data | {"tiers": {tier: TierRules() for tier in data["machine"].tiers}}
        return data

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        replay = None if self.execute is not None or makes_operations(self.trace) else self.replay
        problems = problems_between(self.machine, self.tiers, self.classes, replay, self.trace)
        problems += serving_problems(self.machine, self.tiers, self.serve) if self.serve else []
        problems += agent_problems([agent.kind for agent in self.agents])
        if problems:
            raise problems_error(problems)
        return self

    @property
    def unit(self) -> str:
        """The name of the unit that replays the trace, the first if there are several."""
        return next(iter(self.replay.units or self.machine.units))

    def capacity(self, tier: str) -> int:
        """Return the bytes of a tier that this run uses."""
        return self.tiers[tier].capacity or self.machine.tiers[tier].capacity

    def chain(self, unit: str | None = None) -> tuple[str, ...]:
        """Return the managed tiers that a unit looks through, from near to far."""
        return self.machine.chain(unit or self.unit, list(self.tiers))

    @property
    def scenario_hash(self) -> str:
        """SHA-256 of all that can change a result, in hexadecimal; the same on every computer.

        Names, summaries and sources do not count; of the paths of files only their last part does.
        """
        data = _bare(self.model_dump(exclude={"name", "summary"}))
        if self.trace.path is not None:
            data["trace"]["path"] = Path(self.trace.path).name
        if data["serve"] is None:  # so that what was hashed before there was such a section keeps its hash
            del data["serve"]
        for rules in data["tiers"].values():
            rules["policy"]["name"] = Path(rules["policy"]["name"]).name
            for key in ("admission", "prefetch"):
                if rules[key] is None:
                    del rules[key]
                else:
                    rules[key]["name"] = Path(rules[key]["name"]).name
        if self.execute is None:
            del data["execute"]
        del data["outputs"]["timeline_shortest"]  # it changes a file for people, not the result
        if self.outputs.timeline_window is None:
            del data["outputs"]["timeline_window"]
        text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=str)
        order = ",".join([*self.tiers, "|", *self.machine.tiers, "|", *self.machine.links, "|", *self.machine.units])
        return hashlib.sha256(f"{order}\n{text}".encode()).hexdigest()

    def replace(self, path: str, value: Any) -> Scenario:
        """Return this scenario with another value at a dotted path.

        Args:
            path: such as ``tiers.dram.capacity`` or ``machine``.
            value: such as ``"512 GiB"``; a plain number is in the base unit (bytes, picoseconds, bytes/s, ...).

        Raises:
            ConfigError: the scenario would be wrong.
        """
        from hiersim.config.load import replaced

        return replaced(self, {path: value})


def _bare(data: Any) -> Any:
    """Leave out what only describes: sources, names of parts and machines."""
    if isinstance(data, dict):
        described = {"provenance", "part"} | ({"name", "summary"} if "links" in data else set())
        return {key: _bare(value) for key, value in data.items() if key not in described}
    return [_bare(value) for value in data] if isinstance(data, list | tuple) else data
