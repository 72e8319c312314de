"""Writes several files whole or not at all: first all under temporary names, then all renamed."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from hiersim.errors import OutputError

Content = bytes | Callable[[BinaryIO], None]
"""What a file holds, or a function that writes it into an open file."""


def write_files(folder: Path | str, contents: Mapping[str, Content]) -> list[Path]:
    """Write files into a folder, which is made if need be, and return their paths in order.

    Nothing is renamed before everything is written, so a full disk or a missing permission leaves what was there
    before; folders made by this call are removed again.

    Args:
        folder: where to.
        contents: what to write by relative name, such as ``tables/tiers.parquet``.

    Raises:
        OutputError: a file or folder cannot be written, or is there and no plain file; one line says which and why.
    """
    folder = Path(folder)
    made: list[Path] = []
    pending: list[tuple[Path, Path]] = []
    path = folder
    try:
        for name, content in contents.items():
            path = folder / name
            _check(path)
            made += _make(path.parent)
            temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
            pending.append((temporary, path))
            _write(temporary, content)
        for temporary, path in pending:
            os.replace(temporary, path)
    except BaseException as why:
        _undo([temporary for temporary, _ in pending], made)
        if isinstance(why, OSError):
            raise OutputError(f"cannot write {path}: {why.strerror or why}") from why
        raise
    return [path for _, path in pending]


def _write(path: Path, content: Content) -> None:
    """Write one file and wait until the operating system has accepted every byte of it."""
    with path.open("wb") as file:
        if callable(content):
            content(file)
        else:
            file.write(content)


def _check(path: Path) -> None:
    """Refuse a device or a pipe: a file that is renamed over it would put an end to it."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OutputError(f"cannot write {path}: it is not a plain file")


def _make(folder: Path) -> list[Path]:
    """Make a folder and its missing parents; return those that were made, outermost first."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()][::-1]
    for parent in missing:
        parent.mkdir(exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))
    return missing


def _undo(temporaries: list[Path], made: list[Path]) -> None:
    """Remove temporary files, then the folders that were made, as far as they are empty."""
    for temporary in temporaries:
        with contextlib.suppress(OSError):
            temporary.unlink()
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            folder.rmdir()
