"""What is shown where: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hiersim.cli.failures import warn

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

PATIENCE = 1.0
"""Seconds after which work that goes on shows a progress bar."""
WIDTH = 110
"""Columns of tables that go to a file or a pipe."""


def console() -> Console:
    """Return a console on standard output, wide enough for tables where that is no terminal."""
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else WIDTH
    return Console(highlight=False, width=width)


def show(what: RenderableType) -> None:
    """Print a table or text on standard output, without trailing blanks where that is no terminal."""
    out = console()
    if out.is_terminal:
        out.print(what)
        return
    with out.capture() as captured:
        out.print(what)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))


def say(text: str) -> None:
    """Print lines of words on standard output, each broken where it is wider than the console."""
    from textwrap import fill

    width = console().width
    print("\n".join(fill(line, width) for line in text.split("\n")))


def put_json(document: Any, target: str) -> None:
    """Write a document as JSON to standard output (``-``) or, whole or not at all, to a file."""
    plain = target == "-" and not (sys.stdout.encoding or "").lower().startswith("utf")  # which has not every sign
    text = json.dumps(document, indent=2, ensure_ascii=plain, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    from hiersim.report.files import write_files

    path = plain_file(target)
    write_files(path.parent, {path.name: text.encode()})


def plain_file(target: str | Path) -> Path:
    """Return a path that may be written: files are renamed into place, which would put an end to a device or a pipe.

    Raises:
        OutputError: something that is no plain file, nor a folder, is there.
    """
    from hiersim.errors import OutputError

    path = Path(target).expanduser()
    if path.exists() and not path.is_file() and not path.is_dir():
        raise OutputError(f"{path}: is not a plain file")
    return path


@contextmanager
def working(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how far some work is, once it has taken a second; nothing when quiet or where nobody watches.

    Gives a function that is told how much is done, and how much there is in all.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    bar = _Bar(what)
    timer = threading.Timer(PATIENCE, bar.start)
    timer.daemon = True
    timer.start()
    try:
        yield bar.update
    finally:
        timer.cancel()
        bar.stop()


class _Bar:
    """A progress bar that may start late, from another thread."""

    def __init__(self, what: str) -> None:
        self._what, self._lock, self._over = what, threading.Lock(), False
        self._progress: Any = None
        self._task: Any = None
        self._state: tuple[int, int | None] = (0, None)

    def start(self) -> None:
        """Show the bar, unless the work is over."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        with self._lock:
            if not self._over:
                self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
                self._task = self._progress.add_task(self._what, completed=self._state[0], total=self._state[1])
                self._progress.start()

    def update(self, done: int, total: int) -> None:
        """Say how much is done, and how much there is in all."""
        self._state = (done, total)
        if self._progress is not None:
            self._progress.update(self._task, completed=done, total=total)

    def stop(self) -> None:
        """Take the bar away."""
        with self._lock:
            self._over = True
            if self._progress is not None:
                self._progress.stop()


@contextmanager
def telling_of_compilation(quiet: bool) -> Iterator[None]:
    """Say once on standard error when code must be compiled first, so that nobody wonders about the wait."""
    from hiersim import jit

    told: list[str] = []

    def tell(name: str) -> None:
        if not told and not quiet:
            warn("compiling for this computer; later runs start at once")
        told.append(name)

    undo = jit.on_compile(tell)
    try:
        yield
    finally:
        undo()
