"""The compiled scheduler against the plain one of tests/oracle/serving: the same steps, times and fates."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.serving.scheduler import Request, Server, Settings

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.run import Server as Compiled
from hiersim.drivers.serve.run import serve
from hiersim.drivers.serve.setup import prepare
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_times
from hiersim.machine import TierRules
from hiersim.machine.catalogue import find_machine
from hiersim.machine.serving import Serving
from hiersim.models import find_model
from hiersim.traces.request import RequestTrace

MODEL = find_model("llama-3.1-8b")
MACHINE = find_machine("rtx-4090")
TIERS = {"gddr": TierRules()}


def requests(rng, count, prompt, output, gap):
    """Random requests in bursts: some at once, some far apart."""
    times = np.cumsum(rng.integers(0, gap, count) * rng.integers(0, 2, count))
    lengths = rng.integers(1, prompt, count), rng.integers(1, output, count)
    none = np.zeros(0, np.int32)
    offsets, sessions = np.zeros(count + 1, np.int64), np.full(count, -1, np.int32)
    return RequestTrace(times, *lengths, sessions, offsets, none, none.astype(np.int64), block_tokens=0)


def plain_cost(packed):
    """The time of a batch of (new tokens, tokens before, sampled), rounded up as the core does."""

    def cost(batch):
        figures = np.zeros((1, k.BATCH), np.int64)
        ones = [before for new, before, _ in batch if new == 1]
        chunks = [(new, before) for new, before, _ in batch if new > 1]
        figures[0, k.DECODES], figures[0, k.CONTEXT] = len(ones), sum(ones)
        figures[0, k.LONGEST], figures[0, k.CHUNKS] = max(ones, default=0), len(chunks)
        figures[0, k.SAMPLED] = len(batch)
        new, before = (np.array([[chunk[i] for chunk in chunks] or [0]], np.int64) for i in (0, 1))
        out = np.zeros((1, k.OUT))
        step_times(packed, figures, new, before, out)
        return int(np.ceil(out[0, k.TIME]))

    return cost


SHAPES = {  # pages, most tokens, most sequences, prompt, output
    "roomy": (4000, 512, 32, 600, 60),
    "preempts": (60, 256, 16, 300, 200),
    "thrashes": (30, 64, 8, 200, 250),
    "one at a time": (40, 1024, 1, 400, 30),
}


@pytest.mark.parametrize("remember", [True, False])
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_steps_as_the_plain_scheduler(shape, whole, remember):
    pages, tokens, sequences, prompt, output = SHAPES[shape]
    preemptions = 0
    for seed in range(6):
        trace = requests(np.random.default_rng([seed, len(shape)]), 40, prompt, output, 10**12)
        rules = Serving(kv_pages=pages, max_batched_tokens=tokens, max_sequences=sequences, max_tokens=100_000,
                        whole_prompt=whole, remember_preempted=remember)  # fmt: skip
        setup = prepare(MACHINE, TIERS, rules, MODEL, "bf16")
        compiled = Compiled(MACHINE, TIERS, setup, trace)
        compiled.run()
        settings = Settings(pages, 16, tokens, sequences, whole_prompt=whole, prefix_cache=remember, longest=100_000)
        rows = zip(trace.time_ps.tolist(), trace.prompt_tokens.tolist(), trace.output_tokens.tolist(), strict=True)
        plain = [Request(*row) for row in rows]
        twin = Server(plain, settings)
        twin.run(plain_cost(compiled.state.cost[0]))
        mine = compiled.state.queries
        assert mine[:, c.Q_FIRST].tolist() == [-1 if r.first is None else r.first for r in plain]
        assert mine[:, c.Q_LAST].tolist() == [-1 if r.last is None else r.last for r in plain]
        assert mine[:, c.Q_PREEMPTIONS].tolist() == [r.preemptions for r in plain]
        assert mine[:, c.Q_COMPUTED].tolist() == [r.processed for r in plain]
        assert mine[:, c.Q_REUSED].tolist() == [r.reused for r in plain]
        assert (mine[:, c.Q_STATE] == c.REJECTED).tolist() == [r.rejected for r in plain]
        assert compiled.state.engines[0, c.E_STEPS] == len(twin.steps)
        preemptions += sum(r.preemptions for r in plain)
    assert (preemptions > 0) == (shape in ("preempts", "thrashes"))


def run(trace, **rules):
    return serve(MACHINE, TIERS, Serving(max_tokens=100_000, **rules), MODEL, trace)


def test_what_can_never_be_served_is_rejected_and_the_rest_is_served():
    trace = requests(np.random.default_rng(5), 20, 2000, 30, 10**11)
    result = run(trace, kv_pages=50)
    too_long = trace.prompt_tokens + trace.output_tokens - 1 > 50 * 16
    assert result.requests.rejected.tolist() == too_long.tolist()
    assert result.requests.done.tolist() == (~too_long).tolist()


@pytest.mark.xdist_group("engine")
def test_equal_runs_are_equal():
    trace = requests(np.random.default_rng(7), 60, 300, 200, 10**12)
    first, second = (run(trace, kv_pages=60, max_batched_tokens=256) for _ in range(2))
    assert (first.requests.last_ps == second.requests.last_ps).all()
    assert first.energy_j == second.energy_j
