"""What studies of serving share: machines, requests that are all there at once, runs, and what a batch decodes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.drivers.serve.run import serve
from hiersim.drivers.serving import columns as c
from hiersim.drivers.serving.cost import step_times
from hiersim.drivers.serving.packing import pack
from hiersim.engine.result import Result
from hiersim.machine import Machine, TierRules
from hiersim.machine.catalogue import find_machine
from hiersim.machine.serving import Serving
from hiersim.models import find_model, work_of
from hiersim.models.codec import coded
from hiersim.traces.request import RequestTrace

Ints = NDArray[np.int64]
SECOND = 10**12
GB = 10**9


def card(name: str = "a100-80g", capacity: int | None = None) -> Machine:
    """Return a machine of the catalogue, perhaps with another capacity of its near tier, in bytes."""
    machine = find_machine(name)
    if capacity is None:
        return machine
    near = next(iter(machine.units.values())).tier
    return machine.model_copy(
        update={"tiers": machine.tiers | {near: machine.tiers[near].model_copy(update={"capacity": capacity})}}
    )


def without_blocks(trace: RequestTrace) -> RequestTrace:
    """Return the same requests, of which nobody knows what they share."""
    none = np.zeros(0, np.int32)
    offsets = np.zeros(len(trace) + 1, np.int64)
    return replace(
        trace, block_offsets=offsets, block_ids=none, original_block_id=none.astype(np.int64), block_tokens=0
    )


def requests_of(
    prompts: Sequence[int] | Ints, outputs: Sequence[int] | Ints, times: Sequence[int] | None = None, **more: Any
) -> RequestTrace:
    """Return requests without shared blocks, by default all at time 0 (picoseconds)."""
    count = len(prompts)
    given: dict[str, Any] = {
        "session": np.full(count, -1, np.int32),
        "block_offsets": np.zeros(count + 1, np.int64),
    } | more
    return RequestTrace(
        time_ps=np.zeros(count, np.int64) if times is None else np.asarray(times, np.int64),
        prompt_tokens=np.asarray(prompts, np.int64),
        output_tokens=np.asarray(outputs, np.int64),
        block_ids=given.pop("block_ids", np.zeros(0, np.int32)),
        original_block_id=given.pop("original_block_id", np.zeros(0, np.int64)),
        block_tokens=given.pop("block_tokens", 0),
        **given,
    )


def served(
    machine: Machine, model: str, requests: RequestTrace, tiers: dict[str, TierRules] | None = None, **rules: Any
) -> Result:
    """Serve requests; the near tier alone unless ``tiers`` says more, and settings of ``Serving``."""
    near = next(iter(machine.units.values())).tier
    return serve(machine, tiers or {near: TierRules()}, Serving(**rules), find_model(model), requests)


def tokens_per_s(result: Result) -> float:
    """Return output tokens per second of simulated time."""
    assert result.requests is not None
    return result.requests.output_total * SECOND / result.elapsed_ps


def decoded_per_s(machine: Machine, model: str, batch: int, context: int, ratio: Fraction = Fraction(1)) -> float:
    """Return the tokens that a batch decodes in a second, its KV taking ``ratio`` of 16 bits a number."""
    unit = next(iter(machine.units.values()))
    work = coded(work_of(find_model(model)), ratio)
    figures = np.zeros((1, c.BATCH), np.int64)
    figures[0, [c.DECODES, c.CONTEXT, c.LONGEST, c.SAMPLED]] = batch, batch * context, context, batch
    none, out = np.zeros((1, 1), np.int64), np.zeros((1, c.OUT))
    step_times(pack(work, unit, machine.tiers[unit.tier]), figures, none, none, out)
    return float(batch * SECOND / out[0, c.TIME])
