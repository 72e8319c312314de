"""A system prompt that a batch shares: its keys and values read once for all, or by each request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hiersim.drivers.execute.run import run_operations
from hiersim.drivers.execute.setup import Setting
from hiersim.engine.result import Result
from hiersim.machine import Execute, Link, Machine, Tier, TierRules
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.serving import card
from hiersim.traces.generators import generate
from hiersim.traces.operation import OperationTrace

BATCH, SHARED, OWN = 32, 2048, 256
"""Requests, tokens of the prompt that they share, tokens of each one's own context."""
HEADS, WIDTH, LAYERS = 32, 128, 1
"""Heads and their width, of Llama-2 7B; every layer reads the same."""
TOKEN = 2 * 2 * HEADS * WIDTH
"""Bytes of a token's keys and values in one layer."""
ON_CHIP = 108 * 192 * 1024
"""Bytes of shared memory and L1 of an A100's 108 processors."""


def machine() -> Machine:
    """Return an A100 whose on-chip memory is managed, in front of its HBM."""
    base = card()
    hbm = base.tiers["hbm"]
    fast = Tier(
        kind="sram", capacity=ON_CHIP, read_bandwidth=19e12, write_bandwidth=19e12, read_latency=0, write_latency=0
    )
    return Machine(
        tiers={"sram": fast, "hbm": hbm},
        links={"bus": Link(kind="bus", between=("sram", "hbm"), bandwidth=hbm.read_bandwidth, latency=0)},
        units={"gpu0": base.units["gpu0"].model_copy(update={"tier": "sram"})},
    )


def step(relay: str, batch: int = BATCH) -> Result:
    """Run the attention of a decoding step of one layer."""
    trace = generate("relay_attention", relay=relay, requests=batch, shared=SHARED, own=OWN, dtype="bf16")
    assert isinstance(trace, OperationTrace)
    rules = {"sram": TierRules(), "hbm": TierRules(inclusion="inclusive")}
    return run_operations(Setting(machine(), rules, {}, Execute()), trace, trace.name, {})


def tokens(result: Result) -> float:
    """Return the tokens whose keys and values were read from HBM."""
    read = result.tiers["hbm"].read_bytes
    return (read["shared kv"] + read["own kv"]) / TOKEN


def run() -> Sequence[Finding]:
    """Run the step both ways, and for batches of several sizes."""
    apart, together = step("no"), step("yes")
    return [*_reads(apart, together), _growth(), _beside(apart, together)]


def _reads(apart: Result, together: Result) -> Iterator[Finding]:
    by_each, once = tokens(apart), tokens(together)
    note = (
        f"Tokens whose keys and values cross from HBM to the chip in a layer of a decoding step: {BATCH} requests "
        f"behind a prompt of {SHARED:,} tokens, {OWN} more of each one's own."
    )
    yield figure("reads-by-each", BATCH * (SHARED + OWN), by_each, 0.0, f"{note} A count is exact.")
    yield figure("reads-once", SHARED + BATCH * OWN, once, 0.0, "The same with the shared prompt read for all at once.")
    claimed = BATCH * (SHARED + OWN) / (SHARED + BATCH * OWN)
    yield figure("fewer-reads", claimed, by_each / once, 0.0, "One by the other; the abstract states no figure.")


def _growth() -> Finding:
    gains = {batch: tokens(step("no", batch)) / tokens(step("yes", batch)) for batch in (1, 4, 16, 64)}
    told = ", ".join(f"{batch}: {gain:.3g}" for batch, gain in gains.items())
    note = f"Fewer reads by the size of the batch; the limit is (s + c) / c = {(SHARED + OWN) / OWN:.3g}."
    rising = list(gains.values())
    return seen(
        "grows-with-the-batch", "gains with long prompts and large batches", told, rising == sorted(rising), note
    )


def _beside(apart: Result, together: Result) -> Finding:
    """Say what combining two partial results adds."""
    saved = apart.tiers["hbm"].read_total - together.tiers["hbm"].read_total
    more = together.tiers["hbm"].written_total - apart.tiers["hbm"].written_total
    extra = saved - TOKEN * (tokens(apart) - tokens(together))
    note = (
        f"Bytes that partial results and queries add where the shared part is computed first: {-extra:,.0f} read and "
        f"{more:,} written, of {saved:,} saved."
    )
    return seen(
        "combining-is-cheap", "results are combined", f"{(more - extra) / saved:.2%}", more - extra < 0.05 * saved, note
    )


STUDY = Study(
    name="relay-attention",
    title="RelayAttention for Efficient Large Language Model Serving with Long System Prompts",
    family="prefix/chunk reuse",
    grade="A",
    source="Zhu, Wang, Zhang, Lau. ACL 2024, arXiv 2402.14808",
    memory=(
        "Keys and values of a prompt that all share come on chip once for a batch, not once a request: the tile loop "
        "`relay_attention`, with `relay: yes` and `no`, over a managed on-chip memory."
    ),
    not_ours="What the kernels take.",
    run=run,
)
