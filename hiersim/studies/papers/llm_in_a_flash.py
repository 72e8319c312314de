"""LLM in a flash: active neurons read from flash in bundles, and one curve of a drive for small and large reads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from hiersim.engine.result import Result
from hiersim.machine import Machine, TierRules
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder
from hiersim.workloads import generate

LINEAR = 6 * 2**30
"""Bytes per second of a linear read, measured on the paper's laptop: above 6 GiB/s (section 2.2)."""
AT_ONCE = 32
"""Threads that read (section 3)."""
CHUNK = 32 * 2**10
"""Bytes of a row and a column of OPT-6.7B in fp32, bundled."""
CLAIMED = 0.42e9 / 0.125
"""Bytes per second of those chunks: 0.42 GB in 125 ms."""
LATENCY = round((AT_ONCE * CHUNK / CLAIMED - CHUNK / LINEAR) * 1e12)
"""Picoseconds of a read before its bytes come, with 32 at once: the one calibrated figure, by Little's law."""
TOKENS = 3


def laptop() -> Machine:
    """Return the laptop: 400 GB/s of LPDDR5, and a drive with one latency and one bandwidth."""
    memory = plain_tier("lpddr", 400e9, 32 * 2**30)
    drive = plain_tier("flash", LINEAR, 10**12, read_latency=LATENCY, queue_depth=AT_ONCE)
    return plain_machine({"lpddr": memory, "flash": drive}, 10e12, 100e9)


@cache
def sparse(bundled: bool, window: int = 5) -> Result:
    """Run some tokens with the neurons of recent ones kept."""
    return executed(laptop(), generate("sparse_flash", tokens=TOKENS, bundled=bundled, window=window))


def rate(result: Result) -> float:
    """Return the bytes per second at which neurons came."""
    assert result.operations is not None
    kind = result.operations.kinds["load_neurons"]
    return kind.moved_bytes / kind.busy_ps * 1e12


def linear_read() -> float:
    """Return the bytes per second of one read of a gibibyte."""
    builder = OperationBuilder("linear")
    file = builder.object(2**30, home="flash")
    builder.add("read", unit="gpu0", action="fetch", reads=[file])
    return 2**30 / seconds(executed(laptop(), builder))


def naive() -> Result:
    """Run tokens with half of the model read again for each, as memory has room for the other half."""
    return executed(
        laptop(),
        generate("weight_streaming", model="opt-6.7b", near="lpddr", home="flash", resident=50, bits=32, prompt=1, output=3),
        {"lpddr": TierRules(capacity=20 * 2**30)},
    )


def run() -> Sequence[Finding]:
    """Read neurons as they are needed, and compare with the paper's figures."""
    bundled, apart, half = sparse(True), sparse(False), naive()
    assert bundled.operations is not None and half.operations is not None
    moved = bundled.operations.kinds["load_neurons"].moved_bytes / TOKENS
    layers = find_model("opt-6.7b").layers
    block = 2 * 4096 * 16384 * 4 * layers
    held = bundled.tiers["lpddr"].mean_bytes / (find_model("opt-6.7b").parameters * 4)
    reload = half.operations.kinds["load_weight"].busy_ps / 3e12
    token = seconds(bundled) / TOKENS
    return [
        figure("new-neurons", 0.024, moved / block, 0.1, "Share of the feed-forward blocks that a token has read; how often neurons are active was set by this and by the share that stays."),
        figure("held", 0.521, held, 0.05, "Share of the model in memory, on average: attention 32.3%, embedding 1.25%, predictor 3%, neurons of five tokens 0.24 x 64.6%."),
        figure("bytes-per-token", 0.42e9, moved, 0.1, "Bytes read for a token."),
        figure("chunks", CLAIMED, rate(bundled), 0.05, f"Bytes per second of chunks of 32 KiB, 32 at once; from this follows the latency of a read, {LATENCY / 1e6:.0f} us."),
        figure("linear", 6.44e9, linear_read(), 0.02, "Bytes per second of one read of a gibibyte on the same drive, above 6 GiB/s."),
        figure("reload", 2.2, reload, 0.15, "Seconds to read half of the model again; at the drive's full rate, the paper's 6.1 GB/s."),
        seen("bundles", "a row and its column together are read faster", f"{rate(bundled) / rate(apart):.2f} times", rate(bundled) > 1.5 * rate(apart), "Bytes per second in chunks of 32 KiB over chunks of 16 KiB."),
        seen("window", "keeping neurons of recent tokens saves reads", f"{_window():.2f} times fewer", _window() > 1.5, "Bytes read for a token with one token's neurons kept over those with five tokens'."),
        figure("over-naive-on-a-gpu", 20, seconds(half) / 3 / token, 0.25, "Times faster than reading half of the model for each token; claimed are 20 to 25."),
    ]  # fmt: skip


def _window() -> float:
    one, five = (sparse(True, window).operations for window in (1, 5))
    assert one is not None and five is not None
    return one.kinds["load_neurons"].moved_bytes / five.kinds["load_neurons"].moved_bytes


STUDY = Study(
    name="llm-in-a-flash",
    title="LLM in a flash: Efficient Large Language Model Inference with Limited Memory",
    family="weight-offload",
    grade="A",
    source="Alizadeh, Mirzadeh, Belenko, Khatamifard, Cho, Del Mundo, Rastegari, Farajtabar. ACL 2024, arXiv 2312.11514",
    memory=(
        "Attention and a predictor stay in memory; of the feed-forward blocks the neurons of the last five tokens do, and "
        "what a token needs beside them is read from flash, a row and its column together. OPT-6.7B in fp32 on a laptop "
        "whose drive has one latency and one bandwidth. Calibrated: that latency, and how often neurons are active."
    ),
    not_ours="Which neurons are active, and how well they are predicted.",
    run=run,
)
