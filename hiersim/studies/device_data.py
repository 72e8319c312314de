"""Reading what a user measured of a device: one point per line of a CSV file, every figure with its unit.

The strict form has the base units in its header, and plain numbers below:

    size_bytes,queue_depth,read_share,bandwidth_bytes_per_s,latency_s
    4096,1,1.0,89000000,0.000046

A header may name another unit (``latency_us``, ``bandwidth_gb_s``), and a cell may have its own (``4 KiB``, ``45 us``).
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hiersim.errors import ConfigError, Mistake, nearest
from hiersim.units import UnitError, parse, show

UNITS = {
    "bytes": "B", "b": "B", "kb": "kB", "mb": "MB", "gb": "GB", "kib": "KiB", "mib": "MiB", "gib": "GiB",
    "s": "s", "ms": "ms", "us": "us", "ns": "ns", "ps": "ps",
    **{f"{size}_{per}": f"{unit}/s" for size, unit in (
        ("bytes", "B"), ("b", "B"), ("kb", "kB"), ("mb", "MB"), ("gb", "GB"), ("tb", "TB"), ("kib", "KiB"),
        ("mib", "MiB"), ("gib", "GiB"),
    ) for per in ("s", "per_s")},
}  # fmt: skip
"""What a header may end with, and the unit that plain numbers below it are in."""
QUANTITIES = {"size": "bytes", "bandwidth": "bytes/s", "latency": "time", "background": "bytes/s"}
"""Columns of quantities with units, and their dimensions."""
NUMBERS = ("queue_depth", "read_share", "forward_share", "background_read_share", "accuracy")
"""Columns of plain numbers."""
DIRECTIONS = {
    "read": ("read_share", 1.0),
    "write": ("read_share", 0.0),
    "forward": ("forward_share", 1.0),
    "backward": ("forward_share", 0.0),
    "both": ("forward_share", 0.5),
}
"""What a column ``direction`` may say instead of a share."""
UNUSED = ("latency_p50", "latency_p99", "bound", "energy_pj_per_bit", "note")
"""Columns that may be there, and say nothing about the parameters."""
STRICT = "size_bytes,queue_depth,read_share,bandwidth_bytes_per_s,latency_s"
RANGES = {"bandwidth": (1e3, 1e16), "latency": (100.0, 1e14), "size": (1, 2**40), "background": (0, 1e16)}
"""What can have been measured: bytes/s, picoseconds, bytes, bytes/s."""
APART = 3.0
"""Bandwidth x latency / size may differ from the queue depth by this factor before one of them must be wrong."""
MOST_ROWS, MOST_DEPTH = 10_000, 4096


@dataclass(frozen=True)
class Row:
    """One measured point.

    Attributes:
        line: where it stands in the file, from 1.
        size_bytes: of an access.
        queue_depth: accesses outstanding.
        share: of reads; of a link, of forward transfers.
        bandwidth_bytes_per_s, latency_ps: what was measured; one of them may be ``None``.
        background_bytes_per_s: traffic of others, of which ``background_share`` are reads.
        accuracy: how close a model is asked to come, as a share; points weigh by its inverse.
    """

    line: int
    size_bytes: int
    queue_depth: int
    share: float
    bandwidth_bytes_per_s: float | None
    latency_ps: float | None
    background_bytes_per_s: float = 0.0
    background_share: float = 1.0
    accuracy: float = 0.05


@dataclass(frozen=True)
class Data:
    """What a file holds: its name, the SHA-256 of its bytes, its points, and whether they are those of a link."""

    name: str
    sha256: str
    rows: tuple[Row, ...]
    link: bool


@dataclass(frozen=True)
class Column:
    """A column: where it is, how it is headed, what it holds, and the unit of plain numbers in it."""

    index: int
    heading: str
    unit: str


def read_data(path: str | Path) -> Data:
    """Read measured points.

    Args:
        path: a CSV file with a header.

    Raises:
        ConfigError: it cannot be read, a column is missing, or a cell holds no such figure; one line per column, with
            file, line and column.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except OSError as why:
        raise ConfigError([Mistake("", f"cannot be read: {why.strerror}", str(path))]) from why
    except UnicodeDecodeError as why:
        raise ConfigError([Mistake("", "is not text in UTF-8, so it is no CSV file", str(path))]) from why
    reader = csv.reader(text.splitlines())
    header = next(reader, None)
    if header is None or not any(cell.strip() for cell in header):
        what = f"is empty; expected a header such as {STRICT}, and a point per line"
        raise ConfigError([Mistake("", what, str(path), 1)])
    columns = _columns([cell.strip() for cell in header], str(path))
    rows = _Reader(str(path), columns, len(header)).all(reader)
    return Data(path.name, hashlib.sha256(content).hexdigest(), *rows)


def _columns(header: list[str], file: str) -> dict[str, Column]:
    """Return the columns by name, without their units."""
    found: dict[str, Column] = {}
    wrong: list[Mistake] = []
    known = [*QUANTITIES, *NUMBERS, "direction", *UNUSED]
    for i, heading in enumerate(header):
        name, unit = _named(heading.lower())
        if not name:
            what = f"no such column{nearest(heading.lower(), known)} (columns are {', '.join(known)})"
            wrong.append(Mistake(heading or f"column {i + 1}", what, file, 1))
        elif name in found:
            wrong.append(Mistake(heading, f"is the column `{found[name].heading}` again", file, 1))
        found[name] = Column(i, heading, unit)
    for group in (("size",), ("queue_depth",), ("read_share", "forward_share", "direction"), ("bandwidth", "latency")):
        if not wrong and not set(group) & set(found):
            wrong.append(Mistake(" or ".join(group), f"column is missing; the header is such as {STRICT}", file, 1))
    if not wrong and {"read_share", "forward_share"} <= set(found):
        wrong.append(Mistake("forward_share", "is of a link, `read_share` of a tier; a file has one of them", file, 1))
    if wrong:
        raise ConfigError(wrong)
    return found


def _named(heading: str) -> tuple[str, str]:
    """Return the column that a heading names, and the unit that it ends with; empty names for unknown ones."""
    if heading in (*NUMBERS, "direction", *UNUSED) or heading in QUANTITIES:
        return heading, ""
    for name in (*QUANTITIES, *UNUSED):
        ending = heading.removeprefix(f"{name}_")
        if ending != heading and ending in UNITS:
            return name, UNITS[ending]
    return "", ""


class _Reader:
    """Reads the lines below a header, and gathers what is wrong: the first mistake of each column."""

    def __init__(self, file: str, columns: Mapping[str, Column], width: int) -> None:
        self._file, self._columns, self._width = file, columns, width
        self._wrong: dict[str, tuple[Mistake, int]] = {}
        self._line = 1
        self._link = "forward_share" in columns

    def all(self, reader: Iterator[list[str]]) -> tuple[tuple[Row, ...], bool]:
        """Return the points, and whether they are those of a link."""
        rows = []
        for self._line, cells in enumerate(reader, 2):
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != self._width:
                self._note("line", f"has {len(cells)} cells, the header has {self._width}")
                continue
            row = self._row([cell.strip() for cell in cells])
            if row is not None:
                rows.append(row)
        if not self._wrong and not 2 <= len(rows) <= MOST_ROWS:
            count = "1 point" if len(rows) == 1 else f"{len(rows):,} points"
            self._note("rows", f"{count}; 2 to {MOST_ROWS:,} can be fitted, and 10 or more can be checked")
        if self._wrong:
            raise ConfigError([self._told(*found) for found in self._wrong.values()])
        return tuple(rows), self._link

    def _told(self, mistake: Mistake, times: int) -> Mistake:
        more = f" (and {times - 1:,} more line{'s' * (times > 2)} like it)" if times > 1 else ""
        return Mistake(mistake.where, mistake.what + more, mistake.file, mistake.line)

    def _note(self, where: str, what: str) -> None:
        first, times = self._wrong.get(where, (Mistake(where, what, self._file, self._line), 0))
        self._wrong[where] = (first, times + 1)

    def _row(self, cells: list[str]) -> Row | None:
        before = sum(times for _, times in self._wrong.values())
        size, bandwidth, latency, background = (self._quantity(cells, name) for name in QUANTITIES)
        depth = self._number(cells, "queue_depth", lambda n: 1 <= n <= MOST_DEPTH and n == int(n), f"1 to {MOST_DEPTH}")
        shared = self._number(cells, "background_read_share", lambda n: 0 <= n <= 1, "a share of 1")
        accuracy = self._number(cells, "accuracy", lambda n: 0 < n <= 10, "a share of more than 0")
        share = self._share(cells)
        if sum(times for _, times in self._wrong.values()) > before:
            return None
        if bandwidth is None and latency is None:
            self._note("bandwidth" if "bandwidth" in self._columns else "latency", "is empty, and so is the other one")
            return None
        assert size is not None
        assert depth is not None
        shared = 1.0 if shared is None else shared
        figures = (int(size), int(depth), share, bandwidth, latency, background or 0.0, shared)
        row = Row(self._line, *figures, accuracy or Row.accuracy)
        return row if self._agrees(row) else None

    def _quantity(self, cells: list[str], name: str) -> float | None:
        column = self._columns.get(name)
        if column is None:
            return None
        cell = cells[column.index]
        if not cell:
            if name == "size":
                self._note(column.heading, "is empty")
            return None
        try:
            value = parse(f"{cell} {column.unit}" if column.unit and _is_number(cell) else cell, QUANTITIES[name])
        except UnitError as why:
            self._note(column.heading, str(why))
            return None
        low, high = RANGES[name]
        if not low <= value <= high:
            words = [show(each, QUANTITIES[name]) for each in (value, low, high)]
            self._note(column.heading, f"`{words[0]}` cannot have been measured: a {name} is {words[1]} to {words[2]}")
            return None
        return float(value)

    def _number(self, cells: list[str], name: str, fits: Callable[[float], bool], allowed: str) -> float | None:
        column = self._columns.get(name)
        cell = cells[column.index] if column else ""
        if column is None or not cell:
            if name in ("queue_depth", "read_share", "forward_share"):
                self._note(column.heading if column else name, "is empty")
            return None
        try:
            value = float(cell.removesuffix("%")) / (100.0 if cell.endswith("%") else 1.0)
        except ValueError:
            self._note(column.heading, f"`{cell[:40]}` is not a number")
            return None
        if not fits(value):
            self._note(column.heading, f"`{cell[:40]}` is not {allowed}")
            return None
        return value

    def _share(self, cells: list[str]) -> float:
        for name in ("read_share", "forward_share"):
            if name in self._columns:
                return self._number(cells, name, lambda n: 0 <= n <= 1, "a share of 1") or 0.0
        column = self._columns["direction"]
        word = cells[column.index].lower()
        if word not in DIRECTIONS:
            what = f"`{word[:40]}` is not one of {', '.join(DIRECTIONS)}{nearest(word, DIRECTIONS)}"
            self._note(column.heading, what)
            return 0.0
        of, share = DIRECTIONS[word]
        self._link = self._link or of == "forward_share"
        return share

    def _agrees(self, row: Row) -> bool:
        """Check bandwidth against latency: together they say how many accesses were in flight (Little's law)."""
        if row.bandwidth_bytes_per_s is None or row.latency_ps is None:
            return True
        flying = row.bandwidth_bytes_per_s * row.latency_ps / 1e12 / row.size_bytes
        off = max(flying / row.queue_depth, row.queue_depth / flying)
        if off <= APART:
            return True
        shown = show(row.bandwidth_bytes_per_s, "bytes/s"), show(row.latency_ps, "time"), f"{row.size_bytes:,} B"
        what = (
            f"{shown[0]} x {shown[1]} / {shown[2]} is {flying:.3g} accesses in flight, not {row.queue_depth}: one of "
            f"them is off by a factor of about {off:.3g}{_slip(off)}"
        )
        self._note(self._columns["latency"].heading, what)
        return False


def _slip(factor: float) -> str:
    """Say which slip of units makes such a factor."""
    slips = {8.0: "bits and bytes?", 1e3: "one prefix?", 1e6: "two prefixes?", 1e9: "three prefixes?"}
    return next((f" ({word})" for slip, word in slips.items() if 0.6 <= factor / slip <= 1.6), "")


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
