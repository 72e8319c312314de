"""The page of all curves: a table at the head, a section with a picture for each, what is not modelled at the end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from hiersim.studies.device_curves.curve import Curve, Figure, Point, mean_error, worst_error
from hiersim.studies.device_curves.picture import picture
from hiersim.traces.writing import replacing

PAGE, FOLDER = "devices.md", "device_curves"
"""The page, and the folder of its pictures beside it."""
INTRODUCTION = """# Devices against measured curves

Every curve here was measured on hardware or made by a cycle simulator, and is held against the simulator of this
package: a part of the catalogue, alone, in the same compiled core that runs scenarios (`hiersim.api.measure` drives
it). Nothing is read back from a table of the curve: a part has the few parameters that are named with it, and stands in
the catalogue with the source of each.

- **Fitted** points are those that a parameter was fitted to. **Held out** are points that no fit may use: of every
  curve with more than nine points to which parameters were fitted, every third one of each line (the second, the
  fifth, ... by `x`; in grids of several short lines the count runs on from line to line). **Free** points lie on
  curves, or parts of curves, that no parameter was fitted to. **Not covered** are points outside of what the model
  claims: they are drawn, and not judged.
- Errors are relative, simulated over measured; *mean* is of the errors without their signs, *max* is the largest.
- *asked* is the tolerance that a test holds the curve to (`tests/studies/test_device_curves.py`). The fits are made
  again from the same points in `tests/studies/test_device_curves_fits.py`, which finds the catalogue's figures within
  1%.

This page is generated: `python -m hiersim.studies.device_curves TABLE docs`, where TABLE is the CSV file of the
measured points.
"""
MISSING = """## What is not modelled, and why

| effect | how large | why it is left out |
|---|---|---|
| rows and banks below 512 B | random 64 B reads get 0.3 to 0.6 of the stream, 32 B in GDDR6 0.18 | objects here \
are pages, blocks and layers; from 4 KiB on one efficiency is within 1.2%. The points are drawn above as not covered |
| bank state, tFAW, scheduling, refresh as events | within the efficiency at 4 KiB and above; a refresh makes single \
reads wait 0.2 to 0.4 us | means are right, the last percentiles of single cache lines are not |
| address maps that keep a stream in one bank group | 0.61 (DDR4) to 0.88 (DDR5) of peak | an efficiency: a machine \
that has it states it |
| random small chunks that are part written | the model gives up to 14% more than was simulated (HBM3, 4 KiB) | one \
turnaround for a memory; by size it would be a table |
| what happens at the cap of a loaded memory | 3.1 and 4.9 times the idle latency on a Graviton3, 2.1 and 3.4 in the \
model | above 0.97 of the cap the measured latency depends on how many requests the processor keeps in flight |
| one cache line in a saturated memory | a line gets the bandwidth that others leave | right for blocks of KiB and \
more; too slow for a single line close to the cap, so latencies above are those of a probe of one byte |
| copies by GPU kernels | 35.2 of 52.7 GB/s from host to an H100 | the kernel's reads in flight limit it, not the \
link; state `engines` or sizes |
| garbage collection as events, program and erase suspend | pauses of ms behind writes | write bandwidth and endurance \
have their mean effect (write amplification); the tail is not modelled |
| three runs of a 1 GiB drive with garbage collection (MQSim) | 82590, 78694 and 43104 pages moved | they count the \
filling of the empty drive too, and abort when that is longer; no steady state to hold anything against |
| write amplification of first-in-first-out cleaning | 8.09 against 7.26 at 7% spare | the closed form is of greedy \
cleaning |
| SLC caches that move their boundary, thermal throttling, ECC retries | drive by drive | no curve at hand |
| page faults through mmap, the system's page cache | 0.12 and 32.1 GB/s on an M3 Max | the processor's time and DRAM, \
not the drive |
| energy of I/O beside the core, of LPDDR and HBM by size | 2 pJ/bit of DDR4 is an estimate | DRAMsim3 counts the core \
alone; no curve at hand |
"""


def write_page(curves: Sequence[Curve], folder: Path) -> list[Path]:
    """Write the page and its pictures; return their paths.

    Args:
        curves: all curves.
        folder: where to; the pictures get a folder of their own in it.

    Raises:
        OutputError: a file cannot be written.
    """
    (folder / FOLDER).mkdir(parents=True, exist_ok=True)
    written = []
    for name, content in contents(curves).items():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(content.encode())
        written.append(folder / name)
    return written


def contents(curves: Sequence[Curve]) -> dict[str, str]:
    """Return the files of the page by name: the page itself, and its pictures."""
    return {PAGE: page(curves)} | {f"{FOLDER}/{curve.slug}.svg": picture(curve) for curve in curves}


def page(curves: Sequence[Curve]) -> str:
    """Return the text of the page."""
    lines = [INTRODUCTION, *_table(curves)]
    family = ""
    for curve in curves:
        if curve.family != family:
            family = curve.family
            lines += ["", f"## {family}"]
        lines += _section(curve)
    return "\n".join([*lines, "", MISSING])


def _table(curves: Sequence[Curve]) -> Iterator[str]:
    yield "| curve | points | parameters, fitted | fitted: mean, max | held out: mean, max | free: mean, max | asked |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for curve in curves:
        errors = [_errors(points) for points in _groups(curve)]
        asked = f"{curve.asked}: {'holds' if curve.holds else 'does not hold'}" if curve.asked else "-"
        counts = f"{len(curve.figures)}, {len(curve.fitted)}"
        cells = (f"[{curve.title}](#{_anchor(curve)})", str(len(curve.points)), counts, *errors, asked)
        yield f"| {' | '.join(cells)} |"


def _groups(curve: Curve) -> list[tuple[Point, ...]]:
    return [curve.of("fitted"), curve.of("held out"), curve.of("free")]


def _errors(points: Sequence[Point]) -> str:
    return f"{mean_error(points):.1%}, {_worst(points)}" if points else "-"


def _anchor(curve: Curve) -> str:
    """Return what a heading is called in links, as GitHub has it."""
    kept = "".join(letter for letter in curve.title.lower() if letter.isalnum() or letter in " -_")
    return kept.replace(" ", "-")


def _section(curve: Curve) -> Iterator[str]:
    yield ""
    yield f"### {curve.title}"
    yield ""
    yield f"![{curve.title}: measured and simulated]({FOLDER}/{curve.slug}.svg)"
    yield ""
    yield f"- Model: {_part(curve)}. {_parameters(curve)}"
    for name, points in zip(("Fitted points", "Held out", "Free points"), _groups(curve), strict=True):
        if points:
            yield f"- {name}: {len(points)}, error {mean_error(points):.1%} in the mean, at most {_worst(points)}."
    beyond = curve.of("beyond")
    if beyond:
        yield f"- Not covered: {len(beyond)}, up to {_worst(beyond)}."
    if len(curve.lines) > 1:
        yield f"- By line: {'; '.join(_by_line(curve))}."
    if curve.asked:
        yield f"- Asked: {curve.asked}; it {'holds' if curve.holds else 'does not hold'}."
    yield from (f"- {note}" for note in curve.notes)
    yield f"- Source: {curve.source.replace('run here', 'run for the table of curves')}."


def _by_line(curve: Curve) -> Iterator[str]:
    """Yield the errors of each line that has points to judge: mean and max of those used in a fit and of the others."""
    for line in curve.lines:
        groups = {
            "fitted": [point for point in line.points if point.role == "fitted"],
            "held out": [point for point in line.points if point.role == "held out"],
            "free": [point for point in line.points if point.role == "free"],
        }
        told = [f"{_errors(points)} ({name})" for name, points in groups.items() if points]
        if told:
            yield f"{line.label} {', '.join(told)}"


def _worst(points: Sequence[Point]) -> str:
    worst = worst_error(points)
    return f"{worst:+.1%}" if abs(worst) >= 0.0005 else "0.0%"


def _part(curve: Curve) -> str:
    names = curve.part.split(", ")
    return ", ".join(f"`{name}`" for name in names) if " " not in names[0] else curve.part


def _parameters(curve: Curve) -> str:
    """Say how many parameters the model has, and which of them were fitted to this curve."""
    fitted = [_named(figure) for figure in curve.figures if figure.fitted]
    stated = [_named(figure) for figure in curve.figures if not figure.fitted]
    count = len(curve.figures)
    said = f"{count} parameter{'s' * (count != 1)}"
    said += f"; fitted to this curve: {', '.join(fitted)}" if fitted else "; none fitted to this curve"
    return said + (f"; stated: {', '.join(stated)}." if stated else ".")


def _named(figure: Figure) -> str:
    return f"`{figure.name}` {figure.value}"
