"""Tables of a benchmark, printed as they are measured, row by row, and kept as Markdown."""

import os
import platform
from collections.abc import Callable, Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def measure(tables: Mapping[str, Callable[[Any], Iterable[list[str]]]], options: Any) -> list[str]:
    """Print each table whose title holds ``options.only``; return the lines. The first row of a table is its head."""
    lines: list[str] = []
    for title, table in ((title, table) for title, table in tables.items() if options.only in title):
        lines += ["", f"## {title}", ""]
        print("\n".join(lines[-3:]), flush=True)
        for number, cells in enumerate(table(options)):
            lines.append("| " + " | ".join(cells) + " |")
            lines += ["|" + "---|" * len(cells)] if number == 0 else []
            print("\n".join(lines[-1 - (number == 0) :]), flush=True)
    return lines


def keep(name: str, title: str, lines: list[str]) -> None:
    """Write the tables into ``benchmarks/results``, under the machine that they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / name).write_text(f"# {title}\n\n{machine()}\n" + "\n".join(lines) + "\n")


def machine(*packages: str) -> str:
    """Describe the processor and the versions in a line, those of further packages, too."""
    info = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in ("numba", "numpy", *packages))
    return f"{model or platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}"
