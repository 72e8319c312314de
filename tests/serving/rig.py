"""Small machines and requests for laws of serving runs: one GPU with HBM, DRAM and flash, prompts of named blocks."""

import numpy as np

from hiersim.drivers.serve.run import Server, serve
from hiersim.drivers.serve.setup import prepare
from hiersim.drivers.serving import columns as k
from hiersim.drivers.serving.cost import step_times
from hiersim.machine import Link, Machine, Tier, TierRules, Unit
from hiersim.machine.catalogue import find_machine
from hiersim.machine.catalogue.kernels import kernels_of
from hiersim.machine.serving import Serving
from hiersim.models import find_model
from hiersim.traces.request import RequestTrace

MODEL = find_model("llama-3.1-8b")
WINDOWS = find_model("gpt-oss-20b")
"""Half of its layers see 128 tokens."""
KV = MODEL.kv_bytes_per_token()
SIZE = 64
"""Tokens of a block."""
BLOCK = SIZE * KV
SECOND = 10**12
FAR_APART = 10**15
"""Picoseconds between requests that never meet."""


def machine(slower=1):
    """A GPU with three tiers; all that takes time takes ``slower`` times as long."""
    card = find_machine("h100-sxm")
    gpu = card.units["gpu0"]
    kernels = kernels_of(gpu, card.tiers[gpu.tier]).kernels
    slow = {"overhead", "l2_overhead", "sequence", "empty", "depth"}
    groups = {
        name: group.model_copy(
            update={key: getattr(group, key) * slower for key in slow & set(type(group).model_fields)}
        )
        for name, group in ((name, getattr(kernels, name)) for name in type(kernels).model_fields)
        if hasattr(group, "overhead") or hasattr(group, "empty")
    }
    kernels = kernels.model_copy(update={**groups, "step": kernels.step * slower})
    flops = {dtype: rate / slower for dtype, rate in gpu.flops.items()}

    def tier(kind, capacity, bandwidth, latency):
        return Tier(kind=kind, capacity=capacity, read_bandwidth=bandwidth / slower, read_latency=latency * slower,
                    write_bandwidth=bandwidth / slower, write_latency=latency * slower)  # fmt: skip

    def link(one, other, bandwidth, latency):
        return Link(kind="pcie", between=(one, other), bandwidth=bandwidth / slower, latency=latency * slower)

    return Machine(
        tiers={
            "hbm": tier("hbm", 80 << 30, 3.35e12, 0),
            "dram": tier("ddr", 1 << 40, 3e11, 100_000),
            "flash": tier("flash", 1 << 42, 2e9, 50_000_000),
        },
        links={"pcie": link("hbm", "dram", 5e10, 500_000), "nvme": link("dram", "flash", 1.4e10, 1_000_000)},
        units={"gpu": Unit(kind="gpu", tier="hbm", flops=flops, kernels=kernels, active_power=700, idle_power=100)},
    )


MACHINE = machine()


def trace(*requests, size=SIZE, **columns):
    """Requests of (arrival, blocks by name, tokens behind them, output tokens); a name stands for all before it too."""
    names = list(dict.fromkeys(name for _, blocks, *_ in requests for name in blocks))
    offsets = np.concatenate([[0], np.cumsum([len(blocks) for _, blocks, *_ in requests])]).astype(np.int64)
    ids = np.array([names.index(name) for _, blocks, *_ in requests for name in blocks], np.int32)
    count = len(requests)
    return RequestTrace(
        np.array([request[0] for request in requests], np.int64),
        np.array([len(blocks) * size + rest for _, blocks, rest, _ in requests], np.int64),
        np.array([output for *_, output in requests], np.int64),
        np.full(count, -1, np.int32),
        offsets,
        ids,
        np.arange(len(names), dtype=np.int64),
        block_tokens=size,
        **columns,
    )


def random_trace(rng, count, gap, most=300, output=80, deep=1):
    """Requests whose prompts are paths in a random tree, of ``deep`` blocks a step, with a rest of their own."""
    times = (
        np.cumsum(rng.integers(0, gap, count) * rng.integers(0, 2, count))
        if gap < FAR_APART
        else np.arange(count) * gap
    )
    requests = []
    for time in times.tolist():
        path = "".join(rng.choice(list("abc"), rng.integers(0, 5)))
        blocks = [f"{path[: i + 1]}{j}" for i in range(len(path)) for j in range(deep)]
        requests.append((time, blocks, int(rng.integers(1, most)), int(rng.integers(1, output))))
    return trace(*requests)


def rules(hbm=None, dram=None, flash=None):
    """Rules of the tiers, from near to far: HBM always, the others where they are given."""
    near = TierRules(write="through") if hbm is None else TierRules(**hbm)
    further = {"dram": dram, "flash": flash}
    return {"hbm": near} | {name: TierRules(**given) for name, given in further.items() if given is not None}


def run(requests, tiers=None, on=MACHINE, model=MODEL, asked=None, **serving):
    """Serve requests; ``serving`` are settings of `Serving`, ``asked`` a scheduler in Python."""
    return serve(on, tiers or rules(), Serving(max_tokens=100_000, **serving), model, requests, scheduler=asked)


def server(requests, tiers=None, on=MACHINE, model=MODEL, **serving):
    """The same, to be run event by event."""
    tiers = tiers or rules()
    setup = prepare(on, tiers, Serving(max_tokens=100_000, **serving), model, "bf16")
    return Server(on, tiers, setup, requests)


def linked(bandwidth):
    """The machine with another bandwidth of PCIe, in bytes/s."""
    pcie = MACHINE.links["pcie"].model_copy(update={"bandwidth": bandwidth})
    return MACHINE.model_copy(update={"links": MACHINE.links | {"pcie": pcie}})


def step_time(packed, decoding=(), chunks=(), sampled=1):
    """What a step takes, in picoseconds: decoding requests by their context, chunks of (new, before)."""
    figures = np.zeros((1, k.BATCH), np.int64)
    figures[0] = len(decoding), sum(decoding), max(decoding, default=0), len(chunks), sampled
    new, before = (np.array([[chunk[i] for chunk in chunks] or [0]], np.int64) for i in (0, 1))
    out = np.zeros((1, k.OUT))
    step_times(packed, figures, new, before, out)
    return int(np.ceil(out[0, k.TIME])), out[0]


def costs(**serving):
    """The packed unit and model of a run with these settings."""
    return server(trace((0, [], 1, 1)), **serving).state.cost[0]


def drawn(seed):
    """Requests, tiers, and settings of a small run with the machine as ``on``."""
    rng = np.random.default_rng([seed, 0x71E5])

    def pick(*values):
        return values[int(rng.integers(len(values)))]

    requests = random_trace(rng, int(rng.integers(10, 40)), pick(10**10, 10**11, 10**12), most=2 * SIZE, output=60)
    tiers = rules(
        {"write": pick("back", "through"), "policy": {"name": pick("lru", "lru", "fifo")},
         "on_evict": pick("demote", "demote", "drop")},
        {"capacity": pick(12, 20, 60) * BLOCK, "inclusion": pick("inclusive", "exclusive"),
         "write": pick("back", "back", "through"), "policy": {"name": pick("lru", "fifo")}},
        pick(None, {"capacity": pick(30, 100) * BLOCK, "when_full": pick("evict", "refuse")}),
    )  # fmt: skip
    settings = {
        "kv_pages": pick(28, 36, 60, 400), "max_batched_tokens": pick(64, 256, 2048), "max_sequences": pick(1, 4, 64),
        "whole_prompt": pick(True, False), "remember_preempted": pick(True, False),
        "fetch": pick("blocking", "layered"), "fetch_if": pick("found", "faster"),
        "reuse": pick("prefix", "anywhere"), "recomputed_share": pick(0.0, 0.25), "watermark": pick(0.0, 0.05),
        "allocation": pick("paged", "paged", "paged", "reserved", "contiguous"),
        "guess_tokens": pick(None, 20, 200), "on": linked(pick(5e10, 5e10, 5e8)),
        "model": pick(MODEL, MODEL, WINDOWS), "preemption": pick("recompute", "swap"),
    }  # fmt: skip
    return requests, tiers, settings
