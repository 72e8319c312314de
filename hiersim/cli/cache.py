"""``hiersim cache``: the compiled code and the results of sweeps that are kept on disk."""

from __future__ import annotations

from typing import Annotated

import typer

from hiersim.cli.console import put_json, show
from hiersim.cli.options import Json

app = typer.Typer(help="Show or clear compiled code and kept results of sweeps.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _cache(context: typer.Context) -> None:
    """Show or clear what is kept on disk: compiled code, and results of sweeps and searches."""
    if context.invoked_subcommand is None:
        show_cache()


@app.command("show")
def show_cache(json: Json = None) -> None:
    """Show where compiled code and results of sweeps are kept, and how much."""
    from datetime import datetime

    from hiersim import jitcache
    from hiersim.report.format import capacity, count
    from hiersim.report.policies_table import table
    from hiersim.sweep.store import Store, default_folder

    entries, points = jitcache.entries(), Store(default_folder())
    kept = points.entries()
    size = sum(path.stat().st_size for path in kept)
    if json:
        keys = ("digest", "files", "bytes", "current", "used")
        found = [{key: getattr(entry, key) for key in keys} | {"path": str(entry.path)} for entry in entries]
        held = {"folder": str(points.folder), "results": len(kept), "bytes": size}
        put_json({"folder": str(jitcache.root()), "entries": found, "points": held}, json)
    if json == "-":
        return
    print(f"{jitcache.root()}: {capacity(sum(entry.bytes for entry in entries))} of compiled code")
    rows = [
        {
            "digest": entry.digest[:12],
            "functions": entry.files,
            "size": capacity(entry.bytes),
            "used": datetime.fromtimestamp(entry.used).strftime("%Y-%m-%d %H:%M"),
            "state": "current" if entry.current else "of other sources or versions",
        }
        for entry in entries
    ]
    if rows:
        show(table(rows))
    print(f"{points.folder}: {capacity(size)} in {count(len(kept))} results of sweeps and searches")


@app.command("clear")
def clear(
    points: Annotated[
        bool, typer.Option("--points", help="Delete the results of sweeps and searches instead.")
    ] = False,
) -> None:
    """Delete the compiled code; the next run compiles again."""
    from hiersim import jitcache
    from hiersim.report.format import capacity
    from hiersim.sweep.store import Store, default_folder

    if points:
        print(f"cleared {capacity(Store(default_folder()).clear())} from {default_folder()}")
        return
    print(f"cleared {capacity(jitcache.clear())} from {jitcache.root()}")
