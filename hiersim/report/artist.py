"""Draws the pictures of a run in a process of its own, which gets ready to draw while the run goes on.

Getting ready takes half a second and drawing another half, so a run with pictures waits for neither where there is a
second processor. Whatever goes wrong with the process, the pictures are drawn here instead; their bytes are the same.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import pickle
import signal
import subprocess
import sys
from dataclasses import replace
from importlib import import_module
from typing import IO

import numpy as np

from hiersim.engine.result import Result
from hiersim.report.files import Content
from hiersim.report.known import Intervals
from hiersim.report.pictures import ENDINGS, FILES, NAMES, drawn

_START = "import sys; sys.path[:] = sys.argv[1:]; from hiersim.report import artist; artist.serve()"


class Artist:
    """Draws the pictures of one run: ``begin`` with its result, then ask for ``contents``; close it in any case."""

    def __init__(self, helped: bool = True) -> None:
        """Start the process.

        Args:
            helped: whether to use a process at all.
        """
        self._process = _spawn() if helped and _processors() > 1 else None
        self._pictures: dict[str, bytes] = {}

    @property
    def helped(self) -> bool:
        """Whether a process gets ready to draw."""
        return self._process is not None

    def contents(self, result: Result, intervals: Intervals | None = None) -> dict[str, Content]:
        """Begin to draw, and return the pictures as files to write, which wait until they are drawn.

        Args:
            result: the run.
            intervals: of its numbers, where they are known.
        """
        self._send(result, intervals)

        def writer(name: str) -> Content:
            def write(file: IO[bytes]) -> None:
                self._pictures = self._pictures or self._received() or drawn(result, NAMES, intervals)
                file.write(self._pictures[name])

            return write

        return {name: writer(name) for name in FILES}

    def close(self) -> None:
        """End the process, whatever it is doing, and wait until it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):
                pipe.close()  # type: ignore[union-attr]
        process.wait()

    def _send(self, result: Result, intervals: Intervals | None) -> None:
        if self._process is None:
            return
        try:
            pickle.dump((_without_columns(result), intervals), self._process.stdin)  # type: ignore[arg-type]
            self._process.stdin.close()  # type: ignore[union-attr]
        except OSError:
            self.close()

    def _received(self) -> dict[str, bytes]:
        """Wait for the pictures; none if the process has failed."""
        if self._process is None:
            return {}
        answer = self._process.stdout.read()  # type: ignore[union-attr]
        self.close()
        try:
            found: dict[str, bytes] = pickle.loads(answer)
        except Exception:  # it was cut short: drawing here is the cure, or shows what is wrong
            return {}
        return found


def serve() -> None:
    """Be the process: get ready, read a result from standard input, write its pictures to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run decides what an interruption means
    gc.disable()  # it lives for a second
    _get_ready()
    request = sys.stdin.buffer.read()
    if request:
        result, intervals = pickle.loads(request)
        linux = sys.platform == "linux"
        answer = _side_by_side(result, intervals) if linux else drawn(result, NAMES, intervals)
        sys.stdout.buffer.write(pickle.dumps(answer))
        sys.stdout.buffer.flush()
    os._exit(0)


def _get_ready() -> None:
    """Import what draws, and draw once, so that fonts and formats are there."""
    for name in ("flow", "stall_stack"):
        import_module(f"hiersim.report.{name}")
    style = import_module("hiersim.report.style")
    with style.styled():
        figure = style.figure_of(style.detached(1, 1))
        figure.text(0, 0, "x", weight="bold")
    for ending in ENDINGS:
        style.save(figure, io.BytesIO(), ending)


def _side_by_side(result: Result, intervals: Intervals | None) -> dict[str, bytes]:
    """Draw one picture here and the others in a copy of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            with os.fdopen(writing, "wb") as file:
                pickle.dump(drawn(result, NAMES[1:], intervals), file)
        finally:
            os._exit(0)
    os.close(writing)
    found = drawn(result, NAMES[:1], intervals)
    with os.fdopen(reading, "rb") as file:
        others: dict[str, bytes] = pickle.load(file)
    os.waitpid(child, 0)
    return found | others


def _spawn() -> subprocess.Popen[bytes] | None:
    """Start a process that finds the same modules as this one; ``None`` where that is not possible."""
    if not sys.executable:
        return None
    command = [sys.executable, "-P", "-c", _START, *map(str, sys.path)]
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except (OSError, ValueError):
        return None


def _processors() -> int:
    """Return how many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _without_columns(result: Result) -> Result:
    """Return a result without what no picture shows: the columns of accesses and transfers, and the provenance."""
    nothing = np.empty(0, np.int64)
    return replace(result, latency_ps=nothing, served_by=nothing.astype(np.int8), provenance={}, timeline=None)
