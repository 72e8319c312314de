"""SN40L: whole models as experts in a large memory beside HBM, and what it takes to switch between them."""

from __future__ import annotations

from collections.abc import Sequence

from hiersim.machine import Machine
from hiersim.models import find_model
from hiersim.studies.claim import Finding, Study, between, figure
from hiersim.studies.executed import executed, plain_machine, plain_tier, seconds
from hiersim.workloads import generate

MODELS, REQUESTS = 150, 200
SIZE = find_model("llama-2-7b").weight_bytes("fp16")
LINKS = {"sn40l": 1e12, "dgx-a100": 32e9, "dgx-h100": 64e9}
"""Bytes per second from the far memory to HBM: of eight SN40L together as inferred, and of PCIe 4 and 5 with 16
lanes."""


def machines() -> dict[str, Machine]:
    """Return the three nodes of eight sockets each, by the figures that their makers state (recalled, unverified)."""
    nodes = {"sn40l": (8 * 64e9, 16e12, 8 * 638e12, 12e12), "dgx-a100": (8 * 80e9, 16.3e12, 8 * 312e12, 4e12)}
    nodes["dgx-h100"] = (8 * 80e9, 26.8e12, 8 * 989e12, 4e12)
    return {
        name: plain_machine(
            {"hbm": plain_tier("hbm", bandwidth, room), "dram": plain_tier("ddr", 10e12, far)}, flops, LINKS[name]
        )
        for name, (room, bandwidth, flops, far) in nodes.items()
    }


def run() -> Sequence[Finding]:
    """Serve requests that each pick one of 150 models."""
    trace = generate("composition", models=MODELS, requests=REQUESTS, output=20)
    switch, whole, stored = {}, {}, 0
    for name, machine in machines().items():
        result = executed(machine, trace)
        assert result.operations is not None
        copied = sum(result.links["link0"].backward_bytes.values())
        switch[name] = result.operations.kinds["switch"].busy_ps / (copied / SIZE)
        whole[name], stored = seconds(result), result.tiers["dram"].peak_bytes
    return _findings(switch, whole, stored)


def _findings(switch: dict[str, float], whole: dict[str, float], stored: int) -> list[Finding]:
    a100, h100 = (switch[name] / switch["sn40l"] for name in ("dgx-a100", "dgx-h100"))
    from_hosts = "A model's copy over PCIe over that from DDR to HBM at 1 TB/s, the one calibrated figure."
    return [
        figure("stored", 2.02e12, stored, 0.01, "Bytes of 150 models of 7B in fp16; eight sockets have 12 TB of DDR."),
        figure("switch-over-a100", 31, a100, 0.05, from_hosts),
        figure("switch-over-h100", 15, h100, 0.05, from_hosts + " Both claims need it to be about 1 TB/s."),
        figure("a100-over-h100", 31 / 15, a100 / h100, 0.05, "The two claims are those of PCIe 4 and 5, two to one."),
        between(
            "whole-over-a100",
            6.6,
            1.0,
            whole["dgx-a100"] / whole["sn40l"],
            "Requests with prompts of 128 tokens and 20 generated, models chosen alike: the range from no gain "
            "to that of "
            "copies and bytes alone; launches and sums between sockets, which slow the far side of it, are not "
            "simulated.",
        ),
        between("whole-over-h100", 3.7, 1.0, whole["dgx-h100"] / whole["sn40l"], "As before."),
    ]


STUDY = Study(
    name="sn40l",
    title="SambaNova SN40L: Scaling the AI Memory Wall with Dataflow and Composition of Experts",
    family="weight-offload",
    grade="A",
    source="Prabhakar, Sivaramakrishnan, Gandhi et al. MICRO 2024, arXiv 2405.07518",
    memory=(
        "150 models of 7B lie in DDR beside the HBM of eight sockets; a request needs one of them, and if it is "
        "not in HBM it is copied there. Hosts with GPUs do the same over PCIe."
    ),
    not_ours="Routing; fused kernels and their 2 to 13 times; how many machines others need.",
    run=run,
)
