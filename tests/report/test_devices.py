"""How devices are shown: pictures without overlaps, tables as wide as they may be, in ASCII where need be."""

import io

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Polygon, Rectangle
from report.look import drawn, faults, overlap, texts
from rich.console import Console

from hiersim.api.device_list import listing
from hiersim.api.device_routes import routes
from hiersim.api.devices import find_device
from hiersim.machine import Machine
from hiersim.machine.catalogue import machine_names
from hiersim.report.device_explain import amount
from hiersim.report.device_list import DeviceList
from hiersim.report.device_machine import RoutesTable, machine_tree
from hiersim.report.device_picture import THICK, draw, picture, size, thickness
from hiersim.report.style import DPI, LINKS, TIERS, detached, figure_of, paler


def tier(kind, **more):
    return {
        "kind": kind,
        "capacity": "1 TB",
        "read_bandwidth": "20 GB/s",
        "write_bandwidth": "5 GB/s",
        "read_latency": "1 us",
        "write_latency": "1 us",
    } | more


def link(kind, *between, **more):
    return {"kind": kind, "between": list(between), "bandwidth": "50 GB/s", "latency": "1 us"} | more


TWO_GPUS = {
    "name": "two-gpus",
    "summary": "two GPUs with their own HBM, NVLink between them, host memory, CXL, flash and a remote store",
    "tiers": {
        "hbm0": tier("hbm"),
        "hbm1": tier("hbm"),
        "dram": tier("ddr"),
        "cxl": tier("cxl", duplex="full"),
        "flash": tier("flash"),
        "store": tier("remote"),
    },
    "links": {
        "nvlink": link("nvlink", "hbm0", "hbm1", bandwidth="450 GB/s"),
        "pcie0": link("pcie", "hbm0", "dram"),
        "pcie1": link("pcie", "dram", "hbm1", backward_bandwidth="25 GB/s"),
        "cxlx8": link("cxl", "dram", "cxl"),
        "nvme": link("nvme", "dram", "flash", latency="0 ns"),
        "net": link("network", "dram", "store", duplex="half"),
    },
    "units": {
        "gpu0": {"kind": "gpu", "tier": "hbm0", "flops": {"bf16": "989 TFLOP/s"}},
        "gpu1": {"kind": "gpu", "tier": "hbm1", "flops": {"bf16": "989 TFLOP/s"}},
        "cpu0": {"kind": "cpu", "tier": "dram", "flops": {"fp32": "4 TFLOP/s"}},
    },
}
ALONE = {
    "name": "alone",
    "tiers": {"sram": tier("sram")},
    "units": {"npu": {"kind": "npu", "tier": "sram", "flops": {"int8": "4 TFLOP/s"}}},
}
MACHINES = {name: find_device(name) for name in machine_names()} | {
    "two-gpus": Machine.model_validate(TWO_GPUS),
    "alone": Machine.model_validate(ALONE),
}


def drawing(machine):
    return draw(machine, detached(*size(machine), full=True))


def text_of(renderable, width, encoding="utf-8"):
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    Console(file=file, width=width, color_system=None, legacy_windows=False).print(renderable)
    file.flush()
    return file.buffer.getvalue().decode(encoding)


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_no_text_leaves_the_picture_or_overlaps(machine):
    assert faults(drawing(machine)) == []


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_texts_do_not_cut_across_boxes_or_pipes(machine):
    """Each text is inside a box, or outside all of them and beside all pipes."""
    ax = drawing(machine)
    drawn(ax)
    boxes = [p.get_window_extent().extents for p in ax.patches if isinstance(p, Rectangle) and p.get_width() > 1]
    pipes = [p.get_path().transformed(p.get_transform()) for p in ax.patches if isinstance(p, Polygon)]
    for text in texts(ax):
        corners = text.get_window_extent().extents
        inside = [(corners[:2] >= box[:2] - 1).all() and (corners[2:] <= box[2:] + 1).all() for box in boxes]
        assert sum(inside) <= 1
        if not any(inside):
            assert not any(overlap(corners, box) for box in boxes), text.get_text()
            x, y = np.meshgrid(np.linspace(corners[0], corners[2], 9), np.linspace(corners[1], corners[3], 5))
            points = np.column_stack([x.ravel(), y.ravel()])
            assert not any(path.contains_points(points).any() for path in pipes), text.get_text()


def test_texts_are_readable_at_half_size():
    """At half of its size no text of a picture is smaller than 5 points."""
    ax = drawing(MACHINES["two-gpus"])
    assert min(text.get_fontsize() for text in texts(ax)) >= 10


def test_everything_is_named_with_its_figures():
    labels = [text.get_text() for text in texts(drawing(MACHINES["two-gpus"]))]
    told = "\n".join(labels)
    for name in (*TWO_GPUS["tiers"], *TWO_GPUS["links"], *TWO_GPUS["units"]):
        assert name in told
    assert "20 read, 5 GB/s write" in told
    assert "pcie1 (pcie)\n↓ 25  ↑ 50 GB/s\n1 us" in told  # dram is its first end, and the lower one
    assert "net (network)\n50 GB/s shared" in told
    assert "nvme\n50 GB/s each way" in labels  # its latency of 0 is not worth a line


def test_estimates_are_marked():
    told = [text.get_text() for text in texts(drawing(MACHINES["h100-sxm-cxl"]))]
    assert "~400 ns" in told
    assert "98 ns" in told


def test_colours_are_those_of_kinds_and_lanes_those_of_directions():
    ax = drawing(MACHINES["two-gpus"])
    found = [to_hex(patch.get_facecolor()) for patch in ax.patches]
    assert {TIERS[kind] for kind in ("hbm", "ddr", "cxl", "flash", "remote")} <= set(found)
    lanes = [to_hex(patch.get_facecolor()) for patch in ax.patches if isinstance(patch, Polygon)]
    assert lanes.count(LINKS["pcie"]) == lanes.count(paler(LINKS["pcie"])) == 2
    assert lanes.count(LINKS["network"]) == 1  # both directions share it
    assert paler(LINKS["network"]) not in lanes


def test_pipes_are_wider_by_equal_steps_for_equal_factors():
    widths = [thickness(bandwidth) for bandwidth in (1e9, 1e10, 1e11, 1e12)]
    assert np.diff(widths) == pytest.approx(np.diff(widths)[0])
    assert thickness(1e15) == THICK
    assert thickness(1e3) > 0


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_same_machine_gives_the_same_bytes(ending):
    assert picture(MACHINES["gh200"], ending) == picture(find_device("gh200"), ending)


def test_a_picture_fits_into_given_axes():
    ax = draw(MACHINES["rtx-4090"], detached(4, 4))
    assert figure_of(ax).dpi == DPI
    assert faults(ax) == []


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_routes_are_whole_at_80_columns(machine, width):
    for direction in ("read", "write"):
        told = text_of(RoutesTable(routes(machine, direction)), width)
        assert max(map(len, told.splitlines())) <= width
        rows = [line.split() for line in told.splitlines()[1:]]
        assert {row[0] for row in rows if row[0] != "by"} == set(machine.tiers)
        assert "pJ/bit" in told


def test_the_tree_goes_by_the_fewest_links():
    (tree,) = machine_tree(MACHINES["two-gpus"])
    told = text_of(tree, 100).splitlines()
    depth = {line.lstrip("│├└─ ").split()[0]: len(line) - len(line.lstrip("│├└─ ")) for line in told}
    assert depth["hbm1"] == depth["dram"]  # one link from the first GPU's memory, each
    assert depth["flash"] == depth["store"] == depth["cxl"] > depth["dram"]
    assert next(line for line in told if "pcie1" in line).endswith("to dram")
    assert "by gpu1" in next(line for line in told if " hbm1 " in line)


def test_the_tree_in_ascii():
    (tree,) = machine_tree(MACHINES["h100-sxm-cxl"])
    assert "`-- hbm" in text_of(tree, 100, "ascii").replace("+--", "`--")


def test_a_wide_list_says_what_things_are():
    narrow, wide = (text_of(DeviceList(listing("hbm")), width) for width in (80, 120))
    assert "H200 SXM 141GB HBM3e" in wide
    assert "H200 SXM 141GB HBM3e" not in narrow
    assert "h200-hbm3e" in narrow
    lines = text_of(DeviceList(listing("cxl")), 100).splitlines()
    assert max(map(len, lines)) <= 100
    assert next(line for line in lines if "cmm-b-box" in line).rstrip().endswith("…")


@pytest.mark.parametrize(
    ("value", "dimension", "words"),
    [
        (None, "bytes", "-"),
        ("half", "", "half"),
        (45e6, "time", "45 us"),
        (1.272e12, "energy", "1.27 J"),
        (1205999.6, "bytes", "1.21 MB"),
        (85899345920, "bytes", "80 GiB"),
        (54750.0, "", "54,750"),
        (16.7, "", "16.7"),
        (0.9, "share", "90%"),
    ],
)
def test_amounts_are_told_as_people_read_them(value, dimension, words):
    assert amount(value, dimension) == words
