"""Every picture of the gallery is drawn, is legible, shows the result's numbers, and looks as it did.

``python tests/report/test_gallery.py`` draws the references anew; look at them before they are kept.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread, imsave
from matplotlib.patches import Rectangle, StepPatch
from report import look, samples

from hiersim.errors import ConfigError
from hiersim.machine.catalogue import find_machine
from hiersim.report import gallery, known, load_over_time, over_time, policy_map, roofline, style
from hiersim.report.bandwidth_over_time import bandwidth_over_time
from hiersim.report.energy_split import energy_split
from hiersim.report.occupancy_over_time import occupancy_over_time
from hiersim.report.style import detached, figure_of, styled
from hiersim.report.traffic_by_class import traffic_by_class

GOLDEN = Path(__file__).parent / "golden" / "pictures"
WIDTH = 240  # pixels of a reference
TOLERANCE = 0.02  # mean difference of channels from 0 to 1: fonts and smoothing differ by less, another run by more
MACHINE = "h100-sxm-cxl"


def a_run():
    """A run of the sample scenario with its timeline, small enough to be drawn at once."""
    from hiersim.api.simulation import load

    path = Path(__file__).parents[2] / "configs" / "kv_tiers.yaml"
    changes = ["replay.limit=3000", "outputs.timeline=true", "tiers.hbm.capacity=1 GiB", "tiers.dram.capacity=2 GiB"]
    return load(path, changes).run()


def served():
    """A serving run that runs out of room for KV."""
    from hiersim.api.simulation import load

    path = Path(__file__).parents[2] / "configs" / "vllm_rtx4090.yaml"
    return load(path, ["trace.limit=120", "serve.kv_pages=600"]).run()


def rows():
    sizes, names = (2**20, 2**23, 2**26), {"opt": 0.6, "s3fifo": 0.8, "lru": 0.9, "./mine.py": 1.0}
    return [
        {"policy": name, "capacity": size, "miss_ratio": round(share / (1 + i * (2 if name == "lru" else 1)), 3)}
        for name, share in names.items()
        for i, size in enumerate(sizes)
    ]


def drawn(picture, shown, **more):
    with styled():
        return picture.draw(shown, detached(*picture._module().size(shown), full=picture.full), **more)


def a_map():
    with styled():
        return policy_map.policy_map(rows(), detached(*policy_map.size(rows())), title="a trace")


def some_curves():
    """LRU's curve and the optimum's over a skewed trace, with the capacities of a machine."""
    import hiersim as hs
    from hiersim.report.curve_plot import curve_plot

    rng = np.random.default_rng(5)
    share = np.cumsum(np.arange(1, 2_001) ** -0.8)
    keys = np.searchsorted(share / share[-1], rng.random(20_000))
    trace = hs.AccessTrace.build(keys, 64 << 20, {"object_class": 0, "group": 0}, classes=("kv",))
    found = hs.mrc(trace, ["lru", "opt"], machine=MACHINE, tiers={"hbm": "8 GiB", "dram": "24 GiB", "cxl": "64 GiB"})
    return lambda: curve_plot(found)


def a_front():
    from hiersim.report.pareto import pareto

    rows = [
        {"elapsed_ps": 10**12 * x, "energy_j.total": float(y), "on_front": x + y == 6, "within_limits": y < 5}
        for x, y in itertools.product(range(1, 6), repeat=2)
        if x + y >= 6
    ]
    return pareto(rows, "elapsed_ps", "energy_j.total", title="a search")


def a_ranking():
    from hiersim.report.ranking import ranking

    named = [("lru", 3.2, "3.2 s", False), ("s3fifo", 2.9, "2.9 s", False), ("opt", 2.4, "2.4 s", True)]
    return ranking(named, title="elapsed_ps")


def some_savings():
    from hiersim.report.savings import savings

    rows = [("pcie bandwidth", 0.44, 0.22), ("hbm capacity", 0.0, 0.18), ("flash latency", 0.03, 0.015)]
    return savings(rows, title="a run")


def of_operations():
    kinds = {
        "attention": {"flops": 4 * 10**12, "bytes": 2 * 10**11, "duration_ps": 8 * 10**10},
        "ffn": {"flops": 9 * 10**13, "bytes": 6 * 10**10, "duration_ps": 16 * 10**10},
    }
    rows = [{"name": name, **kind} for name, kind in kinds.items()]
    return roofline.roofline(None, detached(9, 5), machine=find_machine(MACHINE), operations=rows)


def known_of(result, low=0.8, high=1.3):
    """Intervals of numbers of a sample."""
    document = {"elapsed_ps": result.elapsed_ps, "energy_j.total": result.total_energy_j}
    for name, tier in result.tiers.items():
        document[f"tiers.{name}.read_bytes"] = tier.read_total
    return {name: (low * value, high * value) for name, value in document.items()}


def pictures():
    run, four = a_run(), samples.four_tiers()
    two = [four, replace(samples.four_tiers("b", 44 * 10**12), energy_j={k: 2 * v for k, v in four.energy_j.items()})]
    roofs, load = {"machine": find_machine(MACHINE)}, served()
    return {
        "stall_stack": lambda: drawn(gallery.STALLS, four),
        "stall_stacks": lambda: drawn(gallery.STALLS, two),
        "flow": lambda: drawn(gallery.FLOW, four),
        "traffic_by_class": lambda: drawn(gallery.TRAFFIC, four),
        "traffic_by_class_of_two": lambda: drawn(gallery.TRAFFIC, two),
        "energy_split": lambda: drawn(gallery.ENERGY, four),
        "energy_split_of_two": lambda: drawn(gallery.ENERGY, two),
        "bandwidth_over_time": lambda: drawn(gallery.BANDWIDTH, run),
        "occupancy_over_time": lambda: drawn(gallery.OCCUPANCY, run),
        "roofline": lambda: drawn(gallery.ROOFLINE, run, **roofs),
        "load_over_time": lambda: drawn(gallery.LOAD, load),
        "policy_map": a_map,
        "miss_ratio_curves": some_curves(),
        "pareto": a_front,
        "ranking": a_ranking,
        "savings": some_savings,
        "roofline_of_operations": of_operations,
        "stall_stacks_known": lambda: drawn(gallery.STALLS, two, intervals=[known_of(each) for each in two]),
    }


NAMES = (
    "stall_stack", "stall_stacks", "flow", "traffic_by_class", "traffic_by_class_of_two", "energy_split",
    "energy_split_of_two", "bandwidth_over_time", "occupancy_over_time", "roofline", "policy_map",
    "miss_ratio_curves", "pareto", "ranking", "savings", "roofline_of_operations",
    "stall_stacks_known", "load_over_time",
)  # fmt: skip


@pytest.fixture(scope="module")
def gallery_of():
    return pictures()


def small(ax):
    """The picture in few pixels, each the mean of a block of it."""
    image = imread(io.BytesIO(look.image(ax, "png")))[..., :3]
    step = image.shape[1] // WIDTH
    height, width = image.shape[0] // step, image.shape[1] // step
    return image[: height * step, : width * step].reshape(height, step, width, step, 3).mean(axis=(1, 3))


def difference(a, b):
    """Mean difference of two pictures; of one size, but for a row or a column."""
    if max(abs(a.shape[i] - b.shape[i]) for i in (0, 1)) > 1:
        return 1.0
    height, width = min(a.shape[0], b.shape[0]), min(a.shape[1], b.shape[1])
    return float(np.abs(a[:height, :width] - b[:height, :width]).mean())


@pytest.mark.parametrize("name", NAMES)
def test_it_looks_as_it_did(name, gallery_of):
    assert set(NAMES) == set(gallery_of)
    wanted = imread(GOLDEN / f"{name}.png")[..., :3]
    assert difference(small(gallery_of[name]()), wanted) < TOLERANCE


def test_the_tolerance_tells_pictures_apart():
    images = {name: imread(GOLDEN / f"{name}.png")[..., :3] for name in NAMES}
    close = [pair for pair in itertools.combinations(NAMES, 2) if difference(*(images[n] for n in pair)) < TOLERANCE]
    assert close == []
    other = replace(samples.four_tiers(), energy_j={"tiers.hbm.read": 1.0, "units.gpu0.compute": 1.0})
    assert difference(small(drawn(gallery.ENERGY, other)), images["energy_split"]) > TOLERANCE


@pytest.mark.parametrize("name", NAMES)
def test_it_is_legible(name, gallery_of):
    assert look.faults(gallery_of[name]()) == []


@pytest.mark.parametrize("name", samples.ALL)
@pytest.mark.parametrize("draw", [traffic_by_class, energy_split, bandwidth_over_time, occupancy_over_time])
def test_it_is_drawn_of_any_result(draw, name):
    result = samples.ALL[name]()
    ax = detached(11, 6)
    assert draw(result, ax) is ax
    assert look.faults(ax) == [] or name == "extreme"


def lengths(ax):
    """How long each bar is, from the top."""
    found = {}
    for patch in ax.patches:
        if isinstance(patch, Rectangle):
            y = round(patch.get_y(), 3)
            found[y] = found.get(y, 0.0) + patch.get_width()
    return [found[y] for y in sorted(found)]


def test_bars_are_as_long_as_the_bytes_and_the_joules():
    result = samples.four_tiers()
    sizes = [size for tier in result.tiers.values() for size in (tier.read_total, tier.written_total)]
    sizes += [size for link in result.links.values() for size in (link.forward_total, link.backward_total)]
    assert lengths(traffic_by_class(result, detached(10, 6))) == [size for size in sizes if size]
    assert sum(lengths(energy_split([result, result], detached(10, 3)))) == pytest.approx(2 * result.total_energy_j)


def whiskers(ax):
    """The intervals that are drawn, each from its low to its high end."""
    lines = [line for line in ax.lines if line.get_label() == known.NAME]
    data = [line.get_ydata() if len(set(line.get_xdata())) == 1 else line.get_xdata() for line in lines]
    return [tuple(float(each) for each in ends) for ends in data]


def test_intervals_are_drawn_where_they_are_known():
    result = samples.four_tiers()
    ends_of = known_of(result)
    seconds = result.elapsed_ps / 1e12
    ends = pytest.approx((0.8 * seconds, 1.3 * seconds))
    assert whiskers(drawn(gallery.STALLS, result, intervals=ends_of)) == [ends]
    assert whiskers(drawn(gallery.STALLS, [result, result], intervals=[{}, ends_of])) == [ends]
    assert whiskers(drawn(gallery.ENERGY, result, intervals=ends_of)) == [pytest.approx(ends_of["energy_j.total"])]
    reads = [pytest.approx(ends_of[f"tiers.{name}.read_bytes"]) for name in result.tiers]
    assert whiskers(drawn(gallery.TRAFFIC, result, intervals=ends_of)) == reads
    roofs = {"machine": find_machine(MACHINE)}
    run = a_run()
    ax = drawn(gallery.ROOFLINE, run, intervals=known_of(run), **roofs)
    (low, high), *others = whiskers(ax)
    dot = next(line for line in ax.lines if line.get_marker() == "o").get_ydata()[0]
    assert (low, high) == pytest.approx((dot / 1.3, dot / 0.8))
    assert len(others) + 1 == sum(line.get_marker() == "o" for line in ax.lines)
    for picture in (gallery.BANDWIDTH, gallery.OCCUPANCY):  # where the run ends, above the strips
        ax = drawn(picture, run, intervals=known_of(run))
        low, high = whiskers(ax)[0]
        assert low / high == pytest.approx(0.8 / 1.3)
        assert ax.get_xlim()[1] == pytest.approx(high)
        assert "drawn machines end" in ax.get_xlabel()
        assert look.faults(ax) == []
        assert whiskers(drawn(picture, run)) == []
    title = next(words for words, _ in look.boxes(drawn(gallery.FLOW, result, intervals=ends_of)) if "moved" in words)
    assert title.endswith("61.4 s (49.1 s to 79.8 s) simulated")
    for picture in (gallery.STALLS, gallery.ENERGY, gallery.TRAFFIC, gallery.FLOW):
        assert whiskers(drawn(picture, result)) == []
        assert look.faults(drawn(picture, result, intervals=ends_of)) == []
    exact = dict.fromkeys(ends_of, (5.0, 5.0))
    assert whiskers(drawn(gallery.ENERGY, result, intervals=exact)) == [], "what does not change has no interval"


def test_strips_carry_the_bytes_and_the_levels(gallery_of):
    run = a_run()
    ax = bandwidth_over_time(run, detached(10, 8))
    areas = [patch for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_fill()]
    hops = [label.get_text() for label in ax.get_yticklabels()]
    assert (
        len(areas)
        == len(hops)
        == sum(bool(n) for tier in run.tiers.values() for n in (tier.read_total, tier.written_total))
        + sum(bool(n) for link in run.links.values() for n in (link.forward_total, link.backward_total))
    )
    ax = occupancy_over_time(run, detached(10, 4))
    heights = [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_fill()]
    for (values, _, low), tier in zip(heights, run.tiers.values(), strict=True):
        assert (low - values.min()) / 0.84 == pytest.approx(tier.peak_bytes / tier.capacity_bytes, abs=1e-9)


@pytest.mark.parametrize("config", ["kv_tiers.yaml", "flexgen_t4.yaml"])
def test_the_bandwidth_over_time_is_all_that_was_carried(config):
    """Over every port and link; of operations the bytes near their units are other than their FLOPs."""
    from hiersim.api.simulation import load

    few = ["replay.limit=3000"] if config == "kv_tiers.yaml" else ["trace.generate.params.gpu_batches=1"]
    result = load(Path(__file__).parents[2] / "configs" / config, [*few, "outputs.timeline=true"]).run()
    at = over_time.edges(result.timeline, 300)
    carried = {}
    for hop in result.timeline.hops:
        name = hop.partition(".")[0]
        rate = over_time.bandwidth(result.timeline, hop, at)
        carried[name] = carried.get(name, 0.0) + float((rate * np.diff(at)).sum()) / 1e12
    for name, tier in result.tiers.items():
        assert carried[name] == pytest.approx(tier.read_total + tier.written_total, rel=1e-6)
    for name, link in result.links.items():
        assert carried[name] == pytest.approx(link.forward_total + link.backward_total, rel=1e-6)


def test_load_is_that_of_all_units_at_each_time():
    requests = served().requests
    second = {name: values + (name == "time_ps") for name, values in requests.samples.items()}
    second["engine"] = second["engine"] + 1
    both = {name: np.concatenate([requests.samples[name], second[name]]) for name in second}
    order = np.argsort(both["time_ps"], kind="stable")
    two = replace(requests, samples={name: values[order] for name, values in both.items()})
    times, running = load_over_time.over_all(two, "running")
    seen = {0: 0, 1: 0}
    wanted = {}
    for row in range(len(two.samples["time_ps"])):
        seen[int(two.samples["engine"][row])] = int(two.samples["running"][row])
        wanted[int(two.samples["time_ps"][row])] = sum(seen.values())
    assert dict(zip(times.tolist(), running.tolist(), strict=True)) == wanted
    result = served()
    assert not gallery.LOAD.fits(samples.four_tiers())
    ax = drawn(gallery.LOAD, result)
    areas = [patch.get_data() for patch in ax.patches if isinstance(patch, StepPatch) and patch.get_fill()]
    held = requests.samples["held_bytes"].max() / requests.pool_bytes
    assert [(low - values.min()) / 0.84 for values, _, low in areas] == pytest.approx([1, 1, held])
    assert f"up to {requests.samples['queued'].max()} requests" in [words for words, _ in look.boxes(ax)]


def test_dots_stand_under_their_roofs():
    """What a run reached is at most what its unit, and the tier for its bytes, allow."""
    run, machine = a_run(), find_machine(MACHINE)
    peak = machine.units["gpu0"].flops["bf16"] * machine.units["gpu0"].efficiency
    dots = roofline.dots_of(machine, "gpu0", peak, run)
    assert [dot.tier for dot in dots] == [name for name, tier in run.tiers.items() if tier.read_total]
    for dot in dots:
        tier = machine.tiers[dot.tier]
        roof = dot.flops_per_byte * tier.read_bandwidth * tier.efficiency
        assert 0 < dot.flops_per_s <= min(peak, roof) * (1 + 1e-9)
        assert dot.flops_per_s / dot.flops_per_byte == pytest.approx(
            run.tiers[dot.tier].read_total / (run.elapsed_ps / 1e12)
        )


def test_operations_are_dots_and_a_wrong_unit_is_said():
    machine = find_machine(MACHINE)
    operations = [{"flops": 10**12, "bytes": 10**9, "duration_ps": 10**10}, {"flops": 0, "bytes": 5, "duration_ps": 5}]
    ax = roofline.roofline(None, detached(9, 5), machine=machine, operations=operations)
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in dots] == [(1000.0, 1e14)]
    with pytest.raises(ConfigError, match="did you mean `gpu0`"):
        roofline.roofline(None, machine=machine, unit="gpu1")
    with pytest.raises(ConfigError, match="does not compute in `bf61`; did you mean `bf16`"):
        roofline.roofline(None, machine=machine, dtype="bf61")


@pytest.mark.parametrize("share", [0.2, 0.35, 0.5, 0.62, 0.7])
def test_names_of_roofs_keep_clear_of_dots_and_their_names(share):
    """A dot just below the nearest roof, anywhere along it, with a long name below that."""
    machine = find_machine(MACHINE)
    bandwidth = machine.tiers["hbm"].read_bandwidth * 0.5
    intensity = 10 ** (-0.5 + 2.5 * share)
    rows = [{"name": "an operation of a long name", "flops": intensity * 1e9, "bytes": 1e9}]
    rows[0]["duration_ps"] = 1e9 / bandwidth * 1e12
    ax = roofline.roofline(None, detached(9, 5), machine=machine, operations=rows)
    assert look.faults(ax) == []
    look.drawn(ax)
    (dot,) = [line for line in ax.lines if line.get_marker() == "o"]
    x, y = ax.transData.transform((dot.get_xdata()[0], dot.get_ydata()[0]))
    for words, (x0, y0, x1, y1) in look.boxes(ax):
        assert not (x0 < x < x1 and y0 < y < y1), f"{words!r} covers the dot"


def test_the_map_frames_the_best_and_darker_is_more():
    ax = a_map()
    frames = {(p.get_x() + 0.46, p.get_y() + 0.44) for p in ax.patches if not p.get_fill()}
    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == ["optimum", "lru", "s3fifo", "./mine.py"]
    assert {(round(x), names[round(y)]) for x, y in frames} == {(0, "s3fifo"), (1, "lru"), (2, "lru")}
    light = [style.lightness(colour) for colour in policy_map.COLOURS]
    assert all(a - b > 0.06 for a, b in itertools.pairwise(light))


def test_classes_differ_in_grey_from_what_they_often_stand_beside():
    for pair in (
        ("kv", "weight"),
        ("kv", "activation"),
        ("weight", "activation"),
        ("weight", "expert"),
        ("kv", "page"),
    ):
        a, b = (style.lightness(style.CLASSES[name]) for name in pair)
        assert abs(a - b) > 0.08, pair
    assert len(set(style.colours_of_classes([*style.CLASSES, "x", "y", "z"]).values())) == len(style.CLASSES) + 3


def renew():
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, draw in pictures().items():
        imsave(GOLDEN / f"{name}.png", small(draw()))
        print(figure_of(draw()).get_size_inches(), name)


if __name__ == "__main__":
    renew()
