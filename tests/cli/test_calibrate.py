"""``hiersim calibrate device``: from a CSV file to a part that machines can use."""

import json

import pytest

HEADER = "size,queue_depth,read_share,latency"


@pytest.fixture
def data(tmp_path):
    rows = [f"{size} KiB,1,1,{80 + size * 1024 / 5000:.4f} us" for size in (4, 16, 64, 256, 1024)]
    (tmp_path / "data.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return "data.csv"


def test_it_writes_a_part_that_can_be_measured(cli, data, tmp_path):
    code, out, err = cli("calibrate", "device", data, "--name", "my-drive", "--kind", "flash")
    assert code == 0, err
    assert "my-drive · flash · 5 points of data.csv" in out
    assert "read_latency    80 us" in out
    assert "write_bandwidth: no point that is fitted is of writes alone" in out
    assert "wrote my_drive.yaml; try: hiersim devices measure ./my_drive.yaml" in err
    code, out, err = cli("devices", "measure", "./my_drive.yaml", "--size", "4KiB", "--depth", "1")
    assert code == 0, err
    assert "50.7 MB/s" in out  # 4 KiB in 80.8 us
    code, out, err = cli("devices", "./my_drive.yaml")
    assert code == 0, err
    assert "measured" in out


def test_json_has_parameters_and_errors(cli, data):
    code, out, _ = cli("calibrate", "device", data, "--json", "-", "--quiet", "--out", "x.yaml")
    found = json.loads(out)
    assert code == 0
    assert found["parameters"]["read_bandwidth"]["value"] == pytest.approx(5e9, rel=0.02)
    assert found["groups"][-1]["group"] == "all"
    assert found["groups"][-1]["held_out"] is None
    assert found["undetermined"]["write_latency"] == "no point that is fitted is of writes alone"


def test_a_point_that_nothing_comes_near_is_named(cli, data, tmp_path):
    with (tmp_path / data).open("a") as file:
        file.write("128 KiB,1,1,106 ns\n8 KiB,1,1,81.6 us\n32 KiB,1,1,86.5 us\n")
    _, _, err = cli("calibrate", "device", data, "--kind", "flash")
    assert "data.csv:7: the fit misses it by more than a factor of 3" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.csv",), "none.csv  cannot be read: No such file or directory"),
        (("data.csv", "--name", "My Drive"), "--name  `My Drive` is not a name"),
        (("data.csv", "--kind", "flas"), "--kind  no kind `flas`; did you mean `flash`?"),
        (("data.csv", "--page", "16"), "--page  `16` has no unit"),
        (("data.csv", "--page", "0"), "--page  must be more than 0"),
    ],
)
def test_mistakes_are_one_line_and_nothing_is_written(cli, data, tmp_path, arguments, words):
    code, out, err = cli("calibrate", "device", *arguments)
    assert (code, out) == (2, "")
    assert words in err.splitlines()[0]
    assert {path.name for path in tmp_path.iterdir()} == {"data.csv"}
