from __future__ import annotations

import io
import math

import pytest
from report import look, samples
from rich.console import Console

import hiersim
from hiersim.engine.result import Result
from hiersim.report import notebook
from hiersim.report.miss_ratio import apart, miss_ratio
from hiersim.report.policies_table import info, study_table, table
from hiersim.report.studies import pivot, speed, to_optimum
from hiersim.report.style import detached

GIB = 2**30


def study(names, sizes=(GIB, 2 * GIB, 8 * GIB, 64 * GIB)):
    """Made-up replays: the optimum misses least, the others a little more each."""
    rows = []
    for k, name in enumerate(names):
        for i, size in enumerate(sizes):
            ratio = 0.7 * math.exp(-0.5 * i) * (0.8 if name == "opt" else 0.95 + 0.01 * k)
            row = {"policy": name, "capacity": size, "requests": 1000, "misses": round(1000 * ratio)}
            rows.append(row | {"miss_ratio": ratio, "byte_miss_ratio": ratio / 2, "seconds": 0.001 * (k + 1)})
    return rows


def printed(renderable, width=100):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    with console.capture() as captured:
        console.print(renderable)
    return [line.rstrip() for line in captured.get().splitlines()]


STUDIES = {
    "few": study(["lru", "opt", "s3fifo", "arc"]),
    "many": study(["opt", *(f"policy_{i}" for i in range(30)), "lru"]),
    "one_capacity": study(["opt", "lru", "sieve"], (GIB,)),
    "one_policy": study(["lru"]),
    "many_capacities": study(["opt", "lru"], tuple(GIB * 2**i // 4 for i in range(26))),
    "none": [],
}


@pytest.mark.parametrize("measure", ["miss_ratio", "byte_miss_ratio"])
@pytest.mark.parametrize("name", STUDIES)
def test_miss_ratios_are_legible(name, measure):
    ax = miss_ratio(STUDIES[name], detached(9, 5), measure=measure, title="a trace")
    assert look.faults(ax) == []


def test_miss_ratios_in_objects_with_marks():
    rows = study(["opt", "lru"], (100, 1000, 10_000))
    ax = miss_ratio(rows, detached(9, 5), unit="objects", marks={"hbm": 300, "dram": 4000})
    words = [words for words, _ in look.boxes(ax)]
    assert {"hbm", "dram", "optimum", "lru", "1,000", "capacity (objects)", "misses (% of accesses)"} <= set(words)
    assert look.faults(ax) == []


def test_lines_show_the_ratios_and_lru_always_has_a_name():
    rows = STUDIES["many"]
    ax = miss_ratio(rows, detached(9, 5))
    found = pivot(rows, "miss_ratio")
    curves = {tuple(line.get_ydata()) for line in ax.get_lines()}
    assert {tuple(by_size.values()) for by_size in found.values()} <= curves
    words = [words for words, _ in look.boxes(ax)]
    assert {"lru", "optimum", "grey: 23 other policies"} <= set(words)


def test_places_are_apart_and_close_to_what_was_wanted():
    assert apart([0.1, 0.5, 0.9], 0.1) == [0.1, 0.5, 0.9]
    assert apart([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    low = apart([0.0, 0.0, 0.01], 0.1)
    assert low == pytest.approx([0.0, 0.1, 0.2])
    assert apart([0.99, 1.0, 1.0], 0.1) == pytest.approx([0.8, 0.9, 1.0])


def test_share_of_the_way_to_the_optimum():
    rows = [
        {"policy": p, "capacity": 1, "miss_ratio": m} for p, m in [("lru", 0.8), ("opt", 0.4), ("x", 0.5), ("y", 0.9)]
    ]
    assert to_optimum(pivot(rows, "miss_ratio")) == pytest.approx({"opt": 1.0, "lru": 0.0, "x": 0.75, "y": -0.25})
    assert to_optimum(pivot(rows[:1], "miss_ratio")) == {}
    assert speed(STUDIES["one_capacity"])["opt"] == pytest.approx(1e6)


def test_study_table():
    lines = printed(study_table(STUDIES["few"]))
    assert lines[0].split() == ["policy", "1", "GiB", "2", "GiB", "8", "GiB", "64", "GiB", "to", "opt", "M/s"]
    assert [line.split()[0] for line in lines[1:5]] == ["opt", "lru", "s3fifo", "arc"]
    assert lines[1].split()[1:] == ["56.0%", "34.0%", "20.6%", "12.5%", "100%", "0.5"]
    assert "to opt" not in lines[-1] or "optimum" in " ".join(lines[5:])
    speeds = [0.0005, 0.0952, 0.1, 3.14159, 22.83, 341.7, 8765.4]
    rows = [{"policy": "p", "capacity": 1, "miss_ratio": 0.5, "requests": s * 1e6, "seconds": 1.0} for s in speeds]
    widths = {len(printed(study_table([row]))[0]) for row in rows}
    assert len(widths) == 1, "a table is as wide at any speed"
    bare = printed(study_table([{"policy": "lru", "capacity": 10, "miss_ratio": 0.5}], unit="objects"))
    assert bare[0].split() == ["policy", "10"]
    assert bare[1].split() == ["lru", "50.0%"]


def test_generic_table_shows_all_kinds_of_cells():
    rows = [
        {"name": "h100", "tiers": 4, "peak": 3.3549, "tags": ["a", "b"], "ok": True},
        {"name": "[red]x", "tiers": 12_000},
    ]
    lines = printed(table(rows, title="Devices"))
    assert lines[0] == "Devices"
    assert lines[1].split() == ["name", "tiers", "peak", "tags", "ok"]
    assert lines[2].split() == ["h100", "4", "3.35", "a,", "b", "yes"]
    assert lines[3].split() == ["[red]x", "12,000"]
    assert printed(table(rows, {"tiers": "how many"}))[0].strip() == "how many"
    assert printed(info({"path": "a", "reuse": {"mean": 2.5}})) == ["path        a", "reuse.mean  2.5"]


@pytest.mark.parametrize("name", samples.ALL)
def test_html_is_well_formed_and_escaped(name):
    import dataclasses
    from xml.etree import ElementTree

    result = dataclasses.replace(samples.ALL[name](), name="<b>&")
    html = notebook.result_html(result)
    root = ElementTree.fromstring(html.replace("&nbsp;", " ").replace("<br>", "<br/>"))
    assert "<b>&" in "".join(root.itertext())
    assert len(root.findall(".//tr")) == len(result.tiers) + 1
    assert len(root.findall(".//svg")) == len(result.units)
    for svg in root.findall(".//svg"):
        widths = sum(float(rect.get("width")) for rect in svg)
        assert widths == pytest.approx(notebook.WIDTH if result.elapsed_ps else 0, abs=0.2)


def test_results_show_themselves_once_the_package_gives_them_out(monkeypatch):
    monkeypatch.setattr(Result, "_repr_html_", None, raising=False)
    monkeypatch.delitem(vars(hiersim), "Result", raising=False)
    assert hiersim.Result is Result
    assert samples.two_tiers()._repr_html_() == notebook.result_html(samples.two_tiers())


def test_checker_sees_what_is_wrong():
    ax = detached(4, 3)
    ax.text(0.5, 0.5, "over here")
    ax.text(0.52, 0.5, "over there")
    ax.text(0.5, 3.0, "far out").set_in_layout(False)
    assert sorted(fault.split("'")[1] for fault in look.faults(ax)) == ["far out", "over here"]
