"""KV of contexts as an entropy-coded stream over a slow network: the delay, and the bandwidth at which text wins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from hiersim.drivers.serve.alone import Alone
from hiersim.machine import Link, Machine, Tier, TierRules
from hiersim.machine.serving import KvCodec, Serving
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.serving import card

MODEL, CONTEXT, NEW, BLOCK = "mistral-7b", 9472, 64, 128
"""A context as of LongChat, about 9,400 tokens."""
NETWORK = 3e9 / 8
"""Bytes/s of 3 Gbit/s."""
RATIOS = (3.7, 4.3)
"""How many times smaller the stream is than KV in 8 bits: an input, the coder's entropy."""


def machine(bandwidth: float) -> Machine:
    """Return an A100 whose KV is kept behind a network of so many bytes/s."""
    base = card()
    store = Tier(
        kind="remote", capacity=10**14, read_bandwidth=1e11, write_bandwidth=1e11, read_latency=0, write_latency=0
    )
    net = Link(kind="network", between=("dram", "store"), bandwidth=bandwidth, latency=100_000_000)
    return base.model_copy(update={"tiers": base.tiers | {"store": store}, "links": base.links | {"net": net}})


@cache
def first(bandwidth: float, entropy: float | None) -> int:
    """Return when the first token comes, picoseconds: fetched in 8 bits, smaller by ``entropy``; computed for None."""
    codecs = {"store": KvCodec(bits=8, entropy=entropy or 1.0)}
    rules = Serving(model=MODEL, max_batched_tokens=8192, codecs=codecs)
    tiers = {"hbm": TierRules(), "store": TierRules()}
    alone = Alone(machine(bandwidth), tiers, rules, find_model(MODEL), "bf16", BLOCK)
    return alone.first(CONTEXT, NEW, None if entropy is None else "store").ttft_ps


def even(entropy: float) -> float:
    """Return the bandwidth at which fetching takes as long as computing, bytes/s, to a thousandth."""
    low, high = 1e6, 1e12
    while high / low > 1.001:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if first(middle, entropy) > first(middle, None) else (low, middle)
    return high


def run() -> Sequence[Finding]:
    """Serve one prompt whose context is behind the network, in 8 bits and as a stream."""
    return [*_bandwidth(), *_delay()]


def _bandwidth() -> Iterator[Finding]:
    plain = even(1.0)
    for ratio in RATIOS:
        coded = even(ratio)
        note = (
            f"Bandwidth at which fetching {CONTEXT:,} tokens of {MODEL} is as fast as to compute them on an A100: "
            f"{8 * plain / 1e9:.3g} Gbit/s in 8 bits, {8 * coded / 1e9:.3g} as a stream {ratio} times smaller. Below "
            "that, text and computing win."
        )
        yield figure(f"bandwidth-{ratio}", ratio, plain / coded, 0.05, note)


def _delay() -> Iterator[Finding]:
    plain, text = first(NETWORK, 1.0), first(NETWORK, None)
    gains = [plain / first(NETWORK, ratio) for ratio in RATIOS]
    note = (
        f"Time to the first token behind 3 Gbit/s, in 8 bits ({plain / 1e12:.3g} s) by that as a stream 3.7 and 4.3 "
        f"times smaller ({', '.join(f'{gain:.3g}' for gain in gains)}), if decoding the stream takes no time; "
        f"computing takes {text / 1e12:.3g} s. What decoding takes lowers it: how fast the decoder is is not known "
        "here."
    )
    for claimed in (2.7, 3.0):
        yield between(f"delay-{claimed:g}", claimed, 1.0, max(gains), note)


STUDY = Study(
    name="cachegen",
    title="CacheGen: KV Cache Compression and Streaming for Fast Large Language Model Serving",
    family="prefix/chunk reuse",
    grade="A",
    source="Liu et al. SIGCOMM 2024, arXiv 2310.07240 (first as: Fast Context Loading for Language Model Applications)",
    memory=(
        "KV of contexts that come again is kept far away as an entropy-coded stream; by bandwidth it is fetched, or "
        "the text is computed again: a codec of a remote tier, and the break-even of fetching and computing."
    ),
    not_ours="The coder's entropy, an input; its speed; quality.",
    run=run,
)
