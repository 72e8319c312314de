"""Parts in a user's files: the form of the catalogue's, errors with file and line, and what a bad part is told."""

from pathlib import Path

import pytest
import yaml

from hiersim.config import load, load_machine
from hiersim.config.parts import read_part
from hiersim.errors import ConfigError
from hiersim.machine import catalogue
from hiersim.machine.catalogue import find_part

DRIVE = """\
my-drive:
  is: tier
  title: a drive of my own
  sources:
    sheet: {confidence: datasheet, source: "its data sheet"}
    guess: {confidence: estimate, source: "its class"}
  figures:
    kind: flash
    capacity: [2 TB, sheet]
    read_bandwidth: [7 GB/s, sheet]
    write_bandwidth: [6 GB/s, sheet]
    read_latency: [60 us, guess]
    write_latency: [20 us, guess]
    queue_depth: [64, sheet]
    nand: {dies: [64, guess], page: [16 KiB, guess], read: [50 us, guess], over_provisioning: [0.07, guess]}
    slc_cache:
      capacity: [100 GB, sheet]
      bandwidth: [2 GB/s, sheet]
"""
SCENARIO = "machine:\n  extends: rtx-4090\n  tiers:\n    flash: {part: %s}\ntrace: x.csv\n"
OWN = """\
tiers:
  hbm: {part: h100-hbm3}
  flash:
    part: %s
links:
  pcie: {part: pcie4-x16, between: [hbm, flash]}
units:
  gpu0: {part: h100-sxm-gpu, tier: hbm}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)

    return write


def lines(call, *arguments):
    with pytest.raises(ConfigError) as error:
        call(*arguments)
    return str(error.value).splitlines()


def changed(old, new):
    assert old in DRIVE
    return DRIVE.replace(old, new)


def test_a_part_of_a_file_is_a_part(write):
    write("my_drive.yaml", DRIVE)
    write("machine.yaml", OWN % "./my_drive.yaml")
    flash = load_machine("machine.yaml").tiers["flash"]
    assert (flash.capacity, flash.queue_depth, flash.nand.dies) == (2 * 10**12, 64, 64)
    assert flash.slc_cache.bandwidth == 2e9
    assert flash.origins()["capacity"].confidence == "datasheet"
    assert flash.origins()["nand.dies"].source == "its class"
    assert flash.part == "my_drive.yaml"
    assert "tiers.flash.nand.over_provisioning" in load_machine("machine.yaml").estimates()


def test_it_reads_as_the_catalogues(write):
    """An entry of the catalogue, copied to a file, gives the same part."""
    write("parts.yaml", DRIVE + "\nother: {is: unit, figures: {}}\n")
    found = read_part("parts.yaml#my-drive")
    assert (found.is_, found.title) == ("tier", "a drive of my own")
    text = (Path(catalogue.__file__).parent / "parts" / "nvme.yaml").read_text(encoding="utf-8")
    write("copy.yaml", text)
    for name in yaml.safe_load(text):
        assert read_part(f"copy.yaml#{name}").figures == find_part(name)["figures"]


def test_a_file_may_be_one_entry(write):
    entry = yaml.safe_load(DRIVE)["my-drive"]
    write("one.yaml", yaml.safe_dump(entry))
    assert read_part("one.yaml").figures["capacity"]["value"] == "2 TB"


def test_a_path_is_relative_to_the_file_that_names_it(write):
    write("lib/parts/drive.yaml", DRIVE)
    write("lib/machine.yaml", OWN % "parts/drive.yaml#my-drive")
    write("run.yaml", "machine: lib/machine.yaml\ntrace: x.csv\n")
    scenario = load("run.yaml")
    assert scenario.machine.tiers["flash"].part == "lib/parts/drive.yaml#my-drive"
    assert load("run.yaml", ["machine.tiers.flash.capacity=1 TB"]).machine.tiers["flash"].capacity == 10**12


def test_what_the_machine_says_itself_wins(write):
    write("drive.yaml", DRIVE)
    write("run.yaml", SCENARIO % "drive.yaml, capacity: 3 TB, nand: {dies: 8}")
    flash = load("run.yaml").machine.tiers["flash"]
    assert (flash.capacity, flash.nand.dies, flash.nand.page) == (3 * 10**12, 8, 16384)


def test_another_part_brings_its_own_figures(write):
    """What the machine said of its old part, estimates for that part, is not said of the new one."""
    write("drive.yaml", DRIVE)
    write("run.yaml", "machine: {extends: h100-sxm, tiers: {flash: {part: drive.yaml}}}\ntrace: x.csv\n")
    flash = load("run.yaml").machine.tiers["flash"]
    assert (flash.read_latency, flash.queue_depth, flash.nand.dies) == (60_000_000, 64, 64)
    assert flash.write_energy is None
    write("run.yaml", "machine: {extends: h100-sxm, tiers: {flash: {part: pm9a3-8t}}}\ntrace: x.csv\n")
    assert [line.split("  ")[1] for line in lines(load, "run.yaml")] == [
        "machine.tiers.flash.read_latency", "machine.tiers.flash.write_latency"
    ]  # fmt: skip
    write("run.yaml", "machine: {extends: h100-sxm, links: {pcie: {part: pcie4-x16}}}\ntrace: x.csv\n")
    assert load("run.yaml").machine.links["pcie"].between == ("hbm", "dram")
    write("run.yaml", "machine: {extends: h100-sxm, tiers: {flash: {part: pm1743-15t}}}\ntrace: x.csv\n")
    assert load("run.yaml").machine.tiers["flash"].read_latency == 50_000_000


@pytest.mark.parametrize("effect", ["nand", "slc_cache", "sharpness", "queue_depth"])
def test_null_takes_a_figure_out_of_the_part(write, effect):
    write("run.yaml", f"machine: {{extends: rtx-4090, tiers: {{flash: {{{effect}: null}}}}}}\ntrace: x.csv\n")
    assert getattr(load("run.yaml").machine.tiers["flash"], effect) is None
    write("run.yaml", "machine: rtx-4090\ntrace: x.csv\n")
    assert getattr(load("run.yaml").machine.tiers["flash"], effect) is not None
    changed = load("run.yaml", [f"machine.tiers.flash.{effect}=null"])
    assert getattr(changed.machine.tiers["flash"], effect) is None
    assert (
        getattr(load("run.yaml").replace(f"machine.tiers.flash.{effect}", None).machine.tiers["flash"], effect) is None
    )


def test_null_in_a_group_gives_the_default(write):
    write("run.yaml", "machine: h100-sxm\ntrace: x.csv\n")
    turned = load(
        "run.yaml", ["machine.tiers.hbm.efficiency=null", "machine.tiers.dram.loaded_latency.mixed_rise=null"]
    )
    assert turned.machine.tiers["hbm"].efficiency == 1.0
    assert turned.machine.tiers["dram"].loaded_latency.mixed_rise == 0
    assert "no figure for `capacity`" in lines(load, "run.yaml", ["machine.tiers.hbm.capacity=null"])[0]


def test_a_scenario_is_changed_without_its_files(write, tmp_path):
    write("drive.yaml", DRIVE)
    write("run.yaml", SCENARIO % "drive.yaml")
    scenario = load("run.yaml")
    (tmp_path / "drive.yaml").unlink()
    assert scenario.replace("seed", 5).machine == scenario.machine


def test_an_override_may_name_a_part_of_a_file(write):
    write("drive.yaml", DRIVE)
    write("run.yaml", "machine: rtx-4090\ntrace: x.csv\n")
    assert load("run.yaml", ["machine.tiers.flash.part=drive.yaml"]).machine.tiers["flash"].capacity == 2 * 10**12


@pytest.mark.parametrize(
    ("text", "reference", "line"),
    [
        ("", "drive.yaml", "drive.yaml  is empty"),
        ("a: [\n", "drive.yaml", "drive.yaml:2  not YAML: "),
        (DRIVE, "lost.yaml", "run.yaml:4  machine.tiers.flash.part  no such file: lost.yaml"),
        (DRIVE, "drive.yaml#my-driv", "drive.yaml  has no part `my-driv`; did you mean `my-drive`?"),
        (DRIVE + "b: 5\n", "drive.yaml", "drive.yaml  holds 2 parts (my-drive, b); say which one, such as drive.yaml#"),
        ("b: 5\n", "drive.yaml", "drive.yaml:1  b  expected a part: `is`, `sources` and `figures`"),
        (changed("is: tier", "is: link"), "drive.yaml", "run.yaml:4  machine.tiers.flash.part  part `drive.yaml` is "),
        (changed("is: tier", "is: teir"), "drive.yaml", "drive.yaml:2  my-drive.is  `teir` is not one of tier, link, "),
        (changed("  is: tier\n", ""), "drive.yaml", "drive.yaml:1  my-drive.is  required key is missing: tier, link"),
        (changed("title", "titel"), "drive.yaml", "drive.yaml:3  my-drive.titel  unknown key; did you mean `title`?"),
        (changed("  figures:", "  figure:"), "drive.yaml", "drive.yaml:7  my-drive.figure  unknown key; did you mean"),
        (changed("60 us, guess", "60 us, gess"), "drive.yaml",
         "drive.yaml:12  my-drive.figures.read_latency  no source `gess`; did you mean `guess`?"),
        (changed("64, guess", "64, gess"), "drive.yaml", "drive.yaml:15  my-drive.figures.nand.dies  no source `gess`"),
        (changed("[60 us, guess]", "[60 us]"), "drive.yaml",
         "drive.yaml:12  my-drive.figures.read_latency  expected a value and the name of its source"),
        (changed("[60 us, guess]", "{value: 60 us}"), "drive.yaml",
         "drive.yaml:12  my-drive.figures.read_latency.source  required key is missing"),
        (changed("confidence: estimate", "confidence: sure"), "drive.yaml",
         "drive.yaml:6  my-drive.sources.guess.confidence  `sure` is not one of measured, simulated,"),
        (changed("    capacity: [2", "    capcity: [2"), "drive.yaml",
         "drive.yaml:9  machine.tiers.flash.capcity  unknown key; did you mean `capacity`?"),
        (changed("2 TB, sheet", "2 Tb, sheet"), "drive.yaml", "drive.yaml:9  machine.tiers.flash.capacity  unknown"),
        (changed("dies: [64", "dice: [64"), "drive.yaml",
         "drive.yaml:15  machine.tiers.flash.nand.dice  unknown key; did you mean `dies`?"),
    ],
)  # fmt: skip
def test_a_part_that_cannot_be_read(write, text, reference, line):
    write("drive.yaml", text)
    write("run.yaml", SCENARIO % reference)
    got = lines(load, "run.yaml")
    assert any(each.startswith(line) for each in got), got
    assert all(len(each) < 250 for each in got)


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("[64, sheet]", "[0, sheet]", "drive.yaml:14  machine.tiers.flash.queue_depth  expected at least 1, not `0`"),
        ("[60 us, guess]", "[-60 us, guess]", "drive.yaml:12  machine.tiers.flash.read_latency  `-60 us` is negative"),
        ("    queue", "    efficiency: [1.1, guess]\n    queue",
         "drive.yaml:14  machine.tiers.flash.efficiency  `1.1` is out of range; a share is at most 1"),
        ("over_provisioning: [0.07", "over_provisioning: [0",
         "drive.yaml:15  machine.tiers.flash.nand.over_provisioning  random writes need spare blocks: with 0"),
        ("dies: [64", "dies: [0", "drive.yaml:15  machine.tiers.flash.nand.dies  expected at least 1, not `0`"),
        ("bandwidth: [2 GB/s", "bandwidth: [20 GB/s",
         "drive.yaml:18  machine.tiers.flash.slc_cache.bandwidth  is more than `write_bandwidth`"),
        ("    queue", "    loaded_latency: {rise: [9 ns, guess], asymptote: [1, guess]}\n    queue",
         "drive.yaml:14  machine.tiers.flash.loaded_latency.asymptote  expected more than 1.0, not `1`"),
        ("    queue", "    duplex: full\n    turnaround: [0.3, guess]\n    queue",
         "drive.yaml:15  machine.tiers.flash.turnaround  directions of their own do not take turns"),
        ("    queue", "    media_bandwidth: [9 GB/s, guess]\n    queue",
         "drive.yaml:14  machine.tiers.flash.media_bandwidth  a half-duplex tier is one medium already"),
        ("    queue", "    turnaround: [0.3, guess]\n    sharpness: [3, guess]\n    queue",
         "drive.yaml:15  machine.tiers.flash.sharpness  stands beside `turnaround`"),
        ("    queue", "    turnaround: [-0.3, guess]\n    queue",
         "drive.yaml:14  machine.tiers.flash.turnaround  expected at least 0.0, not `-0.3`"),
        ("    queue", "    energy_basis: total\n    background_power: [3 W, guess]\n    queue",
         "drive.yaml:15  machine.tiers.flash.background_power  a total pJ/bit already includes it"),
    ],
)  # fmt: skip
def test_an_impossible_part(write, old, new, line):
    """One line with the part's file and line, in a scenario and in a machine's own file."""
    write("drive.yaml", changed(old, new))
    write("run.yaml", SCENARIO % "drive.yaml")
    got = lines(load, "run.yaml")
    assert len(got) == 1
    assert got[0].startswith(line)
    write("machine.yaml", OWN % "drive.yaml")
    assert lines(load_machine, "machine.yaml") == [got[0].replace("  machine.tiers", "  tiers")]


def test_what_the_machine_itself_got_wrong_is_in_its_file(write):
    write("drive.yaml", DRIVE)
    write("run.yaml", SCENARIO % "drive.yaml, queue_depth: 0")
    assert lines(load, "run.yaml") == [
        "run.yaml:4  machine.tiers.flash.queue_depth  expected at least 1, not `0`",
    ]


HOW = "give one, if need be as an estimate: {}: {{value: ..., source: ..., confidence: estimate}}"


def test_an_absent_figure_of_a_users_part(write):
    """It is shown where the figures of the part begin: there it is to be added."""
    write("drive.yaml", changed("    write_latency: [20 us, guess]\n", ""))
    write("machine.yaml", OWN % "drive.yaml")
    assert lines(load_machine, "machine.yaml") == [
        "drive.yaml:7  tiers.flash.write_latency  part `drive.yaml` has no figure for `write_latency`; "
        + HOW.format("write_latency")
    ]


def test_an_absent_figure_of_a_group(write):
    write("drive.yaml", changed("dies: [64, guess], ", ""))
    write("machine.yaml", OWN % "drive.yaml")
    assert lines(load_machine, "machine.yaml") == [
        "drive.yaml:15  tiers.flash.nand.dies  part `drive.yaml` has no figure for `nand.dies`; " + HOW.format("dies")
    ]


def test_absent_figures_of_the_catalogue(write):
    write("machine.yaml", OWN % "p5316-31t")
    lost = ("read_latency", "write_latency", "nand.dies", "nand.page", "nand.read")
    assert sorted(lines(load_machine, "machine.yaml")) == sorted(
        f"machine.yaml:{4 if 'part' in each else 3}  tiers.flash.{each}  part `p5316-31t` has no figure for `{each}`; "
        + HOW.format(each.rpartition(".")[2])
        for each in lost
    )


def test_absent_figures_given_as_estimates(write):
    estimate = "{value: 100 us, source: its class, confidence: estimate}"
    given = f"p5316-31t\n    read_latency: {estimate}\n    write_latency: {estimate}\n"
    given += f"    nand: {{dies: 256, page: 16 KiB, read: {estimate}}}"
    write("machine.yaml", OWN % given)
    machine = load_machine("machine.yaml")
    assert {"tiers.flash.read_latency", "tiers.flash.nand.read"} <= set(machine.estimates())
    assert machine.tiers["flash"].nand.unit == 65536


def test_a_figure_absent_without_a_part_is_a_missing_key(write):
    write("machine.yaml", OWN.replace("part: %s", "kind: flash"))
    assert lines(load_machine, "machine.yaml")[0] == "machine.yaml:3  tiers.flash.capacity  required key is missing"
