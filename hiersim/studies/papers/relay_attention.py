"""RelayAttention: the keys and values of a shared prompt, read once for a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, figure, seen
from hiersim.studies.operated import chip, operations, run

CASE = {"requests": 32, "shared": 2048, "own": 256}


def simulated(**given: Any) -> Result:
    """Return a run of one layer's decoding step, inputs fetched ahead."""
    trace = operations("relay_attention", **given)
    return run(chip("a100-smem", "a100-40g-hbm2", "a100-sxm-gpu"), trace, ahead=4)


def read(result: Result) -> int:
    """Return the bytes of keys and values that were read."""
    return sum(size for name, size in result.tiers["hbm"].read_bytes.items() if name.endswith("kv"))


def run_study() -> Sequence[Finding]:
    """Simulate the case of the check, and how the gain grows with the batch."""
    each, once = (simulated(relay=relay, **CASE) for relay in ("no", "yes"))
    gains = []
    for requests in (1, 4, 16, 64):
        both = [simulated(relay=relay, **(CASE | {"requests": requests})) for relay in ("no", "yes")]
        gains.append(both[0].elapsed_ps / both[1].elapsed_ps)
    told = ", ".join(f"{gain:.2f}" for gain in gains)
    law = (
        f"B (s + c) over s + B c token reads, B = 32, s = 2,048, c = 256, {read(each) / 1e9:.3g} GB to "
        f"{read(once) / 1e6:.3g} MB."
    )
    grows = (
        f"Times of a layer, read by each over read once, for 1, 4, 16, 64 requests: {told}. One request gains nothing."
    )
    return [
        figure("reads", 32 * (2048 + 256) / (2048 + 32 * 256), read(each) / read(once), 0.0, law),
        seen(
            "gain-grows-with-the-batch",
            "faster with more requests",
            told,
            sorted(gains) == gains and gains[0] < 1.1,
            grows,
        ),
    ]


STUDY = Study(
    name="relay-attention",
    title="RelayAttention for Efficient Large Language Model Serving with Long System Prompts",
    family="prefix/chunk reuse",
    grade="A",
    source="Zhu, Wang, Zhang, Lau. ACL 2024, arXiv 2402.14808",
    memory=(
        "Keys and values of a shared prompt are read once for all requests of a batch, and partial results combined. "
        "Generator `relay_attention`."
    ),
    not_ours="The time of real kernels; the paper's abstract states no figure.",
    run=run_study,
)
