"""A calibration as an entry of the catalogue: a unit in YAML, every constant with its data and its errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from hiersim.machine.kernels import (
    DecodeKernels,
    ElementwiseKernels,
    Kernels,
    LinearKernels,
    MixedKernels,
    PrefillKernels,
    SamplingKernels,
)
from hiersim.machine.record import Sourced
from hiersim.studies.kernels.calibrate import Calibration
from hiersim.studies.kernels.fit import Errors, Fitted
from hiersim.units import show

RECORDS: dict[str, type[Sourced]] = {
    "linear": LinearKernels,
    "linear_8bit": LinearKernels,
    "decode": DecodeKernels,
    "decode_8bit": DecodeKernels,
    "prefill": PrefillKernels,
    "mixed": MixedKernels,
    "elementwise": ElementwiseKernels,
    "sampling": SamplingKernels,
}
"""The record of each group."""
TIMES = ("overhead", "l2_overhead", "sequence", "empty")
"""Constants that are times; the others are plain numbers."""


@dataclass(frozen=True)
class Constant:
    """One constant of a card: its group in ``Kernels``, its name, its value in the base unit, and its source."""

    group: str
    name: str
    value: float
    source: str


def constants(found: Calibration) -> list[Constant]:
    """Return a card's constants in the order of ``Kernels``."""
    told = [each for fitted in found.found for each in _of(found, fitted)]
    groups = list(Kernels.model_fields)
    return sorted(told, key=lambda each: (groups.index(each.group), _place(each)))


def _of(found: Calibration, fitted: Fitted) -> Iterator[Constant]:
    """Yield the constants of a fit; prefill and mixed batches are fitted together."""
    source = found.group(fitted)
    for key, value in fitted.values.items():
        group, _, name = key.partition(".")
        if key in fitted.kind.taken and key not in fitted.kind.tried:
            yield Constant(group, name, value, "sheet")
        else:
            yield Constant(group + source.removeprefix(fitted.kind.name), name, value, source)


def _place(each: Constant) -> int:
    """Return the place of a constant in its group's record."""
    return list(RECORDS[each.group].model_fields).index(each.name)


def value_text(each: Constant) -> str:
    """Return a constant as it is written in an entry."""
    return show(each.value, "time", digits=4) if each.name in TIMES else f"{each.value:.4g}"


def entry(found: Calibration, name: str) -> str:
    """Return a card's entry as YAML: what was fitted, and of the sheet what a unit must state."""
    sheet = found.sheet
    lines = [f"{name}:", "  is: unit", f"  title: {json.dumps(f'{name}, kernels calibrated', ensure_ascii=False)}"]
    lines += ["  sources:"]
    for fitted in found.found:
        source = json.dumps(_source(found, fitted), ensure_ascii=False)
        lines.append(f"    {found.group(fitted)}: {{confidence: measured, source: {source}}}")
    given = "given to hiersim calibrate" if sheet.stated else f"the catalogue's machine {sheet.name}"
    lines.append(f'    sheet: {{confidence: datasheet, source: "{given}"}}')
    rates = {"bf16": sheet.flops, "fp16": sheet.flops, "fp8": sheet.flops_8bit}
    told = ", ".join(f"{dtype}: {show(rate, 'FLOP/s', 5)}" for dtype, rate in rates.items())
    lines += ["  figures:", "    kind: gpu", f"    flops: [{{{told}}}, sheet]", "    kernels:"]
    lines.append(f"      l2_capacity: [{show(sheet.l2_bytes, 'bytes', 6)}, sheet]")
    groups: dict[str, list[str]] = {}
    for each in constants(found):
        groups.setdefault(each.group, []).append(f"{each.name}: [{value_text(each)}, {each.source}]")
    return "\n".join([*lines, *(f"      {group}: {{{', '.join(told)}}}" for group, told in groups.items())]) + "\n"


def _source(found: Calibration, fitted: Fitted) -> str:
    files = ", ".join(f"{name} (sha256 {found.files[name][:16]})" for name in fitted.files)
    parts = [f"hiersim calibrate on {files}", words(fitted.fitted, "fitted"), words(fitted.held_out, "held out")]
    if fitted.fell:
        parts.append(f"{fitted.fell} {'rows' if fitted.fell > 1 else 'row'} left out: faster than the memory")
    return "; ".join(part for part in parts if part)


def words(errors: Errors | None, what: str) -> str:
    """Return errors in words; empty where there are none."""
    return f"{what}: mean error {100 * errors.mean:.2g}% of {errors.rows} rows" if errors else ""
