from __future__ import annotations

import itertools

import matplotlib as mpl
import pytest
from matplotlib.patches import Polygon, Rectangle
from report import look, samples

from hiersim.report import breakdown, style
from hiersim.report.flow import flow
from hiersim.report.flow import size as flow_size
from hiersim.report.stall_stack import list_bars, stall_stack
from hiersim.report.stall_stack import size as stall_size
from hiersim.report.style import detached, figure_of

MANY = [
    samples.four_tiers("lru"),
    samples.four_tiers("a rather long name of a run, s3fifo", 44 * 10**12),
    samples.star(),
]


def draw_stalls(*results):
    return stall_stack(list(results), detached(*stall_size(results)))


def draw_flow(result):
    return flow(result, detached(*flow_size(result), full=True))


@pytest.mark.parametrize("name", samples.ALL)
def test_stall_stack_is_legible(name):
    assert look.faults(draw_stalls(samples.ALL[name]())) == []


def test_stall_stacks_of_several_runs_are_legible():
    assert look.faults(draw_stalls(*MANY)) == []
    assert look.faults(draw_stalls(samples.two_units(), samples.two_units())) == []


@pytest.mark.parametrize("name", samples.ALL)
def test_flow_is_legible(name):
    assert look.faults(draw_flow(samples.ALL[name]())) == []


@pytest.mark.parametrize("name", samples.ALL)
def test_flow_labels_cut_no_box_and_cover_no_pipe(name):
    ax = draw_flow(samples.ALL[name]())
    look.drawn(ax)
    rectangles = [
        p.get_window_extent().extents for p in ax.patches if isinstance(p, Rectangle) and p.get_height() > 0.3
    ]
    pipes = [p.get_transform().transform(p.get_xy()) for p in ax.patches if isinstance(p, Polygon)]
    for words, box in look.boxes(ax):
        for frame in rectangles:
            inside = frame[0] <= box[0] and box[2] <= frame[2] and frame[1] <= box[1] and box[3] <= frame[3]
            assert inside or not look.overlap(frame, box), f"{words!r} cuts the edge of a box"
        for points in pipes:
            hit = (points > [box[0] + 1, box[1] + 1]) & (points < [box[2] - 1, box[3] - 1])
            assert not hit.all(axis=1).any(), f"{words!r} covers a pipe"


def test_flow_draws_a_lane_for_each_direction_that_carried_bytes():
    result = samples.two_units()
    wanted = sum(bool(size) for link in result.links.values() for size in (link.forward_total, link.backward_total))
    lanes = [p for p in draw_flow(result).patches if isinstance(p, Polygon) and p.get_zorder() == 0.8]
    assert len(lanes) == wanted == 5


def test_lanes_are_as_wide_as_their_bytes():
    ax = draw_flow(samples.two_tiers())
    (lane,) = [p for p in ax.patches if isinstance(p, Polygon) and p.get_zorder() == 0.8]
    x = lane.get_xy()[:, 0]
    body = sorted({round(float(value), 3) for value in x})
    assert body[-2] - body[1] == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("sample", ["four_tiers", "two_tiers", "one_tier", "extreme"])
def test_flow_marks_where_most_time_went(sample):
    result = samples.ALL[sample]()
    _, part = breakdown.binding(result)
    ax = draw_flow(result)
    marked = [p for p in ax.patches if mpl.colors.to_hex(p.get_edgecolor()) == style.MARK]
    assert len(marked) == 1
    group, name, _ = breakdown.owner(part.place, result)
    assert isinstance(marked[0], Polygon if group == "links" else Rectangle)
    assert any(part.label in words or name in words for words, _ in look.boxes(ax))


def test_flow_fits_axes_of_any_size():
    from matplotlib.figure import Figure

    for width, height in ((4, 3), (14, 5)):
        left, right = Figure(figsize=(width, height)).subplots(1, 2)
        for ax, result in ((left, samples.four_tiers()), (right, samples.two_units())):
            assert flow(result, ax) is ax
            assert look.faults(ax) == []


def test_segments_add_up_to_the_time_and_keep_one_order():
    bars = list_bars(MANY)
    for bar in bars:
        assert sum(part.ps for part in bar.parts) == bar.result.elapsed_ps
    orders = [[part.label for part in bar.parts if part.state == "stall"] for bar in bars[:2]]
    assert orders[0] == orders[1]
    assert orders[0][:2] == ["flash.read latency", "cxl.read bandwidth"]


def test_bars_are_as_long_as_their_times():
    ax = draw_stalls(*MANY)
    ends = {}
    for patch in ax.patches:
        ends[round(patch.get_y(), 2)] = max(ends.get(round(patch.get_y(), 2), 0), patch.get_x() + patch.get_width())
    assert [round(end, 6) for end in ends.values()] == [61.4, 44.0, 1.0]


def test_picture_without_axes_makes_a_figure_and_leaves_the_settings_alone():
    import matplotlib.pyplot as plt

    plt.close("all")  # another test of this process may have left some open
    before = dict(mpl.rcParams)
    plt.switch_backend("agg")
    axes = [stall_stack(samples.two_tiers()), flow(samples.two_tiers())]
    assert {figure_of(ax).number for ax in axes} == set(plt.get_fignums())
    plt.close("all")
    assert {key: value for key, value in mpl.rcParams.items() if key != "backend"} == {
        key: value for key, value in before.items() if key != "backend"
    }


@pytest.mark.parametrize("ending", ["png", "svg"])
@pytest.mark.parametrize("draw", [draw_stalls, draw_flow])
def test_same_result_gives_the_same_bytes(draw, ending):
    first, second = (look.image(draw(samples.four_tiers()), ending) for _ in range(2))
    assert first == second
    assert first.startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])
    assert b"Date" not in first
    assert first != look.image(draw(samples.two_tiers()), ending)


def test_colours_of_common_neighbours_differ_in_grey():
    for chain in (["sram", "hbm", "ddr", "cxl", "flash", "remote"], ["l2", "gddr", "ddr", "pmem", "remote"]):
        light = [style.lightness(style.TIERS[kind]) for kind in chain]
        assert all(b - a > 0.06 for a, b in itertools.pairwise(light)), dict(zip(chain, light, strict=True))
    use = [style.lightness(colour) for colour in style.UTILISATION]
    assert all(a - b > 0.08 for a, b in itertools.pairwise(use))


def test_every_kind_has_a_colour():
    from typing import get_args

    from hiersim.machine.link import LinkKind
    from hiersim.machine.tier import TierKind

    assert set(style.TIERS) == set(get_args(TierKind))
    assert set(style.LINKS) == set(get_args(LinkKind))
    assert len(set(style.TIERS.values()) | set(style.LINKS.values())) == len(style.TIERS) + len(style.LINKS)


def test_text_is_readable_on_every_colour():
    for colour in (*style.TIERS.values(), *style.LINKS.values(), *style.STATES.values()):
        assert abs(style.lightness(colour) - style.lightness(style.ink_on(colour))) > 0.38, colour


@pytest.mark.parametrize("interactive", [True, False])
def test_drawing_leaves_the_interactive_mode_as_it_is(interactive):
    with mpl.rc_context({"interactive": interactive}):
        with style.styled():
            assert mpl.is_interactive() == interactive
        assert mpl.is_interactive() == interactive


def test_flow_among_other_axes_is_legible():
    assert look.faults(flow(samples.star(), detached(*flow_size(samples.star())))) == []
