"""``hiersim cache``: the compiled code that is kept on disk."""

from __future__ import annotations

import typer

from hiersim.cli.console import put_json, show
from hiersim.cli.options import Json

app = typer.Typer(help="Show or clear the compiled code on disk.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def _cache(context: typer.Context) -> None:
    """Show or clear the compiled code on disk."""
    if context.invoked_subcommand is None:
        show_cache()


@app.command("show")
def show_cache(json: Json = None) -> None:
    """Show where compiled code is kept, and how much."""
    from datetime import datetime

    from hiersim import jitcache
    from hiersim.report.format import capacity
    from hiersim.report.policies_table import table

    entries = jitcache.entries()
    if json:
        keys = ("digest", "files", "bytes", "current", "used")
        found = [{key: getattr(entry, key) for key in keys} | {"path": str(entry.path)} for entry in entries]
        put_json({"folder": str(jitcache.root()), "entries": found}, json)
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


@app.command("clear")
def clear() -> None:
    """Delete the compiled code; the next run compiles again."""
    from hiersim import jitcache
    from hiersim.report.format import capacity

    print(f"cleared {capacity(jitcache.clear())} from {jitcache.root()}")
