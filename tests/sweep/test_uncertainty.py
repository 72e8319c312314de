"""Draws stay in their ranges and repeat; intervals hold the truth at the rate that they state."""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hiersim as hs
from hiersim import sweep
from hiersim.cli.main import execute
from hiersim.config import Scenario
from hiersim.config.load import load_machine, replaced
from hiersim.errors import ConfigError
from hiersim.machine.catalogue import find_part, machine_names, part_names
from hiersim.report.json import to_json
from hiersim.report.numbers import numbers
from hiersim.sweep.doubt import CLASSES
from hiersim.sweep.draws import drawn, share
from hiersim.sweep.figures import Uncertain, uncertain
from hiersim.sweep.files import Options, single
from hiersim.sweep.intervals import covered, intervals, rank
from hiersim.sweep.uncertainty import draw_machines
from hiersim.units import parse

MACHINE = """\
machine:
  extends: rtx-4090
  tiers:
    dram:
      read_latency: {value: 100 ns, source: a log, confidence: measured, range: [90 ns, 150 ns]}
trace: {generate: {kind: zipf, params: {accesses: 60, objects: 20, size: 64 KiB}}}
tiers:
  gddr: {capacity: 512 KiB}
  dram: {capacity: 4 MiB}
"""


@pytest.fixture
def scenario(folder):
    (folder / "m.yaml").write_text(MACHINE)
    return hs.load("m.yaml").scenario


def value_at(scenario, path):
    node = scenario.machine.model_dump()
    for step in path.split("."):
        node = node[step]
    return node


def test_the_rate_of_an_interval_is_exact():
    assert [(rank(n), round(covered(n), 4)) for n in (3, 10, 19, 38, 39, 99, 199)] == [
        (1, 0.5), (1, 0.8182), (1, 0.9), (1, 0.9487), (2, 0.9), (5, 0.9), (10, 0.9),
    ]  # fmt: skip
    rng = np.random.default_rng(1)
    for draws in (5, 19, 40):
        held = 0
        for row in rng.lognormal(size=(4000, draws + 1)):
            low, high = intervals([{"x": float(value)} for value in row[1:]])["x"]
            held += low <= row[0] <= high
        assert held / 4000 == pytest.approx(covered(draws), abs=4 * math.sqrt(0.25 / 4000))


def test_what_is_missing_of_a_sum_is_nothing():
    rows = [{"units.g.stalls.cxl read": 5, "a": 1, "b": 2}, {"a": 3, "b": 1}, {"a": 2}]
    assert intervals(rows) == {"units.g.stalls.cxl read": (0, 5), "a": (1, 3)}


@given(st.floats(0.01, 100), st.floats(0, 1), st.floats(1, 10), st.floats(0, 1), st.floats(0, 1))
def test_half_of_the_chances_lie_on_either_side(value, down, up, first, second):
    figure = Uncertain("x", value, value * down, value * up, "", "estimate", True, "")
    assert figure.at(0.5) == pytest.approx(value)
    assert figure.at(0) == pytest.approx(figure.low)
    assert figure.at(1) == pytest.approx(figure.high)
    low, high = sorted((first, second))
    assert figure.at(low) <= figure.at(high) * (1 + 1e-12)
    if down > 0:  # within a side every factor is as likely as any other
        assert math.log(figure.at(0.25)) == pytest.approx((math.log(figure.low) + math.log(value)) / 2)


def test_every_figure_with_a_source_is_drawn_or_is_a_size(scenario):
    figures = {figure.path: figure for figure in uncertain(scenario)}
    sizes = ("capacity", "granularity", "page", "max_payload", "header", "read_request", "endurance", "row", "visit")
    others = ("sharpness", "activation.banks")  # choices of a model, and what somebody has counted
    shapes = ("rows", "depth", "block", "lanes", "passes", "reuse")  # of kernels' curves, fitted together
    for path, part in scenario.machine.parts().items():
        for field, origin in part.origins().items():
            if not field.endswith((*sizes, *others, *shapes)) and value_at(scenario, f"{path}.{field}"):
                found = [figure for figure in figures.values() if f"{figure.path}.".startswith(f"{path}.{field}.")]
                assert found or field in ("queue_depth", "engines", "nand.dies"), (path, field)
                for figure in found:
                    assert figure.low < figure.value < figure.high or figure.dimension == "share"
                    assert figure.confidence == origin.confidence
    read = figures["tiers.dram.read_latency"]
    assert (read.low, read.value, read.high, read.stated) == (90_000, 100_000, 150_000, True)
    assert sum(figure.stated for figure in figures.values()) > 1  # the catalogue states some
    bandwidth = figures["links.pcie.bandwidth"]
    assert bandwidth.high / bandwidth.value == pytest.approx(CLASSES[bandwidth.confidence].rate)


def test_a_draw_stays_in_the_ranges_and_repeats(scenario):
    figures = uncertain(scenario)
    seen = {figure.path: [] for figure in figures}
    for number in range(30):
        machine = drawn(scenario, number)
        assert drawn(scenario, number) == machine
        for figure in figures:
            value = value_at(machine, figure.path)
            seen[figure.path].append(value)
            assert math.floor(figure.low) <= value <= math.ceil(figure.high) or figure.low <= value <= figure.high
    for figure in figures:
        below = sum(value < figure.value for value in seen[figure.path])
        assert 5 <= below <= 25, figure.path  # binomial, 30 draws at 1/2: 4 in 100,000 lie outside
        assert len(set(seen[figure.path])) > 10 or figure.high - figure.low < 30


def test_figures_of_one_source_move_together_and_others_apart(scenario):
    groups = {}
    for figure in uncertain(scenario):
        groups.setdefault(figure.group, []).append(figure)
    together = [group for group in groups.values() if len(group) > 1]
    assert {"tiers.gddr.read_bandwidth", "tiers.gddr.write_bandwidth"} in [
        {f.path for f in group} for group in together
    ]
    rows = np.array([[share(7, number, group) for group in groups] for number in range(400)])
    assert np.abs(np.corrcoef(rows.T) - np.eye(len(groups))).max() < 0.25  # 5 sigma is 0.25
    machine = drawn(scenario, 3)
    for group in together:
        if all(figure.dimension not in ("time", "share") for figure in group):
            factors = [value_at(machine, figure.path) / figure.value for figure in group]
            assert factors == pytest.approx([factors[0]] * len(group))


def test_a_draw_is_the_same_where_something_else_is_changed(scenario):
    other = scenario.replace("machine.links.pcie.bandwidth", "10 GB/s").replace("tiers.gddr.policy", "fifo")
    one, two = drawn(scenario, 5), drawn(other, 5)
    assert value_at(one, "tiers.gddr.read_latency") == value_at(two, "tiers.gddr.read_latency")
    times = [value_at(each, "links.pcie.bandwidth") for each in (one, two)]
    assert times[0] / value_at(scenario, "links.pcie.bandwidth") == pytest.approx(times[1] / 10e9)


def test_all_machines_of_the_catalogue_can_be_drawn():
    trace = {"generate": {"kind": "zipf", "params": {"accesses": 1}}}
    for name in machine_names():
        machine = load_machine(name)
        replay = {"dtype": next(iter(next(iter(machine.units.values())).flops))}
        scenario = Scenario.model_validate({"machine": machine, "trace": trace, "replay": replay})
        for number in range(3):
            assert drawn(scenario, number).machine != scenario.machine


IMPOSSIBLE = """\
machine:
  extends: rtx-4090
  tiers:
    flash:
      write_bandwidth: {value: 5 GB/s, source: w, confidence: estimate, range: [4 GB/s, 6 GB/s]}
      slc_cache:
        capacity: 9 GB
        bandwidth: {value: 4.9 GB/s, source: c, confidence: estimate, range: [4 GB/s, 6 GB/s]}
trace: {generate: {kind: zipf, params: {accesses: 9}}}
"""


def test_an_impossible_part_is_drawn_again(folder):
    """A drive is not slower while its cache has room, though the two ranges would allow it."""
    (folder / "m.yaml").write_text(IMPOSSIBLE)
    scenario = hs.load("m.yaml").scenario
    write, cached = (
        next(figure for figure in uncertain(scenario) if figure.path == f"tiers.flash.{path}")
        for path in ("write_bandwidth", "slc_cache.bandwidth")
    )
    first = [cached.at(share(0, n, cached.group)) > write.at(share(0, n, write.group)) for n in range(20)]
    assert 3 < sum(first) < 17
    for number in range(20):
        flash = drawn(scenario, number).machine.tiers["flash"]
        assert flash.slc_cache.bandwidth <= flash.write_bandwidth
        again = flash.write_bandwidth != write.at(share(0, number, write.group))
        assert again == first[number]


def test_a_part_that_can_hardly_be_is_given_up(folder, monkeypatch):
    from hiersim.sweep import draws

    (folder / "m.yaml").write_text(IMPOSSIBLE)
    monkeypatch.setattr(draws, "_possible", lambda part, path, values: path != "tiers.flash")
    with pytest.raises(ConfigError, match=r"machine.tiers.flash: 100 draws .* are all impossible"):
        drawn(hs.load("m.yaml").scenario, 0)


def test_the_estimates_default_is_that_of_the_catalogue():
    """9 of 10 latencies that are no estimates lie within the factor of the median of their kind."""
    found = {}
    for name in part_names("tier"):
        figures = find_part(name)["figures"]
        if figures["kind"] in ("sram", "l2") or "optane" in name or name.startswith("p4800x"):
            continue  # of every size; and flash without its latency
        groups = [("", figures), *((f"{key}.", each) for key, each in figures.items() if isinstance(each, dict))]
        for prefix, group in groups:
            for key, figure in group.items():
                timed = "latency" in key or (prefix, key) in (("nand.", "read"), ("loaded_latency.", "rise"))
                if timed and isinstance(figure, dict) and figure.get("confidence", "estimate") != "estimate":
                    found.setdefault((figures["kind"], prefix + key), []).append(parse(str(figure["value"]), "time"))
    ratios = [value / np.median(each) for each in found.values() if len(each) >= 3 for value in each if np.median(each)]
    factors = np.exp(np.abs(np.log([ratio for ratio in ratios if ratio])))
    assert len(factors) >= 30
    assert np.quantile(factors, 0.9) == pytest.approx(CLASSES["estimate"].other, rel=0.02)


def test_the_page_has_the_class_defaults():
    page = (Path(__file__).parents[2] / "docs" / "uncertainty.md").read_text()
    for name, doubt in CLASSES.items():
        assert f"| {name} | {doubt.rate} | {doubt.other} | {doubt.reason} |" in page


def truth_of(figures, rng):
    """Draw a true machine from the ranges, in another way than the package does."""
    sides = {}
    for figure in figures:
        up, way = sides.setdefault(zlib.crc32(figure.group.encode()), (rng.integers(2), rng.random()))
        far = figure.high if up else figure.low
        yield figure.path, figure.value * math.exp(way * math.log(far / figure.value))


def test_intervals_hold_the_truth_at_their_rate_in_closed_form():
    """A copy takes latency + bytes / bandwidth; 200 designs, each with 19 draws, beside 20 true machines."""
    rng = np.random.default_rng(3)
    held = total = 0
    for design in range(200):
        latency, bandwidth, size = rng.lognormal(-14, 2), rng.lognormal(22, 1), rng.lognormal(14, 3)
        spread = rng.uniform(1.02, 3, 4)
        figures = [
            Uncertain("l", latency, latency / spread[0], latency * spread[1], "", "estimate", True, f"l{design}"),
            Uncertain("b", bandwidth, bandwidth / spread[2], bandwidth * spread[3], "", "estimate", True, f"b{design}"),
        ]
        draws = [[figure.at(share(design, number, figure.group)) for figure in figures] for number in range(19)]
        low, high = intervals([{"time": lat + size / band} for lat, band in draws])["time"]
        for _ in range(20):
            truth = dict(truth_of(figures, rng))
            held += low <= truth["l"] + size / truth["b"] <= high
            total += 1
    # of a design's own rate: Beta(18, 2), of which 200; of the truths: binomial
    sigma = math.sqrt(0.9 * 0.1 / 21 / 200 + 0.9 * 0.1 / total)
    assert held / total == pytest.approx(0.9, abs=4 * sigma)


def test_intervals_hold_the_truth_of_simulated_machines(folder, scenario):
    rng = np.random.default_rng(5)
    held = dict.fromkeys(("elapsed_ps", "energy_j.total", "latency_ps.p50", "tiers.dram.energy_j"), 0)
    designs, truths = 8, 8
    for design in range(designs):
        scenario = hs.load("m.yaml", [f"seed={design}"]).scenario
        known = draw_machines(single("m.yaml", Options([f"seed={design}"], workers=1, cache="kept")), 19)
        assert (known.rate, known.failures) == (0.9, [])
        for _ in range(truths):
            changes = {
                f"machine.{path}": round(value) if isinstance(value_at(scenario, path), int) else value
                for path, value in truth_of(known.figures, rng)
            }
            truth = numbers(to_json(hs.run(replaced(scenario, changes))))
            for name in held:
                low, high = known.intervals[name]
                held[name] += low <= truth[name] <= high
    sigma = math.sqrt(0.09 / 21 / designs + 0.09 / (designs * truths))
    for name in held:
        assert held[name] / (designs * truths) == pytest.approx(0.9, abs=3 * sigma), name


def test_the_command_line_puts_intervals_on_every_number(folder, scenario, capsys):
    call = ["run", "m.yaml", "--uncertainty", "19", "--no-pictures", "--cache", "kept"]
    assert execute([*call, "--out", "one", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert "19 machines; " in out
    assert "by class defaults; intervals cover 90%" in out
    assert execute([*call, "--json", "-", "--workers", "2", "--cache", "other"]) == 0
    document = json.loads(capsys.readouterr().out)
    written = json.loads((folder / "one" / "result.json").read_text())
    assert document["uncertainty"] == written["uncertainty"]
    ends = document["uncertainty"]["intervals"]
    assert set(numbers({k: v for k, v in document.items() if k != "uncertainty"})) <= set(ends)
    assert all(low <= high for low, high in ends.values())
    assert ends["elapsed_ps"][0] < document["elapsed_ps"] < ends["elapsed_ps"][1]
    figure = document["uncertainty"]["figures"]["tiers.dram.read_latency"]
    assert figure == {"value": 1e5, "low": 9e4, "high": 1.5e5, "confidence": "measured", "range": "stated"}
    assert "catalogue" in document["uncertainty"]["class_defaults"]["estimate"]["reason"]
    draws = pl.read_parquet("one/tables/draws.parquet")
    assert len(draws) == 19
    sorted_times = draws["elapsed_ps"].sort()
    assert [sorted_times[0], sorted_times[-1]] == ends["elapsed_ps"]


def test_the_wrong_number_of_machines_is_one_line(folder, scenario, capsys):
    assert execute(["run", "m.yaml", "--uncertainty", "2"]) == 2
    assert (
        "--uncertainty  must be 3 to 100,000 machines, got 2; intervals that cover 90% need 19"
        in capsys.readouterr().err
    )
    (folder / "s.yaml").write_text("scenario: m.yaml\nvary: {seed: [1]}\nuncertainty: -1\n")
    with pytest.raises(ConfigError, match=r"s.yaml:3  uncertainty  must be 3 to 100,000 machines, got -1"):
        sweep.load("s.yaml")


def test_a_sweep_has_intervals_too(folder, scenario):
    text = "scenario: m.yaml\ncache: kept\nuncertainty: 5\ndefine: {power_w: 1e12 * energy_j.total / elapsed_ps}\n"
    (folder / "s.yaml").write_text(text + "vary: {tiers.gddr.capacity: [32 KiB, 512 KiB, 1 MiB]}\n")
    found = sweep.run("s.yaml", options=Options(workers=1))
    assert (found.computed, len(found.failed)) == (13, 1)  # no object of 64 KiB goes into 32 KiB
    table = found.table()
    for name in ("elapsed_ps", "power_w"):
        for row in table.to_dicts()[1:]:
            assert row[f"{name}.low"] < row[f"{name}.high"]
        assert table[f"{name}.low"][0] is None
    for i in (1, 2):
        times = sorted(outcome.numbers["elapsed_ps"] for outcome in found.drawn[i])
        assert [table["elapsed_ps.low"][i], table["elapsed_ps.high"][i]] == [times[0], times[-1]]
    again = sweep.run("s.yaml", options=Options(workers=2))
    assert again.computed == 0
    assert again.write("b.parquet").read_bytes() == found.write("a.parquet").read_bytes()
    other = sweep.run("s.yaml", options=Options(workers=2, cache="other"))
    assert other.write("c.parquet").read_bytes() == found.write("a.parquet").read_bytes()


@pytest.mark.parametrize(
    ("stated", "what"),
    [
        ("[120 ns, 150 ns]", "120 ns to 150 ns does not hold the value"),
        ("[150 ns, 90 ns]", "150 ns to 90 ns does not hold the value"),
        ("[90, 150 ns]", "`90` has no unit"),
        ("[90 GB, 150 ns]", "`90 GB` is a size"),
        ("[90 ns]", "entry is missing"),
        ("90 ns", "expected a list"),
    ],
)
def test_a_wrong_range_is_one_line(folder, stated, what):
    (folder / "m.yaml").write_text(MACHINE.replace("[90 ns, 150 ns]", stated))
    with pytest.raises(ConfigError, match=r"m.yaml:\d  machine.tiers.dram.*read_latency.range.*" + what):
        hs.load("m.yaml")


def test_a_range_changes_no_result_and_goes_with_its_value(folder, scenario):
    (folder / "n.yaml").write_text(MACHINE.replace(", range: [90 ns, 150 ns]", ""))
    assert hs.load("n.yaml").scenario_hash == scenario.scenario_hash
    replaced_one = scenario.replace("machine.tiers.dram.read_latency", "300 ns")
    assert "tiers.dram.read_latency" not in [figure.path for figure in uncertain(replaced_one)]
