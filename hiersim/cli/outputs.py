"""Where ``--out`` of a command goes that writes one file: a table, or a picture."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.cli.console import plain_file

if TYPE_CHECKING:
    import polars as pl

TABLE, PICTURES = (".parquet",), (".png", ".svg")


def target_of(out: Path | None, endings: tuple[str, ...] = TABLE + PICTURES) -> Path | None:
    """Return the file to write, before anything is run.

    Raises:
        ConfigError: its name ends otherwise.
        OutputError: something that is no plain file is there.
    """
    if out is None:
        return None
    if out.suffix not in endings:
        from hiersim.errors import ConfigError, Mistake

        raise ConfigError([Mistake("", f"`{out}` ends in none of {', '.join(endings)}", "--out")])
    return plain_file(out)


def write_found(path: Path, table: Callable[[], pl.DataFrame], plot: Callable[[], Any]) -> None:
    """Write what a command has found as the table, or as the picture, that the file's name asks for."""
    if path.suffix in TABLE:
        from hiersim.report.files import write_files
        from hiersim.sweep.swept import parquet

        write_files(path.parent, {path.name: parquet(table())})
        return
    from hiersim.report.outputs import write_picture

    write_picture(plot(), path)
