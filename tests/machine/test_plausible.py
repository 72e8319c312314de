"""Plausibility: no part of the catalogue is doubted, and bits for bytes and wrong prefixes are found."""

import math
from pathlib import Path
from typing import get_args

import pytest

from hiersim.cli.check import doubt
from hiersim.config import load, load_machine
from hiersim.machine import Link, Machine, Tier
from hiersim.machine.catalogue import fill_in, find_machine, find_part, machine_data, machine_names, part_names
from hiersim.machine.link import LinkKind
from hiersim.machine.mistakes import validated
from hiersim.machine.plausible import BITS, implausible, odd_figures, ranges, value_of
from hiersim.machine.plausible_ranges import DIMENSIONS, LINKS, READS_TO_WRITES, TIERS
from hiersim.machine.tier import TierKind
from hiersim.units import FROM_TEXT

NAMES = (*part_names("tier"), *part_names("link"))


def part_of(name):
    """Return a part of the catalogue as a record; what it lacks is the middle of the range of its kind."""
    found = find_part(name)
    model, figures = {"tier": Tier, "link": Link}[found["is"]], found["figures"]
    given = figures | ({"between": ["a", "b"]} if model is Link else {})
    if "nand" in given:
        given["nand"] = {"dies": 64, "page": "16 KiB", "read": "45 us"} | given["nand"]
    middle = ranges(model, figures["kind"])
    for key, field in model.model_fields.items():
        if field.is_required() and key not in given:
            low, high = middle[key][0]
            given[key] = math.sqrt(low * high) if "bandwidth" in key else round(math.sqrt(low * high))
    for one, other in (("read_bandwidth", "write_bandwidth"), ("write_bandwidth", "read_bandwidth")):
        if model is Tier and one not in figures and other in figures:
            given[one] = figures[other]["value"]
    if name == "hbf-gen1":
        given["write_bandwidth"] = "300 GB/s"  # not published
    if figures["kind"] == "hbm" and "capacity" not in figures:
        given["capacity"] = "1.5 GiB"  # of one channel
    record, problems = validated(model, given)
    assert problems == []
    return record


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_is_plausible(name):
    assert odd_figures(part_of(name)) == []


@pytest.mark.parametrize("name", machine_names())
def test_the_machines_are_plausible(name):
    assert implausible(find_machine(name)) == []


def test_every_kind_has_ranges():
    assert set(TIERS) == set(get_args(TierKind))
    assert set(LINKS) == set(get_args(LinkKind))
    for model, table in ((Tier, TIERS), (Link, LINKS)):
        for kind in table:
            for figure, intervals in ranges(model, kind).items():
                assert figure in DIMENSIONS
                assert all(0 < low < high for low, high in intervals)


TIMES_8, AN_8TH, TIMES_1024, A_1024TH = 8, 1 / 8, 1024, 1 / 1024
BOTH = {TIMES_8, AN_8TH}
HONEST = {  # what may be off by a factor and still be a part of its kind, and why
    ("sram", "capacity"): ({*BOTH, TIMES_1024, A_1024TH}, "scratchpads of KiB and the shared memory of a whole GPU"),
    ("sram", "granularity"): ({AN_8TH}, "banks of 4 to 16 B stand beside warps of 128 B"),
    ("sram", "read_energy"): (BOTH, "grows with the array: 0.02 to 0.4 pJ/bit from 32 KiB to 4 MiB"),
    ("sram", "write_energy"): (BOTH, "grows with the array: 0.04 to 0.4 pJ/bit from 32 KiB to 4 MiB"),
    ("l2", "capacity"): (BOTH, "last-level caches of 4 MiB to 1 GiB"),
    ("l2", "granularity"): (BOTH, "sectors of 32 B, lines of up to 256 B"),
    ("hbm", "granularity"): (BOTH, "bursts of 32 B, lines of 256 B on the A64FX"),
    ("lpddr", "capacity"): (BOTH, "phones of 4 GiB, servers of 1 TiB"),
    ("ddr", "capacity"): (BOTH, "one DIMM of 16 GiB to servers of several TiB"),
    ("cxl", "capacity"): ({*BOTH, TIMES_1024, A_1024TH}, "FPGA boards of 16 GiB, pooled boxes of 16 TB"),
    ("pmem", "capacity"): (BOTH, "one DIMM or twelve, of 128 to 512 GiB"),
    ("flash", "capacity"): (BOTH, "drives of 256 GB to 122 TB"),
    ("flash", "granularity"): (BOTH, "sectors of 512 B, pages of 4 and 16 KiB, units of 64 KiB"),
    ("flash", "nand.page"): (BOTH, "pages of 4 to 64 KiB, with planes"),
    ("flash", "read_energy"): (BOTH, "40 (one array) to 417 pJ/bit (Optane)"),
    ("flash", "write_energy"): (BOTH, "192 (a client drive) to 818 pJ/bit (one array)"),
    ("flash", "slc_cache.capacity"): (BOTH, "caches of some GB to hundreds of GB"),
    ("flash", "slc_cache.bandwidth"): ({AN_8TH}, "QLC falls to 100 MB/s"),
    ("pcie", "bandwidth"): (BOTH, "three generations are a factor of 8, and so are x2 and x16"),
    ("nvme", "bandwidth"): ({AN_8TH}, "Gen3 x2 against Gen5 x4"),
    ("nvlink", "bandwidth"): ({AN_8TH}, "the bridge of two workstation cards has 56 GB/s"),
    ("nvlink", "granularity"): ({AN_8TH}, "flits of 16 and 32 B"),
    ("network", "bandwidth"): ({AN_8TH, A_1024TH}, "1 to 3200 Gb/s"),
    ("network", "backward_bandwidth"): ({AN_8TH, A_1024TH}, "1 to 3200 Gb/s"),
    ("bus", "bandwidth"): ({*BOTH, TIMES_1024}, "anything on a chip or a board"),
    ("bus", "energy"): ({AN_8TH}, "anything on a chip or a board"),
    ("bus", "latency"): ({A_1024TH}, "anything on a chip or a board"),
}


def slipped(part, figure, factor):
    """Return a part one of whose figures is off by a factor; what a capacity or rate must be beside it is not asked."""
    group, _, field = figure.rpartition(".")
    holder = getattr(part, group) if group else part
    changed = holder.model_copy(update={field: getattr(holder, field) * factor})
    return part.model_copy(update={group: changed}) if group else changed


def slips(name):
    """Yield every figure of a part with the factors by which a slip of units puts it off."""
    part, stated = part_of(name), find_part(name)["figures"]
    for figure in ranges(type(part), part.kind):
        if value_of(part, figure) and figure.partition(".")[0] in stated:
            factors = [TIMES_1024, A_1024TH] + (sorted(BOTH) if DIMENSIONS[figure] in BITS else [])
            yield from ((part, figure, factor) for factor in factors)


@pytest.mark.parametrize("name", NAMES)
def test_slips_are_caught(name):
    """A factor of 8 or 1024 on any figure, except where both are honest parts of the kind."""
    for part, figure, factor in slips(name):
        honest = HONEST.get((part.kind, figure), ((), ""))[0]
        if part.kind == "cxl" and figure.endswith("capacity") and isinstance(part, Link):
            honest = ()
        assert odd_figures(slipped(part, figure, factor)) or factor in honest, (figure, factor)


def test_no_exception_is_for_nothing():
    missed = {
        (part.kind, figure, factor)
        for name in NAMES
        for part, figure, factor in slips(name)
        if not odd_figures(slipped(part, figure, factor))
    }
    assert missed == {(*key, factor) for key, (factors, _) in HONEST.items() for factor in factors}
    assert all(reason for _, reason in HONEST.values())


@pytest.mark.parametrize(
    ("machine", "figure", "value", "says"),
    [
        ("h100-sxm", "tiers.hbm.read_bandwidth", "26.8 TB/s",
         "machine.tiers.hbm.read_bandwidth  26.8 TB/s is 8 times `write_bandwidth`, outside 0.4 to 2.5, the range of "
         "hbm; one of the two may be 8 times off: are these bits?"),
        ("h100-sxm", "tiers.hbm.read_bandwidth", "3.35 PB/s",
         "machine.tiers.hbm.read_bandwidth  3.35 PB/s is outside 20 GB/s to 40 TB/s, the range of hbm; "
         "1000 times too large: is the unit's prefix one too high?"),
        ("h100-sxm", "tiers.hbm.capacity", "640 GiB",
         "machine.tiers.hbm.read_bandwidth  3.35 TB/s reads all 640 GiB in 205 ms, outside 8 ms to 100 ms, the range "
         "of hbm; one of the two may be 8 times off: are these bits?"),
        ("h100-sxm", "tiers.hbm.read_latency", "400 us",
         "machine.tiers.hbm.read_latency  400 us is outside 20 ns to 2 us, the range of hbm; "
         "1000 times too large: is the unit's prefix one too high?"),
        ("h100-sxm", "tiers.hbm.read_energy", "31.2 pJ/bit",
         "machine.tiers.hbm.read_energy  31.2 pJ/bit is outside 1.5 pJ/bit to 15 pJ/bit, the range of hbm; "
         "8 times too large: is it per byte?"),
        ("h100-sxm", "tiers.flash.read_bandwidth", "104 GB/s",
         "machine.tiers.flash.read_bandwidth  104 GB/s is outside 200 MB/s to 32 GB/s or 1.2 TB/s to 2 TB/s, the "
         "range of flash; 8 times too large: are these bits?"),
        ("h100-sxm", "tiers.flash.nand.read", "45 ns",
         "machine.tiers.flash.nand.read  45 ns is outside 2 us to 300 us, the range of flash; "
         "1000 times too small: is the unit's prefix one too low?"),
        ("h100-sxm", "tiers.dram.granularity", "8 B",
         "machine.tiers.dram.granularity  8 B is outside 32 B to 256 B, the range of ddr; "
         "8 times too small: were bytes taken for bits?"),
        ("h100-sxm", "tiers.dram.efficiency", "1%",
         "machine.tiers.dram.efficiency  1% is outside 20% to 100%, the range of ddr"),
        ("h100-sxm", "links.pcie.bandwidth", "504 GB/s",
         "machine.links.pcie.bandwidth  504 GB/s is outside 240 MB/s to 260 GB/s, the range of pcie; "
         "8 times too large: are these bits?"),
    ],
)  # fmt: skip
def test_what_a_warning_says(machine, figure, value, says):
    """The figure, its value, the range, and the slip that would explain it, in one line."""
    data = machine_data(machine)
    group, name, *fields = figure.split(".")
    holder = data[group][name]
    for field in fields[:-1]:
        holder = holder[field]
    holder[fields[-1]] = value
    made, problems = validated(Machine, fill_in(data)[0], FROM_TEXT)
    assert problems == []
    assert [str(each) for each in implausible(made)] == [says]


def test_runs_and_checks_warn_on_standard_error(tmp_path, capsys):
    """A line for each figure, none with --quiet; the scenario is right all the same."""
    (tmp_path / "run.yaml").write_text("machine: h100-sxm\ntrace: x.csv\n")
    slips = ["machine.tiers.hbm.read_latency=400 us", "machine.links.pcie.bandwidth=504 GB/s"]
    doubt(load(tmp_path / "run.yaml", slips), quiet=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split("  ")[0] for line in err.splitlines()] == [
        "warning: machine.tiers.hbm.read_latency", "warning: machine.links.pcie.bandwidth"
    ]  # fmt: skip
    doubt(load(tmp_path / "run.yaml", slips), quiet=True)
    doubt(load(tmp_path / "run.yaml"), quiet=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("path", sorted((Path(__file__).parents[2] / "configs").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_shipped_scenarios_raise_no_doubt(path, capsys):
    doubt(load(path), quiet=False)
    assert capsys.readouterr().err == ""


def test_ratios_are_looked_at_in_every_kind_with_two_bandwidths():
    assert set(READS_TO_WRITES) == set(TIERS) - {"remote"}


def test_machines_of_other_tests_have_defaults_and_zeros(tmp_path):
    """Nothing is said of figures that are absent or 0."""
    tier = "{kind: %s, capacity: 64 GiB, read_bandwidth: 50 GB/s, write_bandwidth: 50 GB/s, read_latency: 0 ns, "
    tier += "write_latency: 0 ns}"
    (tmp_path / "m.yaml").write_text(
        f"tiers: {{a: {tier % 'ddr'}, b: {tier % 'cxl'}}}\n"
        "links: {l: {between: [a, b], kind: bus, bandwidth: 50 GB/s, latency: 0 ns}}\n"
        "units: {u: {kind: cpu, tier: a, flops: {fp32: 1 TFLOP/s}}}\n"
    )
    assert implausible(load_machine(tmp_path / "m.yaml")) == []
