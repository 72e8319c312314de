"""Running a scenario that serves requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hiersim.errors import ConfigError, Mistake
from hiersim.models import find_model

if TYPE_CHECKING:
    from hiersim.config import Scenario
    from hiersim.engine.requests import RequestsResult
    from hiersim.engine.result import Result
    from hiersim.traces.request import RequestTrace


def serve_scenario(
    scenario: Scenario, requests: RequestTrace, progress: Callable[[int, int], None] | None = None
) -> Result:
    """Serve the requests of a scenario, at most ``replay.limit`` of them.

    Raises:
        ConfigError: no model is named, it does not fit, or no request can be served.
        TraceError: there are no requests.
    """
    from hiersim.agents.schedulers import make_scheduler
    from hiersim.drivers.serve.run import serve

    assert scenario.serve is not None
    name = scenario.serve.model or scenario.trace.model
    if name is None:
        raise ConfigError(
            [Mistake("serve.model", "is needed: the AI model that answers the requests (hiersim models)")]
        )
    if scenario.replay.limit is not None:
        requests = requests.limit(scenario.replay.limit)
    model, chosen = find_model(name), scenario.serve.scheduler
    result = serve(
        scenario.machine,
        scenario.tiers,
        scenario.serve,
        model,
        requests,
        name=scenario.name,
        kv_dtype=scenario.trace.kv_dtype,
        seed=scenario.seed,
        scheduler=make_scheduler(chosen.kind, chosen.params) if chosen else None,
        progress=progress,
        provenance={"seed": scenario.seed, "scenario_hash": scenario.scenario_hash},
    )
    assert result.requests is not None
    if not result.requests.done.any():
        raise ConfigError([Mistake("serve", _why_none(result.requests, scenario.serve.max_tokens or model.context))])
    return result


def _why_none(requests: RequestsResult, longest: int) -> str:
    """Say why not a single request was served: the shortest one, and what is allowed."""
    tokens = requests.prompt_tokens + requests.output_tokens
    least = int(tokens.min())
    limit = f"`max_tokens` (else the model's context) allows {longest:,}"
    if requests.kv_bytes_per_token:
        limit += f", and the room for KV holds {requests.pool_bytes // requests.kv_bytes_per_token:,}"
    return f"all {requests.count:,} requests are rejected: the shortest has {least:,} tokens with its answer; {limit}"
