"""``hiersim devices``: what is printed, written and refused."""

import csv
import io
import json

import pytest

from hiersim.machine.catalogue import machine_names, part_names

MINE = """\
name: mine
summary: a machine of my own
tiers:
  near: {part: h100-hbm3}
  far: {part: ddr5-4800-8ch}
links:
  wire: {part: pcie5-x16, between: [near, far]}
units:
  gpu0: {part: h100-sxm-gpu, tier: near}
"""


def lines(text):
    return text.splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_fits(cli, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    code, out, err = cli("devices")
    assert (code, err) == (0, "")
    assert max(map(len, lines(out))) <= width
    assert [name for name in (*machine_names(), *part_names()) if name not in out] == []
    assert "…" not in "".join(line for line in lines(out) if width == 80)
    assert ("PCIe 5.0 x16" in out) == (width == 120)
    assert lines(out)[-1].startswith(f"{len(machine_names())} machines, {len(part_names())} parts")


def test_the_list_is_grouped_by_kind(cli):
    out = cli("devices", "--kind", "ddr,hbm")[1]
    first = [line.split()[0] for line in lines(out) if line.strip()]
    assert first.index("hbm") < first.index("h100-hbm3") < first.index("ddr") < first.index("ddr5-4800-8ch")
    assert "pcie5-x16" not in first


def test_a_sorted_list_names_the_kinds(cli):
    found = [line.split() for line in lines(cli("devices", "--kind", "flash,cxl", "--sort", "capacity")[1])]
    assert found[0][:3] == ["tier", "kind", "capacity"]
    assert {row[1] for row in found[1:] if len(row) > 5} >= {"cxl", "flash"}
    assert found[1][0] == "p5316-31t"


def test_nothing_matches(cli):
    assert cli("devices", "--match", "abacus") == (0, "nothing in the catalogue matches\n", "")
    assert json.loads(cli("devices", "--match", "abacus", "--json", "-")[1]) == {"machines": [], "parts": []}


def test_the_list_for_programs(cli, tmp_path):
    listed = json.loads(cli("devices", "--match", "samsung", "--json", "-")[1])["parts"]
    rows = list(csv.DictReader(io.StringIO(cli("devices", "--match", "samsung", "--csv", "-")[1])))
    assert [row["name"] for row in rows] == [part["name"] for part in listed]
    assert "980-pro-1t" in {row["name"] for row in rows}
    for row, part in zip(rows, listed, strict=True):
        assert {key for key, value in row.items() if value} == set(part)
    assert float(next(row for row in rows if row["name"] == "980-pro-1t")["read_bandwidth_bytes_per_s"]) == 7e9
    code, out, err = cli("devices", "--csv", "list.csv")
    assert (code, err) == (0, "")
    assert "980-pro-1t" in out
    assert (tmp_path / "list.csv").read_text().startswith("name,sort,kind,title,capacity_bytes,")


@pytest.mark.parametrize("name", [*machine_names(), *part_names()])
def test_every_device_is_explained(cli, monkeypatch, name):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = cli("devices", name)
    assert (code, err) == (0, "")
    assert max(map(len, lines(out))) <= 80
    document = json.loads(cli("devices", name, "--json", "-")[1])
    shown = " ".join(out.split())
    for row in document["figures"]:
        assert row["value"] in shown
        assert bool(row["source"]) == bool(row["confidence"])
    assert out.count("[1]") >= 2  # named beside a figure, and told below


def test_a_part_is_explained(cli):
    out = " ".join(cli("devices", "980-pro-1t")[1].split())
    assert "half-performance size n1/2 315 kB 83.5 kB" in out
    assert "operations break-even size 7 kB 5 kB effective bandwidth / operation rate" in out
    assert "read 4 KiB 78 32 89.9 MB/s 2.88 GB/s" in out
    assert "energy of 1 GB ~1.27 J" in out
    assert "~ rests on an estimate" in out


def test_what_is_not_known_is_said(cli):
    out = " ".join(cli("devices", "cxl-a-micro23")[1].split())
    assert "not known capacity, write bandwidth, read latency, write latency; a run needs them" in out
    document = json.loads(cli("devices", "cxl-a-micro23", "--json", "-")[1])
    assert document["required_but_absent"] == ["capacity", "write_bandwidth", "read_latency", "write_latency"]


def test_numbers_for_programs_say_what_they_rest_on(cli):
    document = json.loads(cli("devices", "pcie5-x16", "--json", "-")[1])
    found = {number["key"]: number for number in document["derived"]}
    size = found["backward_half_performance_size"]
    assert size["value"] == pytest.approx(580e3, rel=0.01)
    assert (size["unit"], size["estimates"]) == ("B", ["latency", "overhead"])
    assert found["both_ways_bandwidth"]["value"] == pytest.approx(49.8e9, rel=0.01)
    assert [each["in_flight"] for each in document["requests"] if each["side"] == "backward"] == [143, 10, 2]


def test_a_machine_is_explained(cli):
    code, out, err = cli("devices", "h100-sxm-cxl")
    document = json.loads(cli("devices", "h100-sxm-cxl", "--json", "-")[1])
    assert (code, err) == (0, "")
    assert "└── hbm" in out
    assert f"rests on {len(document['estimates'])} estimates" in out
    flash = next(each for each in document["routes"] if (each["tier"], each["direction"]) == ("flash", "read"))
    assert flash["links"] == ["pcie", "nvme"]
    assert flash["in_flight_bytes"] == pytest.approx(flash["latency_ps"] / 1e12 * flash["bandwidth_bytes_per_s"])


def test_a_machine_of_ones_own(cli, tmp_path):
    (tmp_path / "mine.yaml").write_text(MINE)
    code, out, err = cli("devices", "mine.yaml")
    assert (code, err) == (0, "")
    assert lines(out)[:2] == ["mine  machine", "a machine of my own"]
    (tmp_path / "mine.yaml").write_text(MINE.replace("h100-hbm3", "h100-hbm4"))
    code, out, err = cli("devices", "./mine.yaml")
    assert (code, out) == (2, "")
    assert "mine.yaml:4" in err
    assert "did you mean `h100-hbm3`?" in err


PART = """\
is: tier
title: a drive of my own
sources:
  bench: {confidence: measured, source: "my own benchmark"}
figures:
  kind: flash
  capacity: [2 TB, bench]
  read_bandwidth: [6 GB/s, bench]
  read_latency: [50 us, bench]
  nand:
    dies: [128, bench]
    page: [16 KiB, bench]
    read: [45 us, bench]
"""


def test_a_part_of_ones_own(cli, tmp_path):
    (tmp_path / "drive.yaml").write_text(PART)
    code, out, err = cli("devices", "./drive.yaml")
    assert (code, err) == (0, "")
    assert lines(out)[:2] == ["drive  tier, flash", "a drive of my own"]
    shown = " ".join(out.split())
    assert "nand.dies 128 measured [1]" in shown
    assert "half-performance size n1/2 300 kB" in shown
    assert "not known write bandwidth, write latency" in shown
    assert "[1] my own benchmark" in shown
    assert "p4500-4t" in cli("devices", "compare", "drive.yaml", "p4500-4t")[1]


def test_one_part_of_several(cli, tmp_path):
    entry = "".join(f"  {line}\n" for line in PART.splitlines())
    (tmp_path / "parts.yaml").write_text(f"one:\n{entry}two:\n{entry.replace('6 GB/s', '9 GB/s')}")
    assert "9 GB/s" in cli("devices", "parts.yaml#two")[1]
    code, out, err = cli("devices", "parts.yaml")
    assert (code, out) == (2, "")
    assert "holds 2 parts (one, two); say which one, such as parts.yaml#one" in err


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ("6 GB/s", "6 GB", "drive.yaml:8  read_bandwidth  `6 GB` is a size; expected a bandwidth"),
        ("dies:", "dice:", "drive.yaml:11  nand.dice  unknown key; did you mean `dies`?"),
        ("[128, bench]", "[0, bench]", "drive.yaml:11  nand.dies  expected at least 1, not `0`"),
    ],
)
def test_a_part_of_ones_own_that_is_wrong(cli, tmp_path, right, wrong, line):
    (tmp_path / "drive.yaml").write_text(PART.replace(right, wrong))
    code, out, err = cli("devices", "drive.yaml")
    assert (code, out) == (2, "")
    assert lines(err)[0].startswith(line)
    assert lines(err)[1:] == ["1 mistake, nothing was done."]


def test_a_scenario_stands_for_its_machine(cli, tmp_path):
    (tmp_path / "s.yaml").write_text("machine: rtx-4090\ntrace: {generate: {kind: zipf}}\n")
    assert lines(cli("devices", "s.yaml")[1])[0] == "rtx-4090  machine"


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_machine_is_drawn(cli, tmp_path, ending):
    for name in ("a", "b"):
        code, out, err = cli("devices", "rtx-4090", "--draw", f"{name}.{ending}")
        assert (code, out, err) == (0, "", f"wrote {name}.{ending}\n")
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in "ab")
    assert first == second
    assert first[:8] == b"\x89PNG\r\n\x1a\n" if ending == "png" else b"<svg" in first
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{ending}", f"b.{ending}"]


def test_parts_are_compared(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = cli("devices", "compare", "980-pro-1t", "p4500-4t")
    assert (code, err) == (0, "")
    assert max(map(len, lines(out))) <= 80
    rows = {line.split("  ")[0]: line for line in lines(out)}
    assert rows["read bandwidth"].split()[2:] == ["7", "GB/s", "*", "3.2", "GB/s", "x0.457"]
    assert rows["slc cache.capacity"].split()[2:] == ["42", "GB", "-"]
    document = json.loads(cli("devices", "compare", "980-pro-1t", "p4500-4t", "--json", "-")[1])
    row = next(row for row in document["rows"] if row["figure"] == "slc_cache.capacity")
    assert row["values"] == {"980-pro-1t": 42e9, "p4500-4t": None}
    assert row["better"] == []


def test_machines_are_compared(cli):
    code, out, err = cli("devices", "compare", "gh200", "h100-sxm", "phone-ufs")
    assert (code, err) == (0, "")
    row = next(line for line in lines(out) if line.startswith("near tier, read bandwidth"))
    assert row.split()[4:7] == ["3.6", "TB/s", "*"]
    row = next(line for line in lines(out) if line.startswith("dram, capacity"))
    assert row.split()[2] == "-"


MISTAKES = {
    "unknown": (
        ["980-pro-1tb"],
        "no machine or part `980-pro-1tb`; did you mean `980-pro-1t`? (hiersim devices lists them)",
    ),
    "no file": (["./nowhere.yaml"], "./nowhere.yaml  no such file"),
    "kind": (["--kind", "hbm,flsh"], "--kind  no kind `flsh`; did you mean `flash`?"),
    "order": (["--sort", "speed"], "--sort  no order `speed`"),
    "filter a part": (["980-pro-1t", "--kind", "hbm"], "--kind  is for lists; leave out `980-pro-1t`"),
    "draw all": (["--draw", "x.svg"], "--draw  needs the name of a machine"),
    "draw a part": (["980-pro-1t", "--draw", "x.svg"], "--draw  draws machines; `980-pro-1t` is a tier"),
    "draw what": (["rtx-4090", "--draw", "x.pdf"], "--draw  `x.pdf` ends in neither .svg nor .png"),
    "both": (["--json", "-", "--csv", "-"], "--csv  standard output is taken by --json"),
    "compare one": (["compare", "980-pro-1t"], "a comparison needs two names or more"),
    "compare sorts": (["compare", "980-pro-1t", "pcie5-x16"], "only parts of one sort, or machines, compare"),
    "compare unknown": (["compare", "980-pro-1t", "980-pr"], "no machine or part `980-pr`; did you mean `980-pro-1t`?"),
}


@pytest.mark.parametrize(("arguments", "line"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_one_line(cli, tmp_path, arguments, line):
    code, out, err = cli("devices", *arguments)
    assert (code, out) == (2, "")
    assert err.startswith(line)
    assert lines(err)[1:] == ["1 mistake, nothing was done."]
    assert list(tmp_path.iterdir()) == []


def test_help_has_the_options_and_the_commands(cli):
    code, out, err = cli("devices", "--help")
    assert (code, err) == (0, "")
    assert "Usage: hiersim devices [OPTIONS] [NAME]" in out
    assert "--kind" in out
    assert "compare" in out
    assert cli("devices", "rtx-4090", "--help")[1].startswith("Usage: hiersim devices show [OPTIONS] [NAME]")
