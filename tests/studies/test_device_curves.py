"""The simulator against measured curves: what is asked of each holds, and the rest is as far off as is said here."""

import math
from pathlib import Path

import pytest
from studies.device_fits import MISSING, TABLE

from hiersim.errors import ConfigError
from hiersim.studies.device_curves import Curve, Line, Point, curves_of, mean_error, read_table, worst_error
from hiersim.studies.device_curves.__main__ import main
from hiersim.studies.device_curves.curve import Axes
from hiersim.studies.device_curves.page import FOLDER, PAGE, contents
from hiersim.studies.device_curves.scale import Scale
from hiersim.studies.device_curves.table import held_out

DOCS = Path(__file__).parents[2] / "docs"
here = pytest.mark.skipif(not TABLE.exists(), reason=MISSING)


@pytest.fixture(scope="module")
def every():
    return {curve.slug: curve for curve in curves_of(read_table(TABLE))}


def line(curve, label):
    return next(each for each in curve.lines if each.label.startswith(label))


def worst(points):
    """The largest error of some points, of which there must be some."""
    points = list(points)
    assert points
    return abs(worst_error(points))


@here
class TestAsked:
    """What devices must meet (devices.md, 2.5)."""

    def test_everything_that_is_asked_holds(self, every):
        assert [curve.slug for curve in every.values() if curve.asked] == [
            "graviton3", "cxl-mix", "graviton2-mix", "graviton4-mix", "cascade-lake-mix", "xeon-mix", "alder-lake-mix",
            "efa", "pcie5-model", "pcie-measured", "mqsim", "p4800x", "p3700", "micron-9100", "striping",
            "write-amplification", "chunks-ddr4", "chunks-ddr5", "chunks-hbm3",
        ]  # fmt: skip
        assert [curve.slug for curve in every.values() if not curve.holds] == []
        assert all(any(point.tolerance for point in curve.points) for curve in every.values() if curve.asked)

    def test_efa_writes_within_5_percent_and_reads_within_their_own_noise(self, every):
        writes, reads = line(every["efa"], "writes").points, line(every["efa"], "reads").points
        assert len(writes) == len(reads) == 6
        assert worst(p for p in writes if p.role == "fitted") < 0.02
        assert worst(p for p in writes if p.role == "held out") < 0.03
        assert worst(reads) < 0.07
        noisy = max(reads, key=lambda point: abs(point.error))
        assert noisy.x == 131072  # where the measured rate more than doubles with twice the size
        assert worst(p for p in reads if p is not noisy) < 0.05

    def test_pcie_measured_within_2_percent(self, every):
        points = {point.name: point for point in every["pcie-measured"].points}
        assert abs(points["A6000 Gen4 P2P"].error) < 0.02
        assert abs(points["H100 Gen5 D2H SM"].error) < 0.02
        assert (points["A6000 Gen4 P2P"].measured, points["H100 Gen5 D2H SM"].measured) == (26.34, 52.77)

    def test_pcie_copies_that_the_link_does_not_limit_are_faster_in_the_model(self, every):
        points = {point.name: point.error for point in every["pcie-measured"].points}
        assert 0.05 < points["V100 Gen3"] < 0.10
        assert 0.03 < points["A100 Gen4 H2D SM 512 MiB"] < 0.06
        assert 0.4 < points["H100 Gen5 H2D SM"] < 0.6

    def test_the_packet_model_in_each_direction_and_both_together_within_half_a_percent(self, every):
        curve = every["pcie5-model"]
        measured = {each.label: [p.measured for p in each.points] for each in curve.lines}
        assert measured["read"] == [43.31, 52.73, 52.73]
        assert measured["write"] == [41.35, 51.98, 51.98]
        assert measured["both directions, each"] == [32.49, 47.87, 49.84]
        assert worst(curve.points) < 0.005

    def test_mqsim_alone_within_2_percent_and_the_grid_within_15(self, every):
        curve = every["mqsim"]
        alone = [p for p in line(curve, "depth 1").points if p.x <= 1 << 20]
        assert len(alone) == 9
        assert worst(alone) < 0.02
        assert (len(curve.points), len(curve.of("fitted")), len(curve.of("held out"))) == (32, 20, 12)
        assert worst(curve.points) < 0.15
        assert worst(curve.of("held out")) < 0.10

    def test_mqsim_4_mib_at_depth_1_is_inside_the_grid_but_not_within_2_percent(self, every):
        largest = line(every["mqsim"], "depth 1").points[-1]
        assert largest.x == 4 << 20
        assert 0.02 < largest.error < 0.15

    def test_mqsim_4_mib_at_depth_32_is_nearer_to_what_its_own_latency_allows(self, every):
        largest = line(every["mqsim"], "depth 32").points[-1]
        assert (largest.x, largest.measured) == (4 << 20, 7.885)
        by_latency = 32 * (4 << 20) / 18778e-6 / 1e9
        assert by_latency < 0.91 * largest.measured
        assert largest.simulated == pytest.approx(by_latency, rel=0.07)

    def test_both_lines_of_the_graviton3_within_6_percent_below_095_of_the_cap(self, every):
        for label, count in (("100% reads", 21), ("58% reads", 17)):
            judged = [p for p in line(every["graviton3"], label).points if p.tolerance]
            assert len(judged) == count
            assert worst(p for p in judged if p.role == "fitted") < 0.035
            assert worst(p for p in judged if p.role == "held out") < 0.035

    def test_latency_rises_two_to_four_times_at_the_cap_without_being_fitted_there(self, every):
        for each in every["graviton3"].lines:
            idle, loaded = each.model[0][1], each.model[-1][1]
            assert 2.0 < loaded / idle < 4.0
            assert all(p.role == "beyond" for p in each.points if p.x >= 0.97 * each.model[-1][0])

    def test_the_cxl_mix_rises_and_is_within_10_percent(self, every):
        points = every["cxl-mix"].points
        assert [p.measured for p in points] == [17.8, 23.6, 25.1, 27.2]
        assert worst(points) < 0.10
        simulated = [p.simulated for p in points]
        assert simulated[0] < simulated[1] < simulated[2]
        assert simulated[3] >= simulated[2] * 0.999  # both at the medium's limit

    @pytest.mark.parametrize(
        "slug", ["graviton2-mix", "graviton4-mix", "cascade-lake-mix", "xeon-mix", "alder-lake-mix"]
    )
    def test_memory_loses_to_mixes(self, every, slug):
        simulated = [p.simulated for p in every[slug].points]
        assert simulated == sorted(simulated, reverse=True)

    def test_striping_within_10_percent(self, every):
        points = every["striping"].points
        assert [(p.x, p.measured) for p in points] == [(1, 5), (3, 15), (4, 18), (6, 20)]
        assert worst(points) < 0.06

    @pytest.mark.parametrize("slug", ["p4800x", "p3700", "micron-9100"])
    def test_drives_at_depth_1_and_16_within_10_percent(self, every, slug):
        assert [p.x for p in every[slug].points] == [1, 16]
        assert worst(every[slug].points) < 0.04

    def test_write_amplification_within_3_percent_at_every_spare_share(self, every):
        points = every["write-amplification"].points
        assert [p.measured for p in points] == [7.26, 3.48, 2.45, 1.97, 1.24]
        assert worst(points) < 0.015

    @pytest.mark.parametrize("slug", ["chunks-ddr4", "chunks-ddr5", "chunks-hbm3"])
    def test_random_chunks_of_4_kib_and_more_within_3_percent(self, every, slug):
        reads = [p for p in line(every[slug], "reads").points if p.x >= 4096]
        assert [p.tolerance for p in reads] == [0.03] * 3
        assert [p.role for p in reads] == ["fitted", "held out", "fitted"]
        assert worst(reads) < 0.015


@here
class TestReported:
    """Curves of which nothing is asked: how far off they are, with little room."""

    @pytest.mark.parametrize(
        ("slug", "fitted", "held"),
        [
            ("a64fx", 0.025, 0.035),
            ("cxl-x8-90", 0.01, 0.01),
            ("cxl-x8-58", 0.01, 0.01),
            ("xeon", 0.01, 0.01),
            ("alder-lake", 0.015, 0.09),  # one held-out point, 8.6%: the log goes 158.7, 158.2 ns there
            ("ramulator-ddr5-load", 0.09, 0.07),
            ("ramulator-hbm3-load", 0.14, 0.14),
            ("rows-ddr4", 0.005, 0.005),
            ("rows-ddr5", 0.005, 0.005),
            ("rows-hbm3", 0.01, 0.03),
            ("rows-hbm2", 0.01, 0.01),
            ("rows-lpddr5", 0.005, 0.005),
            ("rows-gddr6", 0.01, 0.015),
        ],
    )
    def test_fitted_curves(self, every, slug, fitted, held):
        curve = every[slug]
        assert worst(curve.of("fitted")) < fitted
        assert worst(curve.of("held out")) < held

    @pytest.mark.parametrize(("slug", "most"), [("chunks-ddr4", 0.09), ("chunks-ddr5", 0.06), ("chunks-hbm3", 0.14)])
    def test_random_chunks_partly_written_turn_around_more_than_streams(self, every, slug, most):
        mixed = [p for p in line(every[slug], "33% writes").points if p.x >= 4096]
        assert [p.role for p in mixed] == ["free", "free"]
        small, large = (p.error for p in mixed)
        assert abs(large) < 0.05 < small < most

    @pytest.mark.parametrize(
        ("slug", "most"), [("dramsim3-ddr4", 0.13), ("dramsim3-hbm2", 0.05), ("dramsim3-lpddr4", 0.04)]
    )
    def test_the_other_cycle_simulator(self, every, slug, most):
        assert worst(every[slug].of("free")) < most

    def test_activation_energy_at_64_bytes_4_kib_and_streaming(self, every):
        points = {p.x: p for p in every["dramsim3-energy"].of("free")}
        assert [points[x].measured for x in (64, 4096, 65536, 1 << 20)] == [32.98, 21.61, 18.39, 18.3]
        assert worst(points.values()) < 0.03

    def test_drives_by_size(self, every):
        assert worst(every["firecuda-530"].of("fitted")) < 0.01
        assert -0.12 < worst_error(every["firecuda-530"].of("free")) < -0.10  # bends more sharply than p = 3
        assert worst(every["m3-max-ssd"].of("fitted")) < 0.01
        assert worst_error(every["m3-max-ssd"].of("beyond")) < -0.6  # sequential reads are another regime
        assert worst(every["mqsim-default"].of("fitted")) < 0.01


@here
class TestHeldOut:
    def test_a_third_of_every_fitted_curve_with_more_than_nine_points(self, every):
        for curve in every.values():
            covered = curve.of("fitted", "held out")
            if len(covered) > 9:
                assert 0.25 < len(curve.of("held out")) / len(covered) < 0.45, curve.slug

    def test_curves_without_fitted_parameters_have_no_fitted_points(self, every):
        for curve in every.values():
            assert bool(curve.fitted) == bool(curve.of("fitted")), curve.slug

    def test_every_curve_of_the_table_is_drawn_or_named_on_the_page(self, every):
        table = read_table(TABLE)
        page = contents(list(every.values()))[PAGE]
        measured = {round(p.measured, 3) for curve in every.values() for p in curve.points}
        missing = {row.curve for row in table.rows if round(row.y, 3) not in measured}
        assert missing == {"ssd_random_write_sim", "chunk_size_sim", "ssd_bw_vs_size"}
        assert "82590, 78694 and 43104 pages" in page
        assert "keep a stream in one bank group" in page
        assert "0.12 and 32.1 GB/s on an M3 Max" in page


@here
class TestPage:
    def test_it_is_current(self, every):
        for name, content in contents(list(every.values())).items():
            assert (DOCS / name).read_text(encoding="utf-8") == content, f"{name}: make it again, see its head"

    def test_it_has_no_picture_too_many(self, every):
        assert sorted(path.stem for path in (DOCS / FOLDER).iterdir()) == sorted(every)

    def test_every_heading_is_its_own(self, every):
        titles = [curve.title for curve in every.values()]
        assert len(set(titles)) == len(titles)

    def test_the_command_writes_it(self, tmp_path, capsys):
        assert main([str(TABLE), str(tmp_path)]) == 0
        assert "40 files in" in capsys.readouterr().out
        assert (tmp_path / PAGE).read_bytes() == (DOCS / PAGE).read_bytes()


def test_wrong_words_and_tables_are_explained(tmp_path, capsys):
    assert main([]) == 2
    assert "usage: python -m hiersim.studies.device_curves TABLE FOLDER" in capsys.readouterr().err
    assert main([str(tmp_path / "none.csv"), str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a,b\n1,2\n", "has no column curve, device, x, x_unit, y, y_unit, detail, source"),
        ("curve,device,x,x_unit,y,y_unit,detail,source\nc,d,1,,fast,,,s\n", "csv:2  y  `fast` is not a number"),
        ("curve,device,x,x_unit,y,y_unit,detail,source\nc,d,1,,inf,,,s\n", "csv:2  y  `inf` is not a number"),
        ("curve,device,x,x_unit,y,y_unit,detail,source\nc,d,1\n", "csv:2  x_unit  has no value: the line is too short"),
        (
            "curve,device,x,x_unit,y,y_unit,detail,source\nc,d,1,,2,,,s\n",
            "has no points of `loaded_latency` for `Graviton3`",
        ),
    ],
)
def test_a_table_that_is_none(tmp_path, text, says):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ConfigError) as raised:
        curves_of(read_table(path))
    assert says in str(raised.value)


def test_which_points_are_held_out():
    assert [i for i, held in enumerate(held_out(12)) if held] == [1, 4, 7, 10]
    assert not any(held_out(9))
    assert [i for i, held in enumerate(held_out(5, of=10)) if held] == [1, 4]


def test_errors_of_points():
    points = (Point(1, 10.0, 11.0, "fitted", 0.05), Point(2, 10.0, 8.0, "held out"), Point(3, 10.0, 30.0, "beyond"))
    curve = Curve("c", "f", "t", "p", (), Axes("x", "y"), (Line("l", points),), "s")
    assert [point.holds for point in points] == [False, True, True]
    assert not curve.holds
    assert mean_error(curve.of("fitted", "held out")) == pytest.approx(0.15)
    assert worst_error(curve.of("fitted", "held out")) == pytest.approx(-0.2)
    assert mean_error([]) == worst_error([]) == 0.0


@pytest.mark.parametrize(
    ("scale", "words"),
    [
        (Scale(0, 300, 0, 1), ["0", "50", "100", "150", "200", "250", "300"]),
        (Scale(0.09, 8, 0, 1, log=True), ["0.1", "0.2", "0.5", "1", "2", "5"]),
        (Scale(1, 16, 0, 1, log=True), ["1", "2", "4", "8", "16"]),
        (Scale(4096, 1 << 22, 0, 1, log=True, sizes=True), ["4 KiB", "16 KiB", "64 KiB", "256 KiB", "1 MiB", "4 MiB"]),
    ],
)
def test_marks_of_axes(scale, words):
    assert [said for _, said in scale.marks()] == words
    places = [scale.at(value) for value, _ in scale.marks()]
    assert places == sorted(places)
    assert not any(math.isnan(place) for place in places)
