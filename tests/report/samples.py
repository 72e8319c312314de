"""Synthetic results whose numbers are made up but consistent: the odd cases that reports must survive."""

from __future__ import annotations

import numpy as np
from report.parts import GIB, SECOND, link, result, tier, unit

from hiersim.engine.timeline import Cause, Levels, Spans, Timeline


def four_tiers(name="kv_tiers", elapsed=61_400_000_000_000, **other):
    tiers = {
        "hbm": tier(
            "hbm",
            40 * GIB,
            4_610 * 10**9,
            1_800 * 10**9,
            590,
            22,
            388,
            peak_bytes=40 * GIB,
            utilisation=0.021,
            evictions=9000,
            written_back=9000,
            energy_j=201.0,
        ),
        "dram": tier(
            "ddr",
            256 * GIB,
            1_010 * 10**9,
            770 * 10**9,
            219,
            0,
            169,
            utilisation=0.07,
            peak_bytes=256 * GIB,
            bound="pcie.forward bandwidth",
            energy_j=233.0,
        ),
        "cxl": tier(
            "cxl",
            1024 * GIB,
            430 * 10**9,
            210 * 10**9,
            94,
            0,
            75,
            utilisation=0.58,
            peak_bytes=611 * GIB,
            bound="cxl.read bandwidth",
            energy_j=121.0,
        ),
        "flash": tier(
            "flash",
            8192 * GIB,
            97_100 * 10**6,
            88 * 10**9,
            21,
            0,
            54,
            utilisation=0.91,
            peak_bytes=88 * GIB,
            read_wire_bytes=140 * 10**9,
            bound="flash operations",
            energy_j=388.0,
            lost=3,
        ),
    }
    links = {
        "pcie": link(("hbm", "dram"), "pcie", 1_010 * 10**9, 770 * 10**9, (0.27, 0.21), 12.0),
        "cxl_x8": link(("dram", "cxl"), "cxl", 210 * 10**9, 430 * 10**9, (0.12, 0.24), 3.5),
        "nvme": link(("dram", "flash"), "nvme", 88 * 10**9, 97_100 * 10**6, (0.2, 0.91), 1.5),
    }
    stalls = (
        ("latency", "flash.read", "", "kv", 0.30),
        ("latency", "flash.read", "", "weight", 0.01),
        ("bandwidth", "cxl.read", "bandwidth", "kv", 0.15),
        ("slot", "flash.write", "write-back", "kv", 0.09),
        ("bandwidth", "pcie.forward", "bandwidth", "kv", 0.05),
        ("room", "hbm", "write-back", "kv", 0.012),
        ("joined", "hbm", "demand", "weight", 0.008),
    )
    units = {"gpu0": unit("hbm", elapsed, 0.3, 0.08, stalls, energy=600.0)}
    energy = {
        "tiers.hbm.dynamic": 151.0,
        "tiers.hbm.background": 50.0,
        "tiers.dram.dynamic": 133.0,
        "tiers.dram.background": 100.0,
        "tiers.cxl.dynamic": 121.0,
        "tiers.flash.dynamic": 88.0,
        "tiers.flash.background": 300.0,
        "links.pcie.dynamic": 12.0,
        "links.cxl_x8.dynamic": 3.5,
        "links.nvme.dynamic": 1.5,
        "units.gpu0.compute": 600.0,
    }
    estimates = ["tiers.hbm.read_latency", "tiers.dram.read_energy", "tiers.flash.read_latency", "links.cxl_x8.energy"]
    about = {
        "seed": 7,
        "scenario_hash": "3f9c0a",
        "versions": {"hiersim": "0.1.0"},
        "estimates": estimates,
        "trace": {"name": "chat_sample", "bytes": 37 * GIB},
    }
    machine = "H100 SXM + 8ch DDR5 + CXL x8 + PM1743"
    values = {"energy_j": energy, "provenance": about, "accesses": 1_000} | other
    return result(tiers, links, units, elapsed, name=name, machine=machine, **values)


def one_tier():
    tiers = {"hbm": tier("hbm", 80 * GIB, 5 * 10**11, 10**9, 990, 0, 10, utilisation=0.8, bound="hbm bandwidth")}
    return result(tiers, {}, {"gpu0": unit("hbm", SECOND, 0.1, 0.85)}, name="one_tier", machine="GPU alone")


def two_tiers():
    tiers = {
        "gpu_mem": tier("gddr", 24 * GIB, 9 * 10**11, 4 * 10**11, 700, 0, 300, utilisation=0.4, evictions=5, dropped=5),
        "host": tier("ddr", 128 * GIB, 4 * 10**11, 0, 300, 0, 0, utilisation=0.3, bound="pcie.backward bandwidth"),
    }
    links = {"pcie": link(("gpu_mem", "host"), "pcie", 0, 4 * 10**11, (0.0, 0.97))}
    stalls = (
        ("bandwidth", "pcie.backward", "bandwidth", "weight", 0.71),
        ("latency", "pcie.backward", "", "weight", 0.04),
    )
    return result(
        tiers, links, {"gpu0": unit("gpu_mem", SECOND, 0.05, 0.15, stalls)}, name="two_tiers", machine="RTX 4090 + DDR5"
    )


def star():
    outer = {
        "cxl0": ("cxl", 1),
        "cxl1": ("cxl", 2),
        "pmem": ("pmem", 3),
        "flash": ("flash", 5),
        "remote": ("remote", 8),
    }
    tiers = {"dram": tier("ddr", 512 * GIB, 8 * 10**12, 3 * 10**12, 600, 5, 395, utilisation=0.5)}
    tiers |= {n: tier(k, 2048 * GIB, s * 10**11, s * 10**10, 20 * s, utilisation=s / 10) for n, (k, s) in outer.items()}
    kinds = {"cxl": "cxl", "pmem": "bus", "flash": "nvme", "remote": "network"}
    links = {
        f"{n}_link": link(("dram", n), kinds[k], s * 10**10, s * 10**11, (s / 90, s / 9)) for n, (k, s) in outer.items()
    }
    stalls = (
        ("bandwidth", "remote_link.backward", "bandwidth", "feature", 0.4),
        ("slot", "flash.read", "demand", "feature", 0.2),
    )
    return result(
        tiers, links, {"cpu": unit("dram", SECOND, 0.2, 0.1, stalls, "cpu")}, name="star", machine="Graph sampler"
    )


def two_units():
    tiers = {
        "hbm0": tier("hbm", 80 * GIB, 9 * 10**12, 10**12, 500, 0, 100, utilisation=0.6),
        "hbm1": tier("hbm", 80 * GIB, 7 * 10**12, 10**12, 300, 0, 100, utilisation=0.4),
        "dram": tier("ddr", 1024 * GIB, 10**12, 10**11, 200, 0, 0, utilisation=0.2),
    }
    links = {
        "nvlink": link(("hbm0", "hbm1"), "nvlink", 10**12, 2 * 10**12, (0.3, 0.6)),
        "pcie0": link(("hbm0", "dram"), "pcie", 10**11, 5 * 10**11, (0.1, 0.7)),
        "pcie1": link(("hbm1", "dram"), "pcie", 0, 5 * 10**11, (0.0, 0.9)),
    }
    units = {
        "gpu0": unit("hbm0", SECOND, 0.4, 0.3, (("bandwidth", "nvlink.forward", "bandwidth", "kv", 0.2),)),
        "gpu1": unit("hbm1", SECOND, 0.2, 0.1, (("bandwidth", "pcie1.backward", "bandwidth", "weight", 0.5),)),
        "cpu": unit("dram", SECOND, 0.0, 0.02, (), "cpu"),
    }
    return result(tiers, links, units, name="two_units", machine="2 GPUs")


def four_gpus():
    """Four GPUs in a ring, host memory that all reach, and flash behind it."""
    names = [f"hbm{i}" for i in range(4)]
    tiers = {
        name: tier("hbm", 80 * GIB, (i + 1) * 10**12, 10**11, 200, utilisation=0.1 * i) for i, name in enumerate(names)
    }
    tiers |= {"dram": tier("ddr", 1024 * GIB, 10**12, 10**11, 150), "flash": tier("flash", 8192 * GIB, 10**11, 0, 50)}
    ring = [(0, 1), (1, 2), (2, 3), (0, 3)]
    links = {
        f"nvlink{a}{b}": link((f"hbm{a}", f"hbm{b}"), "nvlink", 10**11 * (a + 1), 10**11 * b, (0.1, 0.2))
        for a, b in ring
    }
    links |= {f"pcie{i}": link((name, "dram"), "pcie", 10**10, 10**11, (0.05, 0.5)) for i, name in enumerate(names)}
    links["nvme"] = link(("flash", "dram"), "nvme", 10**11, 0, (0.9, 0.0))
    units = {
        f"gpu{i}": unit(name, SECOND, 0.4, 0.1, (("room", "dram", "arrivals", "kv", 0.3),))
        for i, name in enumerate(names)
    }
    return result(tiers, links, units, name="four_gpus", machine="4 GPUs in a ring")


def passage():
    """Host memory is not managed: bytes pass through it to flash, and a CPU computes there."""
    tiers = {"hbm": tier("hbm", 80 * GIB, 10**12, 10**11, 900), "flash": tier("flash", 8192 * GIB, 10**11, 10**10, 100)}
    links = {
        "pcie": link(("hbm", "dram"), "pcie", 10**10, 10**11, (0.1, 0.3)),
        "nvme": link(("dram", "flash"), "nvme", 10**10, 10**11, (0.1, 0.9)),
    }
    units = {"gpu0": unit("hbm", SECOND, 0.5, 0.2), "cpu": unit("dram", SECOND, kind="cpu")}
    return result(tiers, links, units, name="passage", machine="GPU with flash")


def empty():
    tiers = {"hbm": tier("hbm", 40 * GIB), "dram": tier("ddr", 256 * GIB)}
    links = {"pcie": link(("hbm", "dram"))}
    return result(tiers, links, {"gpu0": unit("hbm", 0)}, elapsed=0, accesses=0, name="empty")


def extreme():
    """Names of 30 characters, numbers near the limits, many causes."""
    near, far = "a_tier_with_thirty_characters_", "another_tier_of_thirty_letters"
    tiers = {
        near: tier(
            "sram",
            2**56,
            2**62,
            2**61,
            1_990,
            3,
            10,
            utilisation=0.99999,
            bound=f"{near}.read operations",
            energy_j=4e12,
        ),
        far: tier(
            "remote", 2**56, 2**50, 1, 7, 0, 3, utilisation=0.000001, bound=f"{near}.write bandwidth", energy_j=2e-9
        ),
    }
    links = {"the_link_between_the_two_tiers": link((near, far), "network", 1, 2**50, (1e-9, 0.5), 1e-5)}
    elapsed = 90 * 86400 * SECOND
    kinds = ("latency", "bandwidth", "slot", "room", "joined")
    stalls = tuple(
        (
            kinds[i % 5],
            (f"{near}.read", f"{far}.write", "the_link_between_the_two_tiers.backward")[i % 3],
            "write-back",
            "optimizer",
            0.05 / (i + 1),
        )
        for i in range(24)
    )
    units = {"the_unit_has_thirty_characters": unit(near, elapsed, 0.3, 0.2, stalls, "near-memory", 1e-4)}
    energy = {
        f"tiers.{near}.dynamic": 4e12,
        f"tiers.{far}.dynamic": 2e-9,
        "units.the_unit_has_thirty_characters.compute": 1e-4,
    }
    return result(tiers, links, units, elapsed, 2000, "a_scenario_with_a_name_that_is_rather_long", energy_j=energy)


def _spans():
    causes = (Cause("compute"), Cause("stall", "latency", "dram.read", "", "kv"), Cause("idle"))
    starts = np.array([0, 10**6, 3 * 10**6], np.int64)
    access, row = np.array([-1, 2, -1]), np.array([-1, 1, -1])
    return Spans(("gpu0",), causes, np.zeros(3, np.int16), starts, np.append(starts[1:], 5 * 10**6),
                 np.arange(3, dtype=np.int32), access, access.astype(np.int32), row)  # fmt: skip


def _levels():
    return Levels(
        ("hbm", "dram"), np.array([0, 1, 0], np.int16), np.array([0, 0, 10**6]), np.array([0, 2**21, 2**21], np.int64)
    )


def with_timeline():
    n = 5
    times = [np.arange(n, dtype=np.int64) * 10**6 + step for step in (0, 10, 500, 9000)]
    ids, places = np.arange(n, dtype=np.int32), np.array([0, 1, 0, 1, 0], np.int16)
    sizes = np.full(n, 2**21, np.int64)
    kinds, route = np.array([0, 3, 5, 8, 0], np.int8), np.arange(n, dtype=np.int16) % 2
    routes = (("hbm.read", "pcie.forward", "dram.write"), ("dram.read", "pcie.backward", "hbm.write"))
    whole = (0, 5 * 10**6)
    traffic = np.array([0, 1, 2, 0, 0], np.int8)
    timeline = Timeline(
        ("hbm", "dram", "gpu0"), *times, ids, sizes, np.zeros((n, 2), np.int64), places, 1 - places, traffic, kinds,
        route, routes, _spans(), _levels(), whole,
    )  # fmt: skip
    return four_tiers(timeline=timeline)


ALL = {
    "four_tiers": four_tiers,
    "one_tier": one_tier,
    "two_tiers": two_tiers,
    "star": star,
    "two_units": two_units,
    "four_gpus": four_gpus,
    "passage": passage,
    "empty": empty,
    "extreme": extreme,
}
