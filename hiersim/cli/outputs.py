"""Where ``--out`` of a command goes: to one file, a table or a picture, or to a folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
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


def write_drawn(out: Path, drawn: Mapping[str, Callable[[], Any]], contents: Mapping[str, Any]) -> list[Path]:
    """Write files and all pictures, as PNG and SVG, into a folder; or the first picture alone, if ``out`` is one.

    Args:
        out: the folder, or the picture's file.
        drawn: what draws the axes of each picture, by its name; only what is written is drawn.
        contents: further files of the folder.
    """
    from hiersim.report.files import write_files
    from hiersim.report.outputs import write_picture

    if out.suffix in PICTURES:
        return [write_picture(next(iter(drawn.values()))(), plain_file(out))]
    return write_files(out, {**contents, **drawn_files(drawn)})


def drawn_files(drawn: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return the files of pictures, as PNG and SVG; ``drawn`` as in `write_drawn`."""
    from hiersim.report.style import figure_of, save

    files: dict[str, Any] = {}
    for name, draw in drawn.items():
        ax = draw()
        for ending in ("png", "svg"):
            files[f"{name}.{ending}"] = lambda file, ax=ax, ending=ending: save(figure_of(ax), file, ending)
    return files
