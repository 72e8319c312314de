"""The compiled driver with shared blocks in two and three tiers against the plain one: step by step the same."""

from collections import Counter

import numpy as np
import pytest
from core.mutating import run_broken
from oracle.serving.tiers import Settings, Tiered
from serving.mutations import BROKEN
from serving.rig import MACHINE, SIZE, drawn, server

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_times
from hiersim.engine import columns as e

WAITS = ("queue", "fetch", "prefill", "decode", "preempted", "move")
COUNTERS = {
    "hits": e.T_HITS, "merged": e.T_MERGED, "misses": e.T_MISSES, "evictions": e.T_EVICTIONS, "dropped": e.T_DROPPED,
    "written_back": e.T_WRITTEN_BACK, "refused": e.T_REFUSED, "passed_over": e.T_PASSED,
    "placed_bytes": e.T_PLACED, "removed_bytes": e.T_REMOVED,
}  # fmt: skip


def cost_of(packed):
    """What a step takes, for the plain driver: the compiled closed forms, which have a twin of their own."""

    def cost(decoding, chunks, sampled):
        figures, out = np.zeros((1, k.BATCH), np.int64), np.zeros((1, k.OUT))
        figures[0] = len(decoding), sum(decoding), max(decoding, default=0), len(chunks), sampled
        new, before = (np.array([[chunk[i] for chunk in chunks] or [0]], np.int64) for i in (0, 1))
        step_times(packed, figures, new, before, out)
        found = out[0]
        read = {"kv": k.KV_READ, "weight": k.WEIGHTS, "activation": k.ACTIVATIONS_READ}
        written = {"kv": k.KV_WRITTEN, "activation": k.ACTIVATIONS_WRITTEN}
        return {
            "time": max(1, int(np.ceil(found[k.TIME]))), "flops": int(found[k.FLOPS]),
            "read": {name: int(found[i]) for name, i in read.items()},
            "written": {name: int(found[i]) for name, i in written.items()},
        }  # fmt: skip

    return cost


def plain(compiled, requests, tiers, given):
    """The plain driver of the same run."""
    near = tiers["hbm"].model_copy(update={"capacity": compiled.setup.sizes.pool})
    start, more = compiled.state.compute_time[0]
    how = given["allocation"]
    shared, sizes = how != "contiguous", compiled.setup.sizes
    settings = Settings(
        page_tokens=16, page_bytes=sizes.page, block_tokens=SIZE * shared, block_bytes=sizes.block, longest=100_000,
        window=sizes.window, window_bytes=sizes.window_page,
        swaps=given["preemption"] == "swap", reserves=how in ("reserved", "contiguous"), placed=how == "contiguous",
        most_tokens=given["max_batched_tokens"], most_sequences=given["max_sequences"],
        layers=compiled.setup.work.layers,
        whole=given["whole_prompt"], reserve=int(given["watermark"] * compiled.setup.sizes.pool),
        remember=given["remember_preempted"] and how == "paged" and not sizes.window,
        layered=given["fetch"] == "layered",
        anywhere=given["reuse"] == "anywhere",
        again=round(1000 * given["recomputed_share"]) * SIZE // 1000,
        faster=(float(start), float(more)) if given["fetch_if"] == "faster" else None,
    )  # fmt: skip
    keys = np.split(requests.block_ids, requests.block_offsets[1:-1])
    guesses = compiled.state.queries[:, c.Q_GUESS].tolist()
    columns = (requests.time_ps, requests.prompt_tokens, requests.output_tokens)
    numbers = zip(*(column.tolist() for column in columns), keys, guesses, strict=True)
    plain_rows = [(time, prompt, output, blocks.tolist(), guess) for time, prompt, output, blocks, guess in numbers]
    return Tiered(given["on"], tiers | {"hbm": near}, settings, plain_rows, cost_of(compiled.state.cost[0]))


SEEDS = (*range(40), 67, 100, 123, 284)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_run_as_the_plain_driver(seed):
    requests, tiers, given = drawn(seed)
    compiled = server(requests, tiers, **given)
    twin = plain(compiled, requests, tiers, given)
    twin.run()
    compiled.run()
    rows, world = compiled.state.queries, compiled.core.world
    mine = {"first": c.Q_FIRST, "last": c.Q_LAST, "preemptions": c.Q_PREEMPTIONS, "computed": c.Q_COMPUTED}
    for name, column in mine.items():
        assert rows[:, column].tolist() == [getattr(query, name) for query in twin.queries], name
    assert compiled.state.engines[0, c.E_STEPS] == twin.steps
    for i, place in enumerate([*compiled.core.plan.order, "remembered"]):
        assert compiled.state.served[:, i].tolist() == [query.served[place] for query in twin.queries], place
    for i, kind in enumerate(WAITS):
        assert compiled.state.waits[:, i].tolist() == [query.waits[kind] for query in twin.queries], kind
    for store in twin.stores:
        row = world.tiers[store.number]
        assert {name: int(row[i]) for name, i in COUNTERS.items()} == {name: store.counters[name] for name in COUNTERS}
        assert (int(row[e.T_USED]), int(row[e.T_PEAK])) == (store.used, store.peak), store.name
    for name in MACHINE.links:
        for number, way in enumerate(("forward", "backward")):
            step = compiled.core.plan.link_step[name, number]
            assert world.payload[step].sum() == sum(twin.traffic.payload(name, way).values()), name
    free, apart = compiled.state.used[0, 2:].tolist()
    assert (free, apart) == (twin.piece * twin.free_pages, twin.piece * twin.apart_pages)


def test_the_draws_reach_what_they_are_for():
    """Preemptions, blocks from further tiers, waits for them, holes, windows and joined transits all happen."""
    seen = Counter()
    for seed in SEEDS:
        requests, tiers, given = drawn(seed)
        compiled = server(requests, tiers, **given)
        compiled.run()
        rows, state = compiled.state.queries, compiled.state
        seen["swapped"] += int(state.waits[:, c.W_MOVE].sum())
        seen["windows"] += int(compiled.setup.sizes.window > 0 and rows[:, c.Q_REUSED].sum() > 0)
        seen["holes"] += int(state.used[0, 3] > 0)
        seen["preemptions"] += int(rows[:, c.Q_PREEMPTIONS].sum())
        seen["far"] += int(state.served[:, 1:-1].sum())
        seen["merged"] += int(compiled.core.world.tiers[:, e.T_MERGED].sum())
        seen["fetch"] += int((state.waits[:, c.W_FETCH] > 0).sum())
    assert len(seen) == 7
    assert all(seen.values()), seen


@pytest.mark.parametrize("half", [0, 1])
def test_a_broken_line_of_the_driver_shows(half):
    names = list(BROKEN)[half::2]
    assert run_broken("serving.mutations", names) == dict.fromkeys(names, True)
