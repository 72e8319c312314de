"""Im2win: windows stored once per row group, against every window by itself, as a run's peak memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hiersim.engine.result import Result
from hiersim.studies.claim import Finding, Study, between, figure, seen
from hiersim.studies.operated import machine, run
from hiersim.traces.operation_builder import OperationBuilder

ELEMENT = 4


@dataclass(frozen=True)
class Layer:
    """A convolution: sides of the input and of the kernel, channels in and out, stride; no padding."""

    side: int
    channels: int
    kernel: int
    filters: int
    stride: int

    @property
    def out(self) -> int:
        """Side of the output."""
        return (self.side - self.kernel) // self.stride + 1

    def buffer(self, how: str, images: int) -> int:
        """Return the bytes of images' windows: ``im2col`` each by itself, ``im2win`` a row of them overlapping."""
        wide = self.kernel * self.out if how == "im2col" else self.side
        return images * self.channels * self.kernel * wide * self.out * ELEMENT


LAYERS = (
    Layer(227, 3, 11, 96, 4), Layer(231, 3, 11, 96, 4), Layer(227, 3, 7, 64, 2), Layer(224, 64, 7, 64, 2),
    Layer(24, 96, 5, 256, 1), Layer(12, 256, 3, 512, 1), Layer(224, 3, 3, 64, 1), Layer(112, 64, 3, 128, 1),
    Layer(56, 64, 3, 64, 1), Layer(28, 128, 3, 128, 1), Layer(14, 256, 3, 256, 1), Layer(7, 512, 3, 512, 1),
)  # fmt: skip
"""The twelve layers of Cho and Brand, MEC, ICML 2017, table 2 (recalled), which the paper takes its benchmark from."""
BATCH = 128


def simulated(layer: Layer, how: str, at_once: int) -> Result:
    """Return a run of a layer over a batch whose windows are laid out so many images at a time."""
    build = OperationBuilder(how)
    image, out = layer.channels * layer.side**2 * ELEMENT, layer.filters * layer.out**2 * ELEMENT
    weights = layer.filters * layer.channels * layer.kernel**2 * ELEMENT
    given = build.object(BATCH * image, "activation", start="hbm", kept=True)
    filters = build.object(weights, "weight", start="hbm", kept=True)
    made = build.object(BATCH * out, "activation", kept=True)
    for _ in range(0, BATCH, at_once):
        windows = build.object(layer.buffer(how, at_once), "windows")
        build.add("lay out", unit="gpu0", reads=[(given, at_once * image)], writes=[windows])
        work = 2 * at_once * layer.out**2 * weights // ELEMENT
        build.add(
            "multiply", unit="gpu0", reads=[windows, filters], writes=[(made, at_once * out)], flops=work, dtype="fp32"
        )
    on = machine(tiers={"hbm": {"part": "a100-40g-hbm2"}}, units={"gpu0": {"part": "a100-sxm-gpu", "tier": "hbm"}})
    return run(on, build.build())


def saved(at_once: int) -> list[float]:
    """Return the share of each layer's peak memory that the windows' overlap saves."""
    runs = [[simulated(layer, how, at_once) for how in ("im2win", "im2col")] for layer in LAYERS]
    return [1 - new.tiers["hbm"].peak_bytes / old.tiers["hbm"].peak_bytes for new, old in runs]


def run_study() -> Sequence[Finding]:
    """Simulate the twelve layers, windows of one image at a time and of the whole batch."""
    one, all_ = (sum(found) / len(LAYERS) for found in (saved(1), saved(BATCH)))
    cases = [layer for layer in LAYERS if layer.kernel == 3 and layer.side >= 112]
    law = [layer.side / (layer.out * layer.kernel) for layer in cases]
    windows = [[_windows(simulated(layer, how, BATCH)) for how in ("im2win", "im2col")] for layer in cases]
    ratios = [new / old for new, old in windows]
    times = [
        simulated(layer, "im2col", BATCH).elapsed_ps / simulated(layer, "im2win", BATCH).elapsed_ps for layer in LAYERS
    ]
    quicker = f"{min(times):.3g} to {max(times):.3g} times"
    return [
        figure("windows", sum(law) / len(law), sum(ratios) / len(ratios), 0.0, WINDOWS),
        between("footprint", 0.231, one, all_, f"{FOOTPRINT} {one:.3g} and {all_:.3g}."),
        seen("time-of-bytes", "faster", quicker, min(times) >= 1.0, TIME),
    ]


def _windows(result: Result) -> int:
    return result.tiers["hbm"].written_bytes["windows"]


WINDOWS = "Bytes of windows written over those of im2col, layers of 3 x 3: IW / (OW x KW), about a third; exact."
FOOTPRINT = (
    "Share of the peak memory saved against im2col, mean of twelve layers, batch 128, input, filters and output "
    "included. How many images the baseline's buffer holds is the library's choice and not told: with one and with "
    "all it is"
)
TIME = (
    "Time of layouts and products on an A100 by bytes and FLOPs alone. The 3.5 times in TFLOP/s of the paper are "
    "kernels'."
)

STUDY = Study(
    name="im2win",
    title="Im2win: An Efficient Convolution Paradigm on GPU",
    family="on-chip/scratchpad",
    grade="A",
    source="Lu, Chu, Guo, Liu. Euro-Par 2023, arXiv 2306.14316",
    memory="Overlapping windows of a row are stored once, so a convolution's buffer is KW times smaller at stride 1.",
    not_ours="TFLOP/s of kernels, and the memory of other libraries' algorithms.",
    run=run_study,
)
