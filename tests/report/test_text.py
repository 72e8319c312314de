from __future__ import annotations

import dataclasses
import io
import os
from pathlib import Path

import pytest
from report import samples
from rich.cells import cell_len
from rich.console import Console

from hiersim.report.format import capacity, duration, joules, percent, plural, shorten, traffic
from hiersim.report.summary import as_text, print_summary

GOLDEN = Path(__file__).parent / "golden"
WROTE = [
    Path("runs/kv-3f9c") / name for name in ("result.json", "tables/tiers.parquet", "tables/links.parquet", "flow.svg")
]


def same(name, text):
    """Compare with the stored text; HIERSIM_GOLDEN=write stores it anew."""
    path = GOLDEN / name
    if os.environ.get("HIERSIM_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["four_tiers", "two_units", "empty", "extreme"])
def test_summary_reads_as_stored(name, width):
    same(f"{name}_{width}.txt", as_text(samples.ALL[name](), width, WROTE))


@pytest.mark.parametrize("width", [60, 80, 100, 160])
@pytest.mark.parametrize("name", samples.ALL)
def test_summary_fits_the_terminal(name, width):
    text = as_text(samples.ALL[name](), width, WROTE)
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert not any(line != line.rstrip() for line in text.splitlines())


def test_summary_answers_the_questions():
    text = as_text(samples.four_tiers(), 120, WROTE)
    for answer in (
        "61.4 s in 0.25 s",
        "4.61 TB",
        "cxl.read bandwidth",
        "stalled 62.0%",
        "1.56 kJ",
        "p99",
        "4 estimates",
    ):
        assert answer in text
    assert "runs/kv-3f9c/: result.json, tables/*.parquet, flow.svg" in text


def test_hit_shares_add_up():
    lines = as_text(samples.four_tiers(), 120).splitlines()
    start = next(i for i, line in enumerate(lines) if line.split()[:2] == ["tier", "hit"])
    shares = [cell for line in lines[start + 1 : start + 6] for cell in line.split()[1:3] if cell.endswith("%")]
    assert sum(float(share[:-1]) for share in shares) == pytest.approx(100)


def test_names_survive_in_a_narrow_terminal():
    text = "".join(as_text(samples.extreme(), 80).split())
    assert "another_tier_of_thirty_letters" in text
    assert "the_unit_has_thirty_characters" in text


def test_stalls_of_several_classes_name_them():
    text = as_text(samples.four_tiers(), 120)
    assert "flash.read latency (kv, weight)" in text
    assert "(weight)" not in as_text(samples.two_tiers(), 120)


def test_ascii_terminals_get_ascii_only():
    assert as_text(samples.four_tiers(), 80, WROTE, ascii_only=True).isascii()
    assert not as_text(samples.four_tiers(), 80).isascii()


def test_printing_on_an_ascii_terminal():
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    print_summary(samples.four_tiers("größer"), Console(file=file, width=80))
    file.flush()
    assert b"gr??er - 1,000 accesses" in file.buffer.getvalue()


def test_energy_says_what_it_leaves_out():
    about = {
        "energy_missing": ["tiers.dram.background_power", "links.pcie.energy"],
        "estimates": ["a", "b", "c", "d", "e"],
    }
    text = as_text(samples.four_tiers(provenance=about), 200)
    assert (
        "leaves out what 2 figures would add that the machine does not state: tiers.dram.background_power, links."
        in text
    )
    assert "5 estimates: a, b, c and 2 more" in text


def test_printing_in_colour_shows_the_same_words():
    file = io.StringIO()
    console = Console(file=file, width=120, force_terminal=True, color_system="standard")
    print_summary(samples.two_tiers(), console)
    assert "\x1b[" in file.getvalue()
    from rich.text import Text

    plain = "\n".join(line.rstrip() for line in Text.from_ansi(file.getvalue()).plain.splitlines())
    assert plain.strip() == as_text(samples.two_tiers(), 120).strip()


def test_names_are_not_markup():
    result = dataclasses.replace(samples.one_tier(), name="run[red]", machine="[bold]x")
    assert "run[red]" in as_text(result)
    assert "[bold]x" in as_text(result)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (percent(0), "0%"), (percent(1e-9), "<0.1%"), (percent(0.9999), ">99.9%"), (percent(1), "100%"),
        (percent(0.612), "61.2%"), (percent(1.5), "150%"), (joules(0), "0 J"), (joules(0.0034), "3.4 mJ"),
        (joules(201), "201 J"), (joules(4e12), "4 TJ"), (joules(2e-9), "2 nJ"), (traffic(4_610 * 10**9), "4.61 TB"),
        (capacity(40 * 2**30), "40 GiB"), (duration(61_400 * 10**9), "61.4 s"), (duration(3 * 3600 * 10**12), "3 h"),
        (duration(90 * 86400 * 10**12), "90 days"), (plural(1, "access", "accesses"), "1 access"),
        (plural(12_031, "access", "accesses"), "12,031 accesses"), (shorten("abcdefghij", 5), "ab…ij"),
        (shorten("abc", 3), "abc"),
    ],
)  # fmt: skip
def test_numbers_as_people_read_them(text, expected):
    assert text == expected
