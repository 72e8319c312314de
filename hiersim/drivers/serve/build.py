"""From a scenario and its requests to a core with tiers for their blocks, and the state of the driver."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from hiersim.drivers.serve import columns as c
from hiersim.drivers.serve.fits import WORKSPACE, check_pool, check_tiers
from hiersim.drivers.serve.state import Serve
from hiersim.drivers.serve.step import ACTIVATION, KV, WEIGHT
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_times
from hiersim.drivers.serving.packing import Formats, pack
from hiersim.engine.build import Options
from hiersim.engine.core import Core
from hiersim.errors import ConfigError
from hiersim.machine import Machine, Replay, TierRules
from hiersim.machine.serving import KvCodec, Serving
from hiersim.models import Model, Work, work_of
from hiersim.models.codec import Codec, coded
from hiersim.models.dtypes import bits_of
from hiersim.models.splitting import Dtypes
from hiersim.traces.access import AccessTrace
from hiersim.traces.blocks import block_flops, block_parents
from hiersim.traces.request import RequestTrace

CLASSES = ("kv", "weight", "activation")
ALLOCATIONS = ("paged", "reserved", "mapped", "contiguous")
ROLES = ("both", "prefill", "decode")
NEVER = 1 << 62


@dataclass(frozen=True)
class Sizes:
    """Bytes of the KV of one rank.

    Attributes:
        page: of a page of tokens, of the layers that keep all of them.
        window_page: of a page, of the layers that keep a window.
        window: tokens of that window; 0 where there are none.
        state: of a sequence, whatever its length.
        block: of a shared block; 0 where nothing is shared.
        pool: room for KV in the near tier.
    """

    page: int
    window_page: int
    window: int
    state: int
    block: int
    pool: int


@dataclass(frozen=True)
class Setup:
    """What a serving run is made of, found out before anything is allocated."""

    model: Model
    work: Work
    rules: Serving
    units: tuple[str, ...]
    sizes: Sizes
    formats: Formats


def prepare(machine: Machine, tiers: dict[str, TierRules], serving: Serving, model: Model, kv_dtype: str) -> Setup:
    """Find the units, the work of a rank and the sizes of its KV.

    Raises:
        ConfigError: the model does not fit, or several ranks have no link.
    """
    formats = Formats(serving.dtype, serving.kv_dtype or kv_dtype)
    work = work_of(model, serving.ranks, Dtypes(weights=formats.weights, kv=formats.kv))
    units = serving.units or (next(iter(machine.units)),)
    near = machine.units[units[0]].tier
    if near in serving.codecs:
        work = coded(work, _codec(serving.codecs[near]).ratio(bits_of(formats.kv)))
    capacity = tiers[near].capacity or machine.tiers[near].capacity
    return Setup(
        model, work, serving, units, _sizes(serving, work, capacity, machine.tiers[near].capacity, near), formats
    )


def _sizes(serving: Serving, work: Work, capacity: int, physical: int, near: str) -> Sizes:
    full = sum(m.layers * m.kv_bytes_per_token for m in work.mixings if m.kind == "full")
    windows = [m for m in work.mixings if m.kind == "window"]
    window = max((m.window for m in windows), default=0)
    page = full * serving.page_tokens
    window_page = sum(m.layers * m.kv_bytes_per_token for m in windows) * serving.page_tokens
    state = sum(m.layers * m.state_bytes for m in work.mixings)
    if serving.kv_pages is not None:
        pool = serving.kv_pages * (page + window_page)
    elif serving.kv_pool is not None:
        pool = serving.kv_pool
    else:
        left = int(min(capacity, physical) * serving.memory_share) - work.weight_bytes - int(physical * WORKSPACE)
        pool = left
    check_pool(serving, work, pool, page + window_page + state, (near, capacity, physical))
    return Sizes(page, window_page, window, state, 0, pool)


def share_blocks(setup: Setup, trace: RequestTrace) -> Setup:
    """Return the setup with the size of the blocks that the requests name; these are kept whole, windows too.

    A room that is one piece shares nothing.

    Raises:
        ConfigError: a block is not a whole number of pages.
    """
    if not len(trace.block_ids) or setup.rules.allocation == "contiguous":
        return setup
    tokens, page = trace.block_tokens, setup.rules.page_tokens
    if tokens % page:
        raise ConfigError(f"serve.page_tokens: the trace's blocks of {tokens} tokens are no multiple of {page}")
    whole = setup.sizes.page + setup.sizes.window_page
    sizes = replace(setup.sizes, block=whole * (tokens // page))
    return Setup(setup.model, setup.work, setup.rules, setup.units, sizes, setup.formats)


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
    return Core(machine, rules, {}, replay, objects, seed, Options(driven=rows, coding=_coding(machine, rules, setup)))


def _coding(machine: Machine, rules: dict[str, TierRules], setup: Setup) -> tuple[tuple[int, int], ...]:
    """Return the size of KV in each tier over that in the near tier, as fractions; nothing where no tier codes."""
    codecs = setup.rules.codecs
    if not codecs:
        return ()
    bits = bits_of(setup.formats.kv)
    near = codecs.get(machine.units[setup.units[0]].tier)
    found = []
    for name in rules:
        codec = codecs.get(name, near)
        part = _codec(codec).ratio(bits) if codec else Fraction(1)
        part /= _codec(near).ratio(bits) if near else 1
        found.append((part.numerator, part.denominator))
    return tuple(found)


def _codec(given: KvCodec) -> Codec:
    return Codec(given.bits, given.group, given.metadata_bits, given.full_share, given.entropy)


def _coding_times(core: Core, setup: Setup) -> Any:
    """Return the time to code and to decode a block for each tier."""
    found = np.zeros((len(core.plan.order), 2))
    for t, name in enumerate(core.plan.order):
        codec = setup.rules.codecs.get(name)
        for way, rate in enumerate((codec.encode_rate, codec.decode_rate) if codec else ()):
            found[t, way] = 1e12 * setup.sizes.block / rate if rate else 0.0
    return found


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
    costs = _costs(core, setup)
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
        "fetch_time": _fetch_times(core, setup),
        "compute_time": _compute_times(costs, setup, trace),
        "coding_time": _coding_times(core, setup),
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


def _costs(core: Core, setup: Setup) -> Any:
    machine = core.plan.machine
    link = machine.links[setup.rules.rank_link] if setup.rules.rank_link else None
    packed = []
    for name in setup.units:
        unit = machine.units[name]
        packed.append(pack(setup.work, unit, machine.tiers[unit.tier], setup.formats, link))
    return np.array(packed)


def _fetch_times(core: Core, setup: Setup) -> Any:
    """Return the time to move a block to each engine's near tier, alone on the way."""
    w, size = core.world, setup.sizes.block
    found = np.zeros((len(setup.units), len(core.plan.order)))
    for e, name in enumerate(setup.units):
        near = core.plan.order.index(core.plan.machine.units[name].tier)
        for t in range(len(core.plan.order)):
            route = int(w.move[t, near])
            if t == near or route == c.NONE:
                continue
            steps = core.plan.routes[route][1]
            slowest = max(core.plan.hops[hop].byte_cost[direction] for hop, direction in steps)
            coded = int(w.coding[t, 0]) / int(w.coding[t, 1]) if len(w.coding) else 1.0
            found[e, t] = (
                sum(core.plan.hops[hop].latency[direction] for hop, direction in steps) + size * coded * slowest
            )
    return found


def _compute_times(costs: Any, setup: Setup, trace: RequestTrace) -> Any:
    """Return the time to compute a block in a full step at the start of a prompt, and more per token before it."""
    tokens, far = setup.rules.max_batched_tokens, 8192
    batches = np.zeros((2, k.BATCH), np.int64)
    batches[:, k.CHUNKS] = 1
    new, before = np.full((2, 1), max(2, tokens), np.int64), np.array([[0], [far]], np.int64)
    found = np.zeros((len(costs), 2))
    for e, packed in enumerate(costs):
        out = np.zeros((2, k.OUT))
        step_times(packed, batches, new, before, out)
        block = trace.block_tokens / max(2, tokens)
        found[e] = out[0, k.TIME] * block, (out[1, k.TIME] - out[0, k.TIME]) / far * block
    return found
