"""Random small machines, rules and traces: ``scenarios()`` for hypothesis, ``scenario(seed)`` for long runs."""

from strategies.scenario import Scenario, scenario, scenarios

__all__ = ["Scenario", "scenario", "scenarios"]
