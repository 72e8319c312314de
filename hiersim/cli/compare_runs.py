"""``hiersim compare`` of scenarios and results: a table with the winners, and why two of them differ."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any

from hiersim.cli.console import console, plain_file, put_json, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.outputs import write_drawn

if TYPE_CHECKING:
    from hiersim.insight.compare import Runs

COLUMNS = (
    "elapsed_ps",
    "stalled_ps",
    "energy_j.total",
    "miss_ratio",
    "to_opt_share",
    "latency_ps.mean",
    "latency_ps.p99",
)
"""Numbers that the table shows when none are chosen, as far as results have them."""
SERVED = (
    "elapsed_ps",
    "energy_j.total",
    "requests.ttft_s.mean",
    "requests.ttft_s.p99",
    "requests.tpot_s.mean",
    "requests.output_tokens_per_s",
    "requests.goodput_per_s",
)
"""The same where all runs served requests."""
HEADINGS = {
    "elapsed_ps": "time",
    "stalled_ps": "stalled",
    "energy_j.total": "energy",
    "miss_ratio": "missed",
    "to_opt_share": "to opt",
    "latency_ps.mean": "mean latency",
    "latency_ps.p99": "p99 latency",
    "requests.ttft_s.mean": "mean TTFT",
    "requests.ttft_s.p99": "p99 TTFT",
    "requests.tpot_s.mean": "mean TPOT",
    "requests.output_tokens_per_s": "tokens/s",
    "requests.goodput_per_s": "goodput/s",
}
WAY = "to opt: share of the way from lru to opt, in hits of the tiers whose policy is varied; both were run, too"


def compare_runs(
    given: Sequence[str],
    vary: Sequence[str],
    overrides: Sequence[str],
    columns: Sequence[str],
    shown: tuple[int | None, str | None, Path | None, bool],
) -> None:
    """Compare scenarios, one scenario varied, or results.

    Args:
        given: scenarios' files and runs' folders.
        vary: ``path=value,value``.
        overrides: ``path=value``, of every scenario.
        columns: numbers to show, ``*`` for any.
        shown: processes, where JSON goes, where files go, and whether to be quiet.
    """
    workers, json, out, quiet = shown
    target = None if out is None else plain_file(out)
    values = dict(values_of(text) for text in vary)
    with telling_of_compilation(quiet):
        from hiersim.api.simulation import load
        from hiersim.insight.compare import compare_runs as compare
        from hiersim.insight.compare import is_scenario

        each: list[Any] = [load(one, overrides) if is_scenario(one) else one for one in given]
        with working("simulating", quiet) as progress:
            found = compare(each, values, workers=workers, progress=progress)
    names = _chosen(found, columns)
    if json:
        put_json(document(found), json)
    if json != "-":
        _show(found, names)
    if target is not None:
        for path in _write(found, target):
            if not quiet:
                warn(f"wrote {path}")


def values_of(text: str) -> tuple[str, list[Any]]:
    """Return the path and the values of ``tiers.hbm.policy=lru,mq``; values are as YAML has them."""
    from hiersim.api.choices import split_policies
    from hiersim.config.tree import parse
    from hiersim.errors import ConfigError, Mistake

    path, equals, rest = text.partition("=")
    path = path.strip()
    if not equals or not path or not rest.strip():
        what = f'`{text}` is not a path and values; write it as tiers.dram.capacity="128 GiB,512 GiB"'
        raise ConfigError([Mistake("", what, "--vary")])
    if rest.strip().startswith("["):
        listed = parse(rest, "--vary").data
        return path, listed if isinstance(listed, list) else [listed]
    split = split_policies(rest) if path.rpartition(".")[2] in ("policy", "admission", "prefetch") else rest.split(",")
    return path, [parse(value.strip(), "--vary").data for value in split]


def _chosen(found: Runs, columns: Sequence[str]) -> list[str]:
    """Return the numbers to show, in the order of the patterns that name them."""
    from hiersim.errors import ConfigError, Mistake
    from hiersim.report.numbers import unknown

    known = list(dict.fromkeys(name for run in found for name in run.numbers()))
    chosen: dict[str, None] = {}
    wrong = []
    served = all(run.result.requests is not None for run in found)
    for pattern in columns or (SERVED if served else COLUMNS):
        some = [name for name in known if fnmatchcase(name, pattern)]
        if columns and not some:
            wrong.append(Mistake("", unknown(pattern, known), "--column"))
        chosen |= dict.fromkeys(some)
    if wrong:
        raise ConfigError(wrong)
    return list(chosen)


def document(found: Runs) -> dict[str, Any]:
    """Return a comparison as plain data."""
    runs = [{"run": run.name, "settings": run.plain(), "numbers": run.numbers()} for run in found]
    return {"runs": runs, "changes": found.changes() if len(found) > 1 else []}


def _show(found: Runs, names: Sequence[str]) -> None:
    from hiersim.report.policies_table import table
    from hiersim.sweep.table import headings

    rows = lines(found, names)
    show(table(rows, headings(list(rows[0])) | {key: HEADINGS[key] for key in rows[0] if key in HEADINGS}))
    if any("*" in cell for row in rows for cell in row.values()):
        print("*: the best of its column")
    if "to_opt_share" in names:
        print(fill(WAY, console().width))
    for sentence in why(found):
        print(f"\n{sentence}" if sentence == "Why:" else fill(sentence, console().width))


def lines(found: Runs, names: Sequence[str]) -> list[dict[str, str]]:
    """Return a row per run as people read it: what was varied, or its name, and its numbers, the best with a star."""
    from hiersim.insight.compare import winners
    from hiersim.report.numbers import shown

    every = [run.numbers() for run in found]
    best = {name: winners(name, [numbers.get(name) for numbers in every]) for name in names}
    rows = []
    for i, run in enumerate(found):
        first = dict(run.told()) or {"run": run.name}
        stars = {name: " *" if i in best[name] and len(best[name]) < len(found) else "" for name in names}
        rows.append(first | {name: shown(name, every[i].get(name)) + stars[name] for name in names})
    return rows


def why(found: Runs) -> list[str]:
    """Return why the fastest run, or the last if that is the first, differs from the first; nothing of a run alone."""
    if len(found) < 2:
        return []
    place = min(range(len(found)), key=lambda i: (found[i].result.elapsed_ps, i))
    return ["Why:", *found.changes(0, place or len(found) - 1)]


def _write(found: Runs, out: Path) -> list[Path]:
    """Write the table and the stall stacks into a folder, or a picture alone."""
    from hiersim.sweep.swept import parquet

    return write_drawn(out, {"stalls": found.plot.stalls}, {"compare.parquet": parquet(found.table())})
