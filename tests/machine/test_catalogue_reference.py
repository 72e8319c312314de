"""The catalogue against the reference table of devices: the same parts, the same figures, no more trust than it has."""

import csv
import re
from pathlib import Path

import pytest
import yaml

from hiersim import units
from hiersim.machine import catalogue
from hiersim.machine.catalogue import find_machine

TABLE = Path(__file__).parents[3] / "shared" / "reference" / "devices.csv"
PARTS = Path(catalogue.__file__).parent / "parts"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())) if TABLE.exists() else []

pytestmark = pytest.mark.skipif(not ROWS, reason="the reference table ../shared/reference/devices.csv is not here")

ENTRIES = {
    name: entry
    for path in sorted(PARTS.glob("*.yaml"))
    if path.stem not in ("lanes", "units", "fitted")  # derived from the table's links or from curves, not in the table
    for name, entry in yaml.safe_load(path.read_text(encoding="utf-8")).items()
}
BY_TITLE = {entry["title"]: name for name, entry in ENTRIES.items()}

PLACES = {  # column: where its figure may stand, the first that is there counts; and its dimension
    "capacity_bytes": (["capacity"], "bytes"),
    "read_bw_bytes_per_s": (["read_bandwidth", "backward_bandwidth", "bandwidth"], "bytes/s"),
    "write_bw_bytes_per_s": (["write_bandwidth", "bandwidth"], "bytes/s"),
    "read_latency_s_idle": (["read_latency", "latency", "overhead"], "time"),
    "read_latency_s_loaded": (["loaded_read_latency"], "time"),
    "write_latency_s": (["write_latency"], "time"),
    "access_granularity_bytes": (["nand.unit", "measured_size", "packets.max_payload", "granularity"], "bytes"),
    "energy_read_pj_per_bit": (["total_energy", "read_energy", "energy"], "energy/bit"),
    "energy_write_pj_per_bit": (["total_energy", "write_energy", "energy"], "energy/bit"),
    "idle_power_w": (["idle_power", "leakage", "background_power"], "power"),
    "max_power_w": (["max_power"], "power"),
    "queue_depth": (["queue_depth", "engines"], "count"),
    "iops_4k_rand_read": (["read_ops", "reached_read_ops"], "ops/s"),
    "iops_4k_rand_write": (["write_ops"], "ops/s"),
    "endurance": (["endurance", "drive_writes_per_day"], "bytes"),
    "measured_efficiency": (["efficiency"], "share"),
}
BASE = {"time": 1e12}  # the table's seconds are picoseconds here

FROM_THE_TEXT = {  # figures that the row has in words: where, and the words
    ("cxl2-x8-expander-96g", "write_bandwidth"): "1:1 27.2 GB/s",
    ("ddr5-4800-8ch", "write_bandwidth"): "peak 307.2",
    ("pcie3-x16", "bandwidth"): "15.75 raw",
    ("pcie4-x16", "bandwidth"): "31.5 raw",
    ("pcie5-x16", "bandwidth"): "63.0 raw",
    ("pcie3-x16", "overhead"): "~10 us",
    ("pcie4-x16", "overhead"): "~10 us",
    ("pcie5-x16", "overhead"): "~10 us",
    ("cxl2-x8", "latency"): "CXL.mem",  # 0: it is in the latency of the memory behind it
    ("efa-16x200g", "ops"): "1.48e6 slices/s",
    ("980-pro-1t", "slc_cache.capacity"): "42 GB SLC cache",
    ("980-pro-1t", "slc_cache.bandwidth"): "2.0 GB/s",
}


FITTED = {"turnaround", "sharpness", "media_bandwidth", "loaded_latency", "activation", "nand", "packets"}
"""What is fitted to the curves beside the table (test_catalogue_fits) or an estimate of a class."""


def flat(figures):
    """Yield the dotted paths of an entry's figures, those of its groups included."""
    for field, figure in figures.items():
        yield from (f"{field}.{path}" for path in flat(figure)) if isinstance(figure, dict) else [field]


def stated(entry, place):
    """Return a figure's text and its provenance, or nothing."""
    group, _, field = place.rpartition(".")
    figures = entry["figures"].get(group, {}) if group else entry["figures"]
    figure = figures.get(field) or entry.get("further", {}).get(place)
    return (figure[0], entry["sources"][figure[1]]) if isinstance(figure, list) else None


def place_of(entry, column):
    """Return where a column's figure stands in an entry, or nothing."""
    return next((place for place in PLACES[column][0] if stated(entry, place)), None)


def number(entry, place, dimension):
    return units.parse(str(stated(entry, place)[0]), dimension)


def packed(entry, header):
    """Return what the packets of a link leave of its rate, in bytes/s."""
    payload = number(entry, "packets.max_payload", "bytes")
    share = stated(entry, "efficiency")[0] * payload / (payload + number(entry, f"packets.{header}", "bytes"))
    return number(entry, "bandwidth", "bytes/s") * share


def under_load(load, idle="read_latency"):
    def latency(entry):
        rho = load / stated(entry, "loaded_latency.asymptote")[0]
        grown = number(entry, "loaded_latency.rise", "time") * rho / (1 - rho)
        return (number(entry, idle, "time") + grown) / 1e12

    return latency


def one_read(entry):
    """Return the seconds of 4 KiB from an idle drive, of which `read_latency` is what the transfer leaves."""
    return number(entry, "read_latency", "time") / 1e12 + 4096 / number(entry, "read_bandwidth", "bytes/s")


def sixteen_reads(entry):
    waits = 15 * number(entry, "nand.read", "time") / stated(entry, "nand.dies")[0]
    return (number(entry, "read_latency", "time") + waits) / 1e12


PCIE = ("pcie3-x16", "pcie4-x16", "pcie5-x16")
FOLLOWS = {  # figures of the table that follow from several of an entry, and how closely
    **{(name, "read_bw_bytes_per_s"): (lambda e: packed(e, "completion_header"), 1e-3) for name in PCIE},
    **{(name, "write_bw_bytes_per_s"): (lambda e: packed(e, "write_header"), 1e-3) for name in PCIE},
    ("ddr5-4800-8ch", "read_latency_s_loaded"): (under_load(0.9), 0.05),
    ("a64fx-hbm2", "read_latency_s_loaded"): (under_load(834 / 942.6), 0.05),
    ("cxl2-x8-mess", "read_latency_s_loaded"): (under_load(29.076 / 29.5, "latency"), 0.1),
    ("p4800x-375g", "read_latency_s_idle"): (one_read, 1e-3),
    ("p3700-800g", "read_latency_s_loaded"): (sixteen_reads, 1e-3),
}
CONTRADICTED = {  # the row's 365 and 313 GB/s are not those of its own curve: reads end at 300, writes at 360
    ("efa-16x200g", "read_bw_bytes_per_s"),
    ("efa-16x200g", "write_bw_bytes_per_s"),
}


def endurance(row):
    """Return the bytes of `600 TBW`, `4.84 PBW / 0.65 DWPD` or, over five years, `1 DWPD`."""
    number, unit = re.match(r"([\d.]+) (\w+)", row["endurance"]).groups()
    return float(number) * {"TBW": 1e12, "PBW": 1e15, "DWPD": 5 * 365 * float(row["capacity_bytes"])}[unit]


def test_the_parts_are_the_rows_of_the_table():
    assert len(ROWS) == 84
    assert sorted(BY_TITLE) == sorted(row["name"] for row in ROWS)
    assert len(ENTRIES) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: BY_TITLE.get(row["name"], row["name"]))
class TestRow:
    def test_every_figure_is_the_tables(self, row):
        name = BY_TITLE[row["name"]]
        entry = ENTRIES[name]
        for column, (_, dimension) in PLACES.items():
            if not row[column] or column in ("measured_efficiency", "endurance") or (name, column) in CONTRADICTED:
                continue
            if (name, column) in FOLLOWS:
                derive, tolerance = FOLLOWS[name, column]
                assert derive(entry) == pytest.approx(float(row[column]), rel=tolerance), column
                continue
            place = place_of(entry, column)
            assert place, f"{name} has no {column}"
            value = units.parse(str(stated(entry, place)[0]), dimension) / BASE.get(dimension, 1)
            if (
                name == "ddr5-4800-8ch" and column == "read_bw_bytes_per_s"
            ):  # the table has what was reached of the peak
                value *= entry["figures"]["efficiency"][0]
                assert value == pytest.approx(float(row[column]), rel=2e-4)
            else:
                assert value == pytest.approx(float(row[column]), rel=1e-9), column

    def test_endurance_and_efficiency_are_the_tables(self, row):
        name = BY_TITLE[row["name"]]
        entry = ENTRIES[name]
        if stated(entry, "endurance"):
            assert units.parse(stated(entry, "endurance")[0], "bytes") == pytest.approx(endurance(row), rel=1e-6)
        elif row["endurance"]:
            assert f"{stated(entry, 'drive_writes_per_day')[0]} DWPD" == row["endurance"]
        if stated(entry, "efficiency") and name not in ("ddr5-5600-1ch", *PCIE):  # whose row says `as DDR5-4800`
            assert stated(entry, "efficiency")[0] == float(re.search(r"0\.\d+", row["measured_efficiency"])[0])

    def test_absent_figures_stay_absent(self, row):
        name = BY_TITLE[row["name"]]
        entry = ENTRIES[name]
        claimed = {place_of(entry, column) for column in PLACES if row[column]}
        if len([p for p in ("read_energy", "write_energy") if p in entry["figures"]]) and "total_energy" in claimed:
            claimed |= {"read_energy", "write_energy", "background_power"}  # the total, split in two
        for place in [*flat(entry["figures"]), *entry.get("further", {})]:
            figure = stated(entry, place)
            if figure is None or place in claimed or place.partition(".")[0] in FITTED:
                continue
            if name in PCIE and place == "efficiency":
                continue
            if place == "write_latency" and row["kind"] not in ("nvme", "ufs", "hbf", "link"):
                assert figure[1]["confidence"] == "estimate"
                assert figure[0] == stated(entry, "read_latency")[0]
                continue
            words = FROM_THE_TEXT.get((name, place))
            assert words, f"{name}.{place} is not in the table"
            assert words in " ".join(row.values())

    def test_what_is_not_verified_is_an_estimate(self, row):
        entry = ENTRIES[BY_TITLE[row["name"]]]
        columns = set(row["unverified_fields"].split(",")) & set(PLACES)
        if row["unverified_fields"] == "all numeric fields":
            columns = {column for column in PLACES if row[column] and column != "measured_efficiency"}
        for column in columns:
            _, origin = stated(entry, place_of(entry, column))
            assert origin["confidence"] == "estimate", column
            assert "recalled, unverified" in origin["source"], column

    def test_confidence_is_that_of_the_table(self, row):
        words = {
            "measured": "measured", "simulated": "simulated", "model": "simulated", "manufacturer": "simulated",
            "datasheet": "datasheet", "vendor": "vendor", "estimate": "estimate", "recalled": "estimate",
            "other": "estimate", "derived": "estimate",
        }  # fmt: skip
        expected = words[re.match(r"[a-z]+", row["confidence"])[0]]
        found = {origin["confidence"] for origin in ENTRIES[BY_TITLE[row["name"]]]["sources"].values()}
        assert expected in found or "read_bw_bytes_per_s" in row["unverified_fields"]
        assert "measured" not in found or "measured" in row["confidence"]
        if expected == "estimate" and "only" not in row["confidence"]:
            assert found <= {"estimate", "simulated"}


def split(row):
    """Return the dynamic pJ/bit and the background watts per channel of DDR4 or DDR5."""
    return (11, 1.8) if "DDR4" in row["name"] or "Agilex" in row["name"] else (9, 1.5)


CHANNELS = {"ddr4-2933-12ch": 12, "ddr4-3200-8ch": 8, "ddr5-2ch": 2, "ddr5-4800-8ch": 8, "ddr5-5600-12ch": 12}


@pytest.mark.parametrize("row", [r for r in ROWS if r["kind"] in ("ddr", "cxl") and r["energy_read_pj_per_bit"]],
                         ids=lambda row: BY_TITLE.get(row["name"], row["name"]))  # fmt: skip
def test_the_energy_of_dram_is_split(row):
    name = BY_TITLE[row["name"]]
    figures = ENTRIES[name]["figures"]
    dynamic, background = split(row)
    for key in ("read_energy", "write_energy"):
        assert units.parse(figures[key][0], "energy/bit") == dynamic
    assert figures["energy_basis"] == "dynamic"
    if name != "cmm-d-2-0":  # whose channels are not known
        channels = CHANNELS.get(name, 2 if name == "cxl-b-micro23" else 1)
        assert units.parse(figures["background_power"][0], "power") == pytest.approx(background * channels)


@pytest.mark.parametrize(
    ("machine", "part", "in_flight"),
    [  # bytes that must be in flight: latency x reached bandwidth
        ("h100-sxm", "tiers.hbm", 1.2e6),
        ("h100-sxm", "tiers.dram", 28e3),
        ("h100-sxm-cxl", "tiers.cxl", 4.5e3),
        ("rtx-4090", "tiers.flash", 310e3),
        ("h100-sxm", "tiers.flash", 650e3),
    ],
)
def test_bandwidth_delay_products_of_machines(machine, part, in_flight):
    tier = find_machine(machine).parts()[part]
    product = tier.read_latency * 1e-12 * tier.read_bandwidth * tier.efficiency
    assert product == pytest.approx(in_flight, rel=0.1)


@pytest.mark.parametrize(
    ("name", "times", "rate", "in_flight"),
    [
        ("pcie5-x16", ["latency"], lambda entry: packed(entry, "completion_header"), 53e3),
        ("pcie5-x16", ["latency", "overhead"], lambda entry: packed(entry, "completion_header"), 580e3),
        ("p4800x-375g", ["read_latency"], lambda entry: number(entry, "read_bandwidth", "bytes/s"), 17e3),
    ],
)
def test_bandwidth_delay_products_of_parts(name, times, rate, in_flight):
    """Of the P4800X 21 KB with the 4 KiB that its measured 8.9 us hold, 17 KB without."""
    delay = sum(number(ENTRIES[name], time, "time") for time in times) * 1e-12
    assert delay * rate(ENTRIES[name]) == pytest.approx(in_flight, rel=0.1)


def test_a_network_with_an_operation_cap_needs_its_rate_over_the_cap():
    figures = ENTRIES["efa-16x200g"]["figures"]
    rate = units.parse(figures["bandwidth"][0], "bytes/s")
    assert rate / units.parse(figures["ops"][0], "ops/s") == pytest.approx(243e3, rel=0.1)
