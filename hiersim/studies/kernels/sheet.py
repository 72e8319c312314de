"""What the data sheet says of the card whose kernels were measured: from the catalogue, a file, or the user."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hiersim.errors import ConfigError, Mistake
from hiersim.machine import Machine
from hiersim.machine.catalogue import find_machine, in_a_file, machine_data, machine_names
from hiersim.models import find_model, model_names
from hiersim.models.model import Model
from hiersim.units import show

NEEDED = {"bandwidth": "bytes/s", "flops": "FLOP/s", "l2": "bytes"}
"""Figures without which nothing can be fitted, and their dimensions."""


@dataclass(frozen=True)
class Sheet:
    """A card by its data sheet.

    Attributes:
        name: what it is called.
        bandwidth_bytes_per_s: reads of the near tier.
        flops: FLOP/s in 16 bits.
        flops_8bit: FLOP/s in 8 bits; as in 16 where it has none.
        l2_bytes: of its L2.
        lanes: tiles that it computes side by side (its multiprocessors); 0 where unknown.
        stated: which of them the user gave.
    """

    name: str
    bandwidth_bytes_per_s: float
    flops: float
    flops_8bit: float
    l2_bytes: float
    lanes: int = 0
    stated: tuple[str, ...] = ()

    def weight_flops(self, bits: int) -> float:
        """Return the FLOP/s of products with weights of so many bits."""
        return self.flops_8bit if bits <= 8 else self.flops

    @property
    def text(self) -> str:
        """The sheet in words."""
        return (
            f"{show(self.bandwidth_bytes_per_s, 'bytes/s', 4)}, {show(self.flops, 'FLOP/s', 4)} in 16 bits, "
            f"L2 of {show(self.l2_bytes, 'bytes')}"
        )


def plain(text: str) -> str:
    """Return a name without case and signs: ``RTX 4090`` and ``rtx-4090`` are one."""
    return re.sub(r"[^a-z0-9]", "", text.lower())


def sheet_of(label: str, folder: str, machine: str | None, stated: Mapping[str, float]) -> Sheet:
    """Return the data sheet of the card that was measured.

    Args:
        label: what the files call it; empty where they do not.
        folder: the path that they lie in, which may name it too.
        machine: a machine of the catalogue or a file that has it; seen from the label when absent.
        stated: figures that the user gives: ``bandwidth``, ``flops``, ``flops_8bit``, ``l2``, ``lanes``.

    Raises:
        ConfigError: figures are missing; the message says which options give them.
    """
    found = machine or machine_called(label or folder)
    sheet = _of_machine(found) if found else Sheet(_named(label), 0.0, 0.0, 0.0, 0.0)
    sheet = replace(
        sheet,
        bandwidth_bytes_per_s=stated.get("bandwidth", sheet.bandwidth_bytes_per_s),
        flops=stated.get("flops", sheet.flops),
        flops_8bit=stated.get("flops_8bit", 0.0 if "flops" in stated else sheet.flops_8bit),
        l2_bytes=stated.get("l2", sheet.l2_bytes),
        lanes=int(stated.get("lanes", sheet.lanes)),
        stated=tuple(stated),
    )
    absent = [
        f"--{key}"
        for key, value in zip(NEEDED, (sheet.bandwidth_bytes_per_s, sheet.flops, sheet.l2_bytes), strict=True)
        if not value
    ]
    if absent:
        whose = f"`{found}` does not state all" if found else f"the catalogue has no card `{label or folder}`"
        what = f"{whose}; give its sheet: {', '.join(absent)}, or --machine NAME"
        raise ConfigError([Mistake("--machine", what)])
    return replace(sheet, flops_8bit=sheet.flops_8bit or sheet.flops)


def _named(label: str) -> str:
    """Return a label as a name of the catalogue's kind."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "my-card"


def machine_called(label: str) -> str:
    """Return the machine of the catalogue whose name, or whose unit's part, a label has in it; the longest, or none."""
    wanted = plain(label)
    if not wanted:
        return ""
    units = {
        name: str(member.get("part", "")) for name in machine_names() for member in machine_data(name)["units"].values()
    }
    inside = [name for name in machine_names() if plain(name) in wanted]
    if inside:
        return max(inside, key=len)
    with_part = [name for name, part in units.items() if plain(part).removesuffix("gpu") == wanted]
    return min(with_part, key=len, default="")  # a100_sxm is the a100-sxm-gpu, of the a100-80g


def model_called(label: str) -> Model | None:
    """Return the model of the catalogue whose name a label has in it; the longest, or ``None``."""
    inside = [name for name in model_names() if plain(name) in plain(label)]
    return find_model(max(inside, key=len)) if inside else None


def _of_machine(name: str) -> Sheet:
    machine = _load(name)
    unit = next((each for each in machine.units.values() if each.kind == "gpu"), next(iter(machine.units.values())))
    rates = {str(dtype): rate for dtype, rate in unit.flops.items()}
    wide = rates.get("bf16") or rates.get("fp16") or rates.get("fp32") or 0.0
    kernels = unit.kernels
    lanes = kernels.prefill.lanes if kernels and kernels.prefill else 0
    l2 = kernels.l2_capacity if kernels and kernels.l2_capacity else 0
    near = machine.tiers[unit.tier]
    return Sheet(
        machine.name, near.read_bandwidth, wide, rates.get("fp8") or rates.get("int8") or wide, l2, round(lanes)
    )


def _load(name: str) -> Machine:
    if in_a_file(name):
        from hiersim.config.load import load_machine

        return load_machine(name)
    return find_machine(name)
