"""PIXART-delta: a picture model in eight bits on a card of 8 GB, its text encoder gone before pictures are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hiersim.engine.result import Result
from hiersim.errors import HiersimError
from hiersim.studies.claim import Finding, Study, at_most, figure, seen
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.traces.operation_builder import OperationBuilder

ENCODER, TRANSFORMER, DECODER = 4.76e9, 0.61e9, 0.084e9
"""Parameters of T5-XXL's encoder, of PixArt-alpha, and of the decoder of latent pictures (recalled, unverified)."""
TOKENS, HIDDEN, LAYERS, TEXT = 4096, 1152, 28, 300
"""Tokens of a picture of 1024 x 1024, width and layers of the transformer, tokens of its text."""
ROOM = 8e9


def picture(bits: int, steps: int, swapped: bool = True) -> Result:
    """Encode a text, make a picture in some steps, and decode it.

    Args:
        bits: of a weight.
        steps: of the transformer.
        swapped: the encoder leaves the card before the transformer comes.
    """
    builder = OperationBuilder("pixart", ordered=False)
    names = {"encoder": ENCODER, "transformer": TRANSFORMER, "decoder": DECODER}
    models = {
        name: builder.object(round(count * bits / 8), "weight", home="dram", name=name) for name, count in names.items()
    }
    room = builder.object(2 * TOKENS * HIDDEN * 8, "activation", home="gddr", name="workspace")
    work: dict[str, Any] = {"unit": "gpu0", "near_read": 2 * TOKENS * HIDDEN * LAYERS, "near_class": "activation"}
    builder.add("encode", unit="gpu0", reads=[models["encoder"], room], flops=round(2 * ENCODER * TEXT))
    if swapped:
        builder.add("free", unit="gpu0", action="drop", reads=[models["encoder"]])
    for _ in range(steps):
        builder.add("step", reads=[models["transformer"]], flops=round(2 * TRANSFORMER * TOKENS), **work)
    last = [] if swapped else [models["encoder"]]  # it stays for the next text
    builder.add("decode", reads=[models["decoder"], models["transformer"], *last], **work)
    tiers = {"gddr": plain_tier("gddr", 448e9, ROOM), "dram": plain_tier("ddr", 50e9, 32e9)}
    return executed(plain_machine(tiers, 40e12, 25e9), builder)


def run() -> Sequence[Finding]:
    """Make pictures within 8 GB."""
    two, four = picture(8, 2), picture(8, 4)
    together = picture(8, 4, swapped=False)
    assert two.operations is not None
    assert four.operations is not None
    what = _refused()
    return [
        at_most(
            "fits",
            ROOM,
            four.tiers["gddr"].peak_bytes,
            "Peak bytes with eight bits, the encoder gone before the transformer comes.",
        ),
        seen("not-in-sixteen", "in sixteen bits it does not fit", what, bool(what), "What a run says."),
        figure(
            "steps",
            4 / 2,
            four.operations.kinds["step"].read_bytes / two.operations.kinds["step"].read_bytes,
            0.001,
            "Bytes of weights and activations that four steps read over those of two.",
        ),
        seen(
            "swapping-leaves-room",
            "without the encoder there is room for larger pictures",
            f"{together.tiers['gddr'].peak_bytes / 1e9:.1f} GB with it against "
            f"{four.tiers['gddr'].peak_bytes / 1e9:.1f}",
            together.tiers["gddr"].peak_bytes > 1.1 * four.tiers["gddr"].peak_bytes,
            "Peak bytes.",
        ),
        seen(
            "few-steps",
            "few steps make pictures fast",
            f"{seconds(four) - seconds(two):.3f} s for two steps more",
            seconds(four) > seconds(two),
            f"Of {seconds(four):.2f} s; copying the encoder takes most of the rest.",
        ),
    ]


def _refused() -> str:
    try:
        picture(16, 4)
    except HiersimError as why:
        return str(why)
    return ""


STUDY = Study(
    name="pixart-delta",
    title="PIXART-δ: Fast and Controllable Image Generation with Latent Consistency Models",
    family="weight-offload",
    grade="C",
    source="Chen, Wu, Luo, Xie, Paul, Luo, Zhao, Li. arXiv 2401.05252",
    memory=(
        "The text encoder is eight times as large as the transformer that makes the picture. In eight bits it fits "
        "a card of 8 GB by itself; it goes before the transformer comes. A plain card of 448 GB/s and 40 TFLOP/s."
    ),
    not_ours="Pictures; the half second, which is another card's.",
    run=run,
)
