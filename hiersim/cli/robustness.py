"""``hiersim compare TRACE --robustness``: policies with predictions, from perfect ones to the worst."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hiersim.cli.console import put_json, say, show, telling_of_compilation, working
from hiersim.cli.failures import warn
from hiersim.cli.outputs import write_drawn


def show_robustness(
    trace: str, policy: Sequence[str], capacity: Sequence[str], reading: dict[str, Any], outputs: tuple[Any, ...]
) -> None:
    """Replay with ever worse predictions, and show, print or draw faults over the optimum's.

    Args:
        trace: a file.
        policy: names; all that take predictions when empty.
        capacity: one, in objects or as a share; every object counts the same.
        reading: how to read the file: ``limit``, and what `hiersim.open` takes.
        outputs: the seed, and what ``--json``, ``--out`` and ``--quiet`` say.
    """
    from hiersim.api.capacity import capacities, measure_of
    from hiersim.api.choices import open_accesses, policy_names
    from hiersim.errors import ConfigError, Mistake
    from hiersim.studies.robustness import BITS, FOLLOWERS, robustness

    seed, json, out, quiet = outputs
    limit = reading.pop("limit", None)
    with telling_of_compilation(quiet), working("replaying", quiet):
        accesses = open_accesses(trace, True, limit, reading)
        wrong: list[Mistake] = []
        sizes = capacities(list(capacity), measure_of(accesses, True), wrong)
        if len(sizes) > 1:
            wrong.append(Mistake("--capacity", "must be one, with --robustness"))
        if wrong:
            raise ConfigError(wrong)
        names = policy_names(policy, accesses) if policy else (*FOLLOWERS, *BITS)
        rows = robustness(accesses, names, sizes[0], seed=seed)
    written = _write(rows, accesses.name, out) if out else []
    if json:
        put_json(rows, json)
    if json != "-":
        _show(rows, f"{accesses.name} · {len(accesses):,} accesses · {sizes[0]:,} objects fit")
    for path in written if not quiet else []:
        warn(f"wrote {path}")


def _show(rows: Sequence[dict[str, Any]], title: str) -> None:
    """Print a row per policy and a column per size of errors."""
    from hiersim.report.policies_table import table

    heads: dict[int, list[str]] = {}
    for row in rows:
        named = str(row["predictions"]).partition(":")[2] or str(row["predictions"])
        heads[row["step"]] = list(dict.fromkeys([*heads.get(row["step"], []), named]))
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        mine = found.setdefault(row["policy"], {"policy": row["policy"]})
        mine["\n".join(heads[row["step"]])] = row["to_opt"]
    plain = rows[0]["to_opt"] / rows[0]["to_lru"]
    say(f"{title}\n")
    show(table(list(found.values())))
    say(f"\nmisses over the optimum's (lru: {plain:.3g}) by errors of predictions: sigma of next uses, p of bits")


def _write(rows: Sequence[dict[str, Any]], title: str, out: Path) -> list[Path]:
    """Write a table and the pictures into a folder, or a picture alone."""
    import polars as pl

    from hiersim.report.robustness import robustness as picture

    table = {"robustness.parquet": lambda file: pl.DataFrame(rows).write_parquet(file)}
    return write_drawn(out, {"robustness": lambda: picture(rows, title=title)}, table)
