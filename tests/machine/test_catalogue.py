"""The catalogue: every figure has a source, and agrees with the table it was taken from."""

import pytest

from hiersim.errors import ConfigError
from hiersim.machine import Link, Machine, Tier, Unit
from hiersim.machine.catalogue import (
    fill_in,
    find_machine,
    find_part,
    is_group,
    machine_data,
    machine_names,
    part_names,
)
from hiersim.machine.effects import Activation, LoadedLatency, Nand, Packets, SlcCache
from hiersim.machine.mistakes import validated
from hiersim.machine.record import Part, Sourced
from hiersim.units import FROM_TEXT

CHOICES = {"kind", "duplex", "waiting", "energy_basis", "between", "tier", "part", "provenance", "driven_by"}
GROUPS = {
    "activation": Activation, "loaded_latency": LoadedLatency, "nand": Nand, "packets": Packets, "slc_cache": SlcCache
}  # fmt: skip


def stated_in(record):
    """Return the dotted paths of the figures that a record states, those of its groups included; no choices."""
    paths = set()
    for field in record.model_fields_set - CHOICES:
        value = getattr(record, field)
        below = {f"{field}.{path}" for path in stated_in(value)} if isinstance(value, Sourced) else {field}
        paths |= below
    return paths


def figures_in(description):
    """Yield the dotted paths and the figures of a part in a description, those of its groups included; no choices."""
    for field, figure in description.items():
        if is_group(figure):
            yield from ((f"{field}.{path}", below) for path, below in figures_in(figure))
        elif field not in CHOICES:
            yield field, figure


@pytest.mark.parametrize("name", machine_names())
def test_every_machine_is_whole(name):
    machine = find_machine(name)
    assert machine.name == name
    assert machine.summary
    assert find_machine(name) is machine
    assert machine.chain(next(iter(machine.units))) == tuple(machine.tiers)


@pytest.mark.parametrize("name", machine_names())
def test_every_figure_of_a_machine_has_its_source(name):
    for path, part in find_machine(name).parts().items():
        assert stated_in(part) == set(part.origins()), path
        assert all(origin.source for origin in part.origins().values()), path


NEEDED = {"tier": Tier, "link": Link, "unit": Unit}
PLACE = {"tier": {}, "link": {"between": ["a", "b"]}, "unit": {"tier": "a"}}


FILL = {"latency": "1 us", "capacity": "1 TB", "dies": 64, "page": "16 KiB", "read": "45 us"}


def lacking(model, given):
    return [key for key, field in model.model_fields.items() if field.is_required() and key not in given]


@pytest.mark.parametrize("name", part_names())
def test_every_part_is_one_that_a_machine_can_have(name):
    """Once the figures that nobody published are filled in, each by its own field and by nothing else."""
    part = find_part(name)
    model = NEEDED[part["is"]]
    given = PLACE[part["is"]] | part["figures"]
    fill = {key: FILL.get(key.split("_")[-1], "1 GB/s") for key in lacking(model, given)}
    for group in set(GROUPS) & set(given):
        filled = {f"{group}.{key}": FILL[key] for key in lacking(GROUPS[group], given[group])}
        given[group] = given[group] | {path.partition(".")[2]: figure for path, figure in filled.items()}
        fill |= filled
    record, problems = validated(
        model, given | {key: figure for key, figure in fill.items() if "." not in key}, FROM_TEXT
    )
    assert problems == []
    assert isinstance(record, Part)
    assert set(record.origins()) == stated_in(record) - set(fill)
    assert part["title"]


def test_a_run_needs_the_figures_that_a_part_lacks():
    data = machine_data("h100-sxm")
    data["tiers"]["flash"] = {"part": "hbf-gen1"}
    machine, problems = validated(Machine, fill_in(data)[0], FROM_TEXT)
    assert machine is None
    lost = ("write_bandwidth", "read_latency", "write_latency")
    assert problems == [(("tiers", "flash", key), "required key is missing") for key in lost]


def test_what_a_machine_fills_in_is_an_estimate_unless_it_was_measured_there():
    filled = {
        (name, group, member, field): figure
        for name in machine_names()
        for group in ("tiers", "links", "units")
        for member, fields in machine_data(name).get(group, {}).items()
        for field, figure in figures_in(fields)
    }
    assert len(filled) > 100
    better = {key[0] for key, figure in filled.items() if figure["confidence"] != "estimate"}
    assert better <= {"t4-highmem"}  # the machine of published measurements
    assert all(len(figure["source"]) > 10 for figure in filled.values())


@pytest.mark.parametrize("name", part_names("tier"))
def test_energy_is_counted_once(name):
    figures = find_part(name)["figures"]
    stated = {"read_energy", "write_energy"} & set(figures)
    assert ("energy_basis" in figures) == bool(stated)
    assert figures.get("energy_basis") != "total" or "background_power" not in figures
    if figures["kind"] == "flash":
        assert figures.get("energy_basis", "total") == "total"


@pytest.mark.parametrize(
    ("path", "value", "confidence"),
    [
        ("h100-sxm-cxl.tiers.hbm.capacity", 80 * 2**30, "datasheet"),
        ("h100-sxm-cxl.tiers.hbm.read_bandwidth", 3.35e12, "datasheet"),
        ("h100-sxm-cxl.tiers.hbm.read_latency", 400_000, "estimate"),
        ("h100-sxm-cxl.tiers.hbm.read_energy", 3.9, "estimate"),
        ("h100-sxm-cxl.tiers.dram.read_bandwidth", 307.2e9, "datasheet"),
        ("h100-sxm-cxl.tiers.dram.efficiency", 0.922, "measured"),
        ("h100-sxm-cxl.tiers.dram.read_latency", 98_000, "measured"),
        ("h100-sxm-cxl.tiers.cxl.read_bandwidth", 17.8e9, "measured"),
        ("h100-sxm-cxl.tiers.cxl.read_latency", 250_000, "measured"),
        ("h100-sxm-cxl.tiers.flash.capacity", 15_360_000_000_000, "vendor"),
        ("h100-sxm-cxl.tiers.flash.read_bandwidth", 13e9, "vendor"),
        ("h100-sxm-cxl.tiers.flash.write_bandwidth", 6.6e9, "vendor"),
        ("h100-sxm-cxl.tiers.flash.read_ops", 2.5e6, "vendor"),
        ("h100-sxm-cxl.tiers.flash.read_latency", 50_000_000, "estimate"),
        ("h100-sxm-cxl.tiers.dram.turnaround", 0.326, "measured"),
        ("h100-sxm-cxl.tiers.dram.loaded_latency.rise", 18_950, "measured"),
        ("h100-sxm-cxl.tiers.cxl.media_bandwidth", 26.07e9, "measured"),
        ("h100-sxm-cxl.tiers.flash.nand.dies", 512, "estimate"),
        ("h100-sxm-cxl.links.pcie.bandwidth", 63.015e9, "datasheet"),
        ("h100-sxm-cxl.links.pcie.packets.max_payload", 256, "simulated"),
        ("h100-sxm-cxl.links.cxlx8.bandwidth", 28.9e9, "simulated"),
        ("rtx-4090.tiers.gddr.read_bandwidth", 1.008e12, "datasheet"),
        ("rtx-4090.tiers.dram.read_latency", 88_900, "measured"),
        ("rtx-4090.tiers.flash.read_latency", 45_000_000, "vendor"),
        ("rtx-4090.tiers.flash.slc_cache.capacity", 42 * 10**9, "vendor"),
        ("rtx-4090.links.pcie.efficiency", 0.9022, "simulated"),
    ],
)
def test_figures_are_those_of_the_reference_table(path, value, confidence):
    machine, group, name, *fields = path.split(".")
    part = getattr(find_machine(machine), group)[name]
    found = part
    for field in fields:
        found = getattr(found, field)
    assert found == value
    assert part.origins()[".".join(fields)].confidence == confidence


def test_compute_rates():
    assert find_machine("h100-sxm").units["gpu0"].flops["bf16"] == 989.4e12
    assert find_machine("h100-sxm").units["gpu0"].flops["fp8"] == 1978.9e12
    assert find_machine("rtx-4090").units["gpu0"].flops["bf16"] == 165.2e12


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: find_machine("h100-smx"), "no machine `h100-smx`; did you mean `h100-sxm`?"),
        (lambda: machine_data("cray"), "(the catalogue has a100-80g, apple-m3-max, "),
        (lambda: find_part("h100-hbm2"), "no part `h100-hbm2`; did you mean `h100-hbm3`?"),
    ],
)
def test_unknown_names(call, says):
    with pytest.raises(ConfigError) as error:
        call()
    assert says in str(error.value)


def test_what_a_description_says_itself_wins_over_its_part():
    data, problems = fill_in({"tiers": {"hbm": {"part": "h100-hbm3", "capacity": "40 GiB"}}, "links": [], "units": {}})
    assert problems == []
    assert data["tiers"]["hbm"]["capacity"] == "40 GiB"
    assert data["tiers"]["hbm"]["read_bandwidth"]["value"] == "3.35 TB/s"


def test_a_description_may_state_some_figures_of_a_group():
    """The rest of the group stays that of the part; so does the provenance of each."""
    banks = {"value": 64, "source": "two channels", "confidence": "estimate"}
    data, _ = fill_in({"tiers": {"dram": {"part": "ddr4-3200-1ch", "activation": {"banks": banks, "visit": "128 B"}}}})
    tier, problems = validated(Tier, data["tiers"]["dram"], FROM_TEXT)
    assert problems == []
    assert (tier.activation.banks, tier.activation.visit, tier.activation.row) == (64, 128, 8192)
    assert tier.origins()["activation.banks"].source == "two channels"
    assert tier.origins()["activation.energy"].confidence == "simulated"
    assert "activation.visit" not in tier.origins()


def test_who_drives_a_link():
    """A GPU drives the link to its host, a drive its lanes; the header of a packet depends on it."""
    for name in machine_names():
        for link in find_machine(name).links.values():
            if link.packets is not None:
                device = {"pcie": 0, "nvme": 1}[link.kind]
                assert link.packets.driven_by == ("first", "second")[device]
                tier = find_machine(name).tiers[link.between[device]]
                assert (tier.kind == "flash") == (link.kind == "nvme")


@pytest.mark.parametrize("name", machine_names())
def test_estimates_of_groups_are_listed(name):
    machine = find_machine(name)
    listed = machine.estimates()
    assert len(set(listed)) == len(listed)
    for path, part in machine.parts().items():
        for field, origin in part.origins().items():
            assert (f"{path}.{field}" in listed) == (origin.confidence == "estimate")
    if name not in ("apple-m3-max", "phone-ufs"):
        assert any(path.endswith(("nand.dies", "loaded_latency.rise")) for path in listed)


def test_parts_must_be_of_the_right_sort():
    data = {"tiers": {"a": {"part": "pcie5-x16"}, "b": {"part": "ddr5-2chan"}}}
    assert fill_in(data)[1] == [
        (("tiers", "a", "part"), "part `pcie5-x16` is a link, not a tier"),
        (("tiers", "b", "part"), fill_in(data)[1][1][1]),
    ]
    assert "no part `ddr5-2chan`; did you mean `ddr5-2ch`?" in fill_in(data)[1][1][1]


def test_what_is_handed_out_can_be_changed_without_harm():
    machine_data("h100-sxm")["tiers"].clear()
    find_part("h100-hbm3")["figures"].clear()
    assert machine_data("h100-sxm")["tiers"]
    assert find_part("h100-hbm3")["figures"]


def test_a_dumped_machine_is_the_same_machine():
    machine = find_machine("h100-sxm-cxl")
    assert Machine.model_validate(machine.model_dump()) == machine
