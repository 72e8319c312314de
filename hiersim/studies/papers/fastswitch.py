"""Preempted KV that moves in many small copies or few large ones, and copies that stay on the host."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from hiersim.drivers.replay import replay_timed
from hiersim.engine.result import Result
from hiersim.machine import ClassRules, Machine, Replay, TierRules
from hiersim.models import find_model, work_of
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.serving import SECOND, card, served, without_blocks
from hiersim.traces.access import AccessTrace
from hiersim.traces.generators import generate
from hiersim.traces.request import RequestTrace

MODEL, PAGE = "llama-3-8b", 16
BLOCK = 64 << 10
"""Bytes of a page of one layer, keys and values."""
COPIES, GROUPS = 1024, (1, 4, 20)
"""Pages of a layer to bring in, and how many of them go in one copy."""
POOL = 4_000_000_000


@cache
def copied(group: int) -> int:
    """Return the time of the copies over PCIe 4.0 x16, one after the other, ``group`` pages in each; picoseconds."""
    rules: dict[str, Any] = {"hbm": TierRules(), "dram": TierRules()}
    count = COPIES // group
    trace = AccessTrace.build(np.arange(count), np.full(count, group * BLOCK), {"object_class": 0}, classes=("kv",))
    return replay_timed(
        card(), rules, trace, Replay(), classes={"kv": ClassRules(on_miss="home", home="dram")}
    ).elapsed_ps


def effective(group: int) -> Machine:
    """Return the machine with a link as fast as copies of ``group`` pages are on it."""
    machine = card()
    link = machine.links["pcie"]
    share = (COPIES * BLOCK / (copied(group) / SECOND)) / (COPIES * BLOCK / (copied(COPIES) / SECOND))
    slower = link.model_copy(update={"bandwidth": link.bandwidth * min(1.0, share)})
    return machine.model_copy(update={"links": machine.links | {"pcie": slower}})


def talks(shared: bool) -> RequestTrace:
    """Return conversations of several turns, their users treated alike; with blocks, or without."""
    made = generate(
        "chat", seed=7, sessions=120, session_interval=SECOND // 8, turns=4.0, think_time=10 * SECOND, system_tokens=0,
        prompt_tokens=200, output_tokens=200, context=8192, block_tokens=128,
    )  # fmt: skip
    assert isinstance(made, RequestTrace)
    return made if shared else without_blocks(made)


def switched(group: int, every: int) -> Result:
    """Serve with a switch between users every so many steps, KV swapped in copies of ``group`` pages."""
    tiers = {"hbm": TierRules(), "dram": TierRules(capacity=400 << 30)}
    rules: dict[str, Any] = {"kv_pool": POOL, "max_batched_tokens": 2048, "preemption": "swap", "fair_every": every}
    return served(effective(group), MODEL, talks(False), tiers, **rules)


def run() -> Sequence[Finding]:
    """Copy pages alone and in groups, serve with switches, and keep copies on the host."""
    return [_block(), *_grouping(), _host_copies(), *_tails()]


def _block() -> Finding:
    work = work_of(find_model(MODEL))
    size = PAGE * work.mixings[0].kv_bytes_per_token / 1024
    return figure(
        "kib-of-a-page-of-a-layer", 64.0, size, 0.0, f"{PAGE} tokens of keys and values of one layer of {MODEL}."
    )


def _grouping() -> Iterator[Finding]:
    overhead = card().links["pcie"].overhead + card().links["pcie"].latency + card().tiers["dram"].read_latency
    overhead += card().tiers["hbm"].write_latency
    for group in GROUPS[1:]:
        count = COPIES // group
        saved = (copied(1) - copied(group) * COPIES // (count * group)) / ((COPIES - COPIES / group) * overhead)
        note = (
            f"Time saved by copies of {group} pages instead of one over (1 - 1/{group}) x {COPIES} copies x "
            f"{overhead / 1e6:.4g} us, what a copy costs whatever its size (an estimate of the catalogue): "
            f"{copied(1) / 1e9:.4g} to {copied(group) / 1e9:.4g} ms for {COPIES * BLOCK >> 20} MiB."
        )
        yield figure(f"overhead-saved-by-{group}", 1.0, saved, 0.05, note)


def _host_copies() -> Finding:
    moved = {}
    for inclusion in ("exclusive", "inclusive"):
        tiers = {"hbm": TierRules(), "dram": TierRules(capacity=400 << 30, inclusion=inclusion)}
        result = served(card(), MODEL, talks(True), tiers, kv_pool=POOL, max_batched_tokens=2048)
        moved[inclusion] = result.links["pcie"].forward_total / result.created_bytes
    note = (
        "Bytes that leave the HBM by those of all blocks, conversations of about four turns: "
        f"{moved['exclusive']:.3g} if the host gives up a copy that is read, {moved['inclusive']:.3g} if it keeps it. "
        "With copies kept nothing leaves twice."
    )
    return seen("host-copies", "unchanged KV is not rewritten", f"{moved['exclusive']:.3g} to {moved['inclusive']:.3g}",
                moved["inclusive"] <= 1.0 < moved["exclusive"], note)  # fmt: skip


def _tails() -> Iterator[Finding]:
    gains = {}
    for every in (20, 5, 2):
        small, large = (switched(group, every).requests for group in (GROUPS[0], GROUPS[-1]))
        assert small is not None
        assert large is not None
        gains[every] = float(np.percentile(small.ttft_ps, 99) / np.percentile(large.ttft_ps, 99))
    told = ", ".join(f"{every}: {gain:.3g}" for every, gain in gains.items())
    bound = copied(1) / copied(COPIES)
    note = (
        f"P99 of the time to first token with copies of one page by that with copies of {GROUPS[-1]}, by the steps "
        f"between two switches ({told}); from 1, without switches, to the {bound:.3g} times that small copies take "
        "longer than one, where all the time is copying. How often priorities change, and what else vLLM's own "
        "swapping costs its scheduler, is not in the abstract."
    )
    for claimed in (1.4, 11.2):
        yield between(f"tail-{claimed:g}", claimed, 1.0, max(bound, *gains.values()), note)


STUDY = Study(
    name="fastswitch",
    title="FastSwitch: Optimizing Context Switching Efficiency in Fairness-aware Large Language Model Serving",
    family="serving-schedule/swap",
    grade="A",
    source="Shen, Li, Sahu et al. 2024, arXiv 2411.18424",
    memory=(
        "Preempted KV moves between HBM and DRAM in large copies instead of one a page and layer, and copies on the "
        "host stay valid: `preemption: swap` with `fair_every`, a cost per copy on the link, an inclusive tier."
    ),
    not_ours="Priorities and promises of users; the time that the scheduler itself takes.",
    run=run,
)
