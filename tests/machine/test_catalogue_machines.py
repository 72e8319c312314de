"""The ready machines run: a few accesses through all tiers of each, and the times that their figures allow."""

import pytest

from hiersim.drivers.replay import replay_timed
from hiersim.machine import ClassRules, Replay, TierRules
from hiersim.machine.catalogue import find_machine, machine_names
from hiersim.traces.access import AccessTrace

MIB = 2**20
ASKED = {
    "h100-sxm", "h100-sxm-cxl", "rtx-4090", "rtx-3090", "t4-cloud", "a100-80g", "h200", "b200", "mi300x", "gh200",
    "jetson-orin", "apple-m3-max", "phone-ufs",
}  # fmt: skip


def test_the_machines_that_there_are():
    assert set(machine_names()) >= ASKED


@pytest.fixture(scope="module")
def results():
    """Three objects of 1 MiB, each read from the last tier and then from the near one; one loop for all machines."""
    trace = AccessTrace.build([0, 1, 2, 0, 1, 2], MIB, {"object_class": 0}, classes=("page",))
    found = {}
    for name in machine_names():
        machine = find_machine(name)
        home = {"page": ClassRules(on_miss="home", home=list(machine.tiers)[-1])}
        found[name] = replay_timed(machine, {t: TierRules() for t in machine.tiers}, trace, Replay(), classes=home)
    return found


@pytest.mark.parametrize("name", machine_names())
def test_a_machine_runs(results, name):
    machine = find_machine(name)
    near, last = (list(machine.tiers.values())[i] for i in (0, -1))
    latency = results[name].latency_ps.tolist()
    for tier, times in ((last, latency[:3]), (near, latency[3:])):
        alone = tier.read_latency + MIB / (tier.read_bandwidth * tier.efficiency) * 1e12
        assert min(times) >= alone
    assert max(latency[3:]) < min(latency[:3])
    assert max(latency[3:]) <= alone + under_full_load(near) + 2
    if near.loaded_latency is None:
        assert max(latency[3:]) == pytest.approx(alone, abs=2)


def under_full_load(tier):
    """Return the picoseconds that a read takes longer when it follows another one that had the tier to itself."""
    if tier.loaded_latency is None:
        return 0
    rho = 1 / tier.loaded_latency.asymptote
    return tier.loaded_latency.rise * rho / (1 - rho)


def test_faster_memory_reads_faster(results):
    """From the near tier: a newer or larger machine of a line is not slower than the one before it."""
    near = {name: int(result.latency_ps[-1]) for name, result in results.items()}
    for line in (
        ["b200", "h200", "h100-sxm"],
        ["h200", "a100-80g", "rtx-3090", "t4-cloud"],
        ["rtx-4090", "rtx-3090"],
        ["apple-m3-max", "jetson-orin", "phone-ufs"],
    ):
        assert [near[name] for name in line] == sorted(near[name] for name in line)
