"""``hiersim devices measure``: what it shows, what it writes."""

import csv
import json

import pytest

ASKED = ("devices", "measure", "980-pro-1t", "--size", "4KiB,1MiB", "--depth", "1,16")


def test_it_shows_size_by_depth(cli):
    code, out, err = cli(*ASKED)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "980-pro-1t · Samsung 980 PRO 1TB (Gen4)"
    assert lines[2] == "bandwidth, reads"
    assert lines[3].split() == ["size", "depth", "1", "depth", "16"]
    assert lines[4].split()[:2] == ["4", "KiB"]
    assert "3 other shares of reads: --all" in out


def test_all_shares_have_a_row_each(cli):
    _, out, _ = cli(*ASKED, "--all", "--reads", "1,0.5,0")
    assert len([line for line in out.splitlines() if line.startswith(("reads", "50% reads", "writes  "))]) == 12


def test_json_has_the_points(cli):
    code, out, _ = cli(*ASKED, "--json", "-")
    found = json.loads(out)
    assert code == 0
    assert len(found["points"]) == 2 * 2 * 4
    assert found["points"][0]["size_bytes"] == 4096
    assert found["points"][0]["bandwidth_bytes_per_s"] == pytest.approx(4096 / 46e-6, rel=0.01)


def test_csv_is_what_calibrate_reads(cli, tmp_path):
    code, _, _ = cli(*ASKED, "--csv", "points.csv")
    rows = list(csv.DictReader((tmp_path / "points.csv").read_text().splitlines()))
    assert code == 0
    assert len(rows) == 16
    assert float(rows[0]["latency_s"]) == pytest.approx(46e-6, rel=0.01)
    code, out, err = cli("calibrate", "device", "points.csv", "--kind", "flash", "--name", "again")
    assert code == 0, err
    assert "again · flash · 16 points of points.csv" in out


def test_pictures_are_written_and_the_same_each_time(cli, tmp_path):
    code, _, err = cli(*ASKED, "--out", "first")
    assert code == 0, err
    cli(*ASKED, "--out", "second", "--quiet")
    names = {path.name for path in (tmp_path / "first").iterdir()}
    drawn = ("bandwidth_over_size", "latency_over_depth", "bandwidth_over_share", "write_cache")
    assert names == {f"{name}.{ending}" for name in drawn for ending in ("png", "svg")}
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


def test_latency_under_load_is_shown_and_drawn(cli, tmp_path):
    code, out, err = cli("devices", "measure", "ddr5-4800-8ch", "--size", "4KiB", "--depth", "1", "--out", "pictures")
    assert code == 0, err
    assert "latency of 64 B, alone beside a background" in out
    assert (tmp_path / "pictures" / "latency_over_load.png").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--size", "4kb"), "--size  unknown unit `kb`"),
        (("--depth", "x"), "--depth  `x` is not a count"),
        (("--reads", "2"), "--reads  `2` is out of range"),
        (("--set", "read_latency"), "--set  `read_latency` is not FIGURE=VALUE"),
        (("--json", "-", "--csv", "-"), "standard output is taken by --json"),
    ],
)
def test_mistakes_are_one_line(cli, arguments, words):
    code, out, err = cli("devices", "measure", "980-pro-1t", *arguments)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[0]
    assert len(err.splitlines()) == 2
