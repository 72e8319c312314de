"""Running a scenario that serves requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hiersim.errors import ConfigError, Mistake
from hiersim.models import find_model

if TYPE_CHECKING:
    from hiersim.config import Scenario
    from hiersim.engine.result import Result
    from hiersim.traces.request import RequestTrace


def serve_scenario(
    scenario: Scenario, requests: RequestTrace, progress: Callable[[int, int], None] | None = None
) -> Result:
    """Serve the requests of a scenario, at most ``replay.limit`` of them.

    Raises:
        ConfigError: no model is named, or it does not fit.
        TraceError: there are no requests.
    """
    from hiersim.drivers.serve.run import serve

    assert scenario.serve is not None
    name = scenario.serve.model or scenario.trace.model
    if name is None:
        raise ConfigError(
            [Mistake("serve.model", "is needed: the AI model that answers the requests (hiersim models)")]
        )
    if scenario.replay.limit is not None:
        requests = requests.limit(scenario.replay.limit)
    return serve(
        scenario.machine,
        scenario.tiers,
        scenario.serve,
        find_model(name),
        requests,
        name=scenario.name,
        kv_dtype=scenario.trace.kv_dtype,
        seed=scenario.seed,
        progress=progress,
        provenance={"seed": scenario.seed, "scenario_hash": scenario.scenario_hash},
    )
