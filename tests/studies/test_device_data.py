"""Measured points from CSV: every way of writing them, and one line for each thing that is wrong."""

import pytest

from hiersim.errors import ConfigError
from hiersim.studies.device_data import STRICT, read_data

ROW = "4096,1,1.0,89000000,0.000046"


@pytest.fixture
def data(tmp_path):
    def write(text):
        path = tmp_path / "data.csv"
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (STRICT, ROW),
        ("size,queue_depth,read_share,bandwidth,latency", "4 KiB,1,100%,89 MB/s,46 us"),
        ("size_kib,queue_depth,direction,bandwidth_mb_s,latency_us,bound,note", "4,1,read,89,46,latency,warm"),
        ("latency_ns,bandwidth_mb_per_s,read_share,queue_depth,size_bytes", "46000,89,1,1,4 KiB"),
    ],
)
def test_units_stand_in_the_header_or_in_the_cell(data, header, row):
    found = read_data(data(f"{header}\n{row}\n\n{row}\n"))
    assert [each.line for each in found.rows] == [2, 4]
    first = found.rows[0]
    assert (first.size_bytes, first.queue_depth, first.share) == (4096, 1, 1.0)
    assert (first.bandwidth_bytes_per_s, first.latency_ps) == (89e6, 46e6)
    assert (first.background_bytes_per_s, first.background_share, first.accuracy) == (0.0, 1.0, 0.05)
    assert not found.link


def test_links_have_directions(data):
    header = "size_bytes,queue_depth,direction,bandwidth_bytes_per_s"
    found = read_data(data(f"{header}\n4096,1,forward,1e9\n4096,1,backward,1e9\n4096,8,both,1e9\n"))
    assert found.link
    assert [row.share for row in found.rows] == [1.0, 0.0, 0.5]


@pytest.mark.parametrize(
    ("text", "line", "where", "words"),
    [
        ("", 1, "", "is empty; expected a header such as size_bytes"),
        (f"{STRICT}\n", 1, "rows", "0 points; 2 to 10,000 can be fitted"),
        (f"{STRICT}\n{ROW}\n", 2, "rows", "1 point; 2 to 10,000"),
        (f"size_bytes,read_share,latency_s\n{ROW}\n", 1, "queue_depth", "column is missing"),
        ("size_bytes,queue_depth,read_share\n1,1,1\n", 1, "bandwidth or latency", "column is missing"),
        (f"{STRICT},latencies\n{ROW},1\n", 1, "latencies", "no such column; did you mean `latency`?"),
        (f"{STRICT},latency\n{ROW},1\n", 1, "latency", "is the column `latency_s` again"),
        (f"{STRICT},forward_share\n{ROW},1\n", 1, "forward_share", "a file has one of them"),
        (f"{STRICT}\n4096,1,1.0,89000000\n{ROW}\n", 2, "line", "has 4 cells, the header has 5"),
        (f"{STRICT}\n{ROW}\n-4096,1,1.0,89000000,0.000046\n", 3, "size_bytes", "`-4096 B` is negative"),
        (f"{STRICT}\n{ROW}\nbig,1,1.0,89000000,0.000046\n", 3, "size_bytes", "`big` is not a size"),
        (f"{STRICT}\n{ROW}\n4096,1,1.0,45 us,0.000046\n", 3, "bandwidth_bytes_per_s", "`45 us` is a time"),
        (f"{STRICT}\n{ROW}\n4096,0,1.0,89000000,0.000046\n", 3, "queue_depth", "`0` is not 1 to 4096"),
        (f"{STRICT}\n{ROW}\n4096,1.5,1.0,89000000,0.000046\n", 3, "queue_depth", "`1.5` is not 1 to 4096"),
        (f"{STRICT}\n{ROW}\n4096,1,1.5,89000000,0.000046\n", 3, "read_share", "`1.5` is not a share of 1"),
        (f"{STRICT}\n{ROW}\n4096,1,nan,89000000,0.000046\n", 3, "read_share", "`nan` is not a share of 1"),
        (f"{STRICT}\n{ROW}\n4096,1,1.0,,\n", 3, "bandwidth", "is empty, and so is the other one"),
        (f"{STRICT}\n{ROW}\n4096,1,1.0,89000000,46\n", 3, "latency_s", "one of them is off by a factor of about 1e+06"),
        (f"{STRICT}\n{ROW}\n4096,1,1.0,712000000,0.000046\n", 3, "latency_s", "(bits and bytes?)"),
        (f"{STRICT}\n{ROW}\n4096,1,1.0,89,\n", 3, "bandwidth_bytes_per_s", "`89 B/s` cannot have been measured"),
        ("size,queue_depth,read_share,latency\n4096,1,1,46 us\n", 2, "size", "`4096` has no unit; expected a size"),
        ("size_kib,queue_depth,direction,latency_s\n1,1,raed,1\n", 2, "direction", "did you mean `read`?"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_line_with_file_line_and_column(data, text, line, where, words):
    path = data(text)
    with pytest.raises(ConfigError) as caught:
        read_data(path)
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line, mistake.where) == (str(path), line, where)
    assert words in mistake.what
    assert "\n" not in str(mistake)


def test_a_slip_in_a_whole_column_is_told_once(data):
    rows = "\n".join("4096,1,1.0,89000000,46" for _ in range(30))
    with pytest.raises(ConfigError, match="and 29 more lines like it") as caught:
        read_data(data(f"{STRICT}\n{rows}\n"))
    assert len(caught.value.mistakes) == 1


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", None])
def test_what_cannot_be_read_is_said(tmp_path, content):
    path = tmp_path / "data.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"data\.csv  (cannot be read|is not text)"):
        read_data(path)
