"""From a scenario and its requests to a core with tiers for their blocks, and the state of the driver."""

from __future__ import annotations

from typing import Any

import numpy as np

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.fits import check_tiers
from hiersim.drivers.serve.setup import Setup
from hiersim.drivers.serve.state import Serve
from hiersim.drivers.serve.step import ACTIVATION, KV, WEIGHT
from hiersim.drivers.serve.times import coding, coding_times, compute_times, costs_of, fetch_times
from hiersim.drivers.serving import columns as k
from hiersim.engine.build import Options
from hiersim.engine.core import Core
from hiersim.machine import Machine, Replay, TierRules
from hiersim.traces.access import AccessTrace
from hiersim.traces.blocks import block_flops, block_parents
from hiersim.traces.request import RequestTrace

CLASSES = ("kv", "weight", "activation")
ALLOCATIONS = ("paged", "reserved", "mapped", "contiguous")
ROLES = ("both", "prefill", "decode")
NEVER = 1 << 62


def make_core(machine: Machine, tiers: dict[str, TierRules], setup: Setup, trace: RequestTrace, seed: int) -> Core:
    """Return a core whose objects are the blocks, and one more of each class for what is no block."""
    blocks = trace.blocks_distinct if setup.sizes.block else 0
    size = setup.sizes.block or setup.sizes.page or 1
    kinds = np.array([KV] * blocks + [KV, WEIGHT, ACTIVATION], np.uint8)
    flops, parents = np.ones(blocks + 3), np.full(blocks + 3, -1, np.int32)
    if blocks:  # policies may ask what a block costs to compute, and which one it extends
        flops[:blocks], parents[:blocks] = block_flops(trace, setup.model), block_parents(trace)
    check_tiers(machine, tiers, setup.sizes.block, trace.block_tokens)
    objects = AccessTrace.build(
        np.zeros(0, np.int32), np.full(blocks + 3, size, np.int64), {"object_class": kinds, "flops": flops},
        classes=CLASSES, parents=parents if blocks and trace.chained else None,
    )  # fmt: skip
    rules = dict(tiers)
    for unit in setup.units:
        near = machine.units[unit].tier
        rules[near] = rules[near].model_copy(update={"capacity": setup.sizes.pool})
    longest = int(np.diff(trace.block_offsets).max(initial=0))
    rows = 256 + 2 * (len(rules) + 2) * (longest + setup.rules.max_sequences)
    replay = Replay(mode="closed", streams=len(setup.units), unit=setup.units)
    return Core(machine, rules, {}, replay, objects, seed, Options(driven=rows, coding=coding(machine, rules, setup)))


def make_state(core: Core, setup: Setup, trace: RequestTrace, seed: int) -> Serve:
    """Return the driver's arrays."""
    requests, engines = len(trace), len(setup.units)
    shared = setup.sizes.block > 0
    offsets = trace.block_offsets if shared else np.zeros(requests + 1, np.int64)
    blocks = trace.block_ids if shared else np.zeros(1, np.int32)
    queries, users = _queries(setup, trace, offsets, seed)
    clock = np.zeros(c.K_COLUMNS, np.int64)
    clock[[c.K_OPEN, c.K_STRIDE]] = requests, 1
    first = np.flatnonzero(queries[:, c.Q_THINK] == c.NONE)
    clock[c.K_NEXT] = first[0] if len(first) else requests
    costs = costs_of(core, setup)
    tokens = setup.rules.max_sequences + setup.rules.max_batched_tokens
    parts: dict[str, Any] = {
        "clock": clock,
        "settings": _settings(core, setup, trace),
        "queries": queries,
        "engines": _engines(core, setup),
        "coming": np.zeros((requests + 1, 2), np.int64),
        "queue": np.zeros((engines, requests + 1, 2), np.int64),
        "running": np.zeros((engines, setup.rules.max_sequences + 1), np.int32),
        "batch": np.zeros((engines, setup.rules.max_sequences + 1), np.int32),
        "rank": _rank(setup, trace, queries),
        "first_block": np.ascontiguousarray(offsets, np.int64),
        "block": np.ascontiguousarray(blocks, np.int32),
        "fate": np.zeros(len(blocks), np.uint8),
        "owner": np.repeat(np.arange(requests, dtype=np.int32), np.diff(offsets)) if shared else np.zeros(1, np.int32),
        "pinned": np.zeros(len(blocks), np.uint8),
        "served": np.zeros((requests, len(core.plan.order) + 1), np.int64),
        "waits": np.zeros((requests, c.WAITS), np.int64),
        "line": np.full((requests, 4), c.NONE, np.int64),
        "extent": np.full((requests, c.EXTENT_COLUMNS), c.NONE, np.int64),
        "service": np.zeros(users, np.int64),
        "figures": np.zeros(k.BATCH, np.int64),
        "new": np.zeros(tokens, np.int64),
        "before": np.zeros(tokens, np.int64),
        "cost": costs,
        "out": np.zeros(k.OUT, np.float64),
        "fetch_time": fetch_times(core, setup),
        "compute_time": compute_times(costs, setup, trace),
        "coding_time": coding_times(core, setup),
        "owed": np.zeros(engines),
        "used": np.zeros((engines, 4), np.float64),
        "samples": np.zeros((c.MOST_SAMPLES, c.SAMPLE_COLUMNS), np.int64),
    }
    parts["line"][:, :2] = 0
    return Serve(**parts)


def _queries(setup: Setup, trace: RequestTrace, offsets: Any, seed: int) -> tuple[Any, int]:
    """Return the table of requests, and how many users there are."""
    rows = np.zeros((len(trace), c.QUERY_COLUMNS), np.int64)
    rows[:, [c.Q_CHILD, c.Q_SIBLING, c.Q_THINK, c.Q_FIRST, c.Q_LAST, c.Q_STARTED, c.Q_ROW]] = c.NONE
    rows[:, c.Q_ARRIVE] = trace.time_ps
    rows[:, c.Q_PROMPT], rows[:, c.Q_OUTPUT] = trace.prompt_tokens, trace.output_tokens
    if setup.sizes.block:
        full = np.maximum(trace.prompt_tokens - 1, 0) // trace.block_tokens  # the last token is always computed
        rows[:, c.Q_BLOCKS] = np.minimum(np.diff(offsets), full)
    rng = np.random.default_rng([seed, 0x6E55])
    noise = np.exp2(setup.rules.guess_error * rng.standard_normal(len(trace)))
    expected = np.rint(trace.output_tokens * noise) if setup.rules.guess_tokens is None else setup.rules.guess_tokens
    rows[:, c.Q_GUESS] = np.maximum(1, expected)
    rows[:, c.Q_USER] = np.maximum(trace.session, -1) + 1
    for r in np.flatnonzero(trace.after >= 0)[::-1]:
        before = trace.after[r]
        rows[r, c.Q_THINK] = trace.think_ps[r]
        rows[r, c.Q_SIBLING], rows[before, c.Q_CHILD] = rows[before, c.Q_CHILD], r
    return rows, int(rows[:, c.Q_USER].max(initial=0)) + 1


def _rank(setup: Setup, trace: RequestTrace, queries: Any) -> Any:
    """Return each request's place in the queue; requests that came earlier go first among equals."""
    index = np.arange(len(trace))
    if setup.rules.order == "shortest":
        order = np.lexsort((index, queries[:, c.Q_GUESS]))
    elif setup.rules.order == "grouped":
        order = _grouped(trace)
    else:
        return index.astype(np.int64)
    rank = np.empty(len(trace), np.int64)
    rank[order] = index
    return rank


def _grouped(trace: RequestTrace) -> Any:
    """Return the requests by their blocks, so that those that begin alike stand together."""
    blocks = np.split(trace.block_ids, trace.block_offsets[1:-1]) if len(trace) else []
    return np.array(sorted(range(len(trace)), key=lambda r: (blocks[r].tolist(), r)), np.int64)


def _settings(core: Core, setup: Setup, trace: RequestTrace) -> Any:
    rules, sizes = setup.rules, setup.sizes
    found = {
        c.C_TOKENS: rules.max_batched_tokens,
        c.C_SEQUENCES: rules.max_sequences,
        c.C_CHUNKED: rules.chunked_prefill,
        c.C_PAGE: rules.page_tokens,
        c.C_PAGE_BYTES: sizes.page,
        c.C_WINDOW: sizes.window,
        c.C_WINDOW_BYTES: sizes.window_page,
        c.C_STATE_BYTES: sizes.state,
        c.C_BLOCK: trace.block_tokens if sizes.block else 0,
        c.C_BLOCK_BYTES: sizes.block,
        c.C_WHOLE: rules.whole_prompt,
        c.C_RESERVE: int(rules.watermark * sizes.pool),
        c.C_REMEMBER: rules.remember_preempted and rules.allocation == "paged" and not (sizes.window or sizes.state),
        c.C_LAYERED: rules.fetch == "layered",
        c.C_CHEAPER: rules.fetch_if == "faster",
        c.C_ANYWHERE: rules.reuse == "anywhere",
        c.C_SWAP: rules.preemption == "swap",
        c.C_FAIR: rules.fair_every,
        c.C_ALLOCATE: ALLOCATIONS.index(rules.allocation),
        c.C_MAP_BYTES: rules.mapped_page,
        c.C_MAP_BUFFERS: 2 * setup.work.layers,
        c.C_MAP_TOKEN_BYTES: max(1, setup.work.kv_bytes_per_token // (2 * setup.work.layers)),
        c.C_LONGEST: rules.max_tokens or setup.model.context,
        c.C_LAYERS: setup.work.layers,
        c.C_KIND: core.trace.objects - 3,
        c.C_BACKWARD: _recency(core, setup),
        c.C_SHARE: round(1000 * rules.recomputed_share),
    }
    settings = np.zeros(c.SETTINGS, np.int64)
    settings[list(found)] = [int(value) for value in found.values()]
    return settings


def _recency(core: Core, setup: Setup) -> bool:
    """Say whether the near tier's policy goes by recency alone, so that it hears when a block is let go."""
    near = core.plan.machine.units[setup.units[0]].tier
    return core.rules[near].policy.name == "lru"


def _engines(core: Core, setup: Setup) -> Any:
    rows = np.zeros((len(setup.units), c.ENGINE_COLUMNS), np.int64)
    rows[:, [c.E_PEER, c.E_JOB, c.E_LINE_HEAD, c.E_LINE_TAIL, c.E_WAITER, c.E_EXTENT]] = c.NONE
    for e, unit in enumerate(setup.units):
        rows[e, c.E_UNIT] = core.plan.units.index(unit)
        rows[e, c.E_ROLE] = ROLES.index(setup.rules.roles[e]) if setup.rules.roles else c.BOTH
        rows[e, c.E_TIER] = core.plan.order.index(core.plan.machine.units[unit].tier)
    return rows
