"""Scenarios: YAML -> one typed ``Scenario``, or all its mistakes at once."""

from hiersim.config.load import load, load_machine
from hiersim.config.scenario import Scenario
from hiersim.config.schema import schema

__all__ = ["Scenario", "load", "load_machine", "schema"]
