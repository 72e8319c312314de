"""The load of a serving run over time: how many requests ran and waited, and how full the room for KV was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hiersim.engine.requests import RequestsResult
from hiersim.engine.result import Result
from hiersim.report import strips
from hiersim.report.format import capacity, percent, plural, shorten
from hiersim.report.known import Intervals
from hiersim.report.style import CLASSES, MARK, STATES, new_axes, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

I64 = NDArray[np.int64]


def load_over_time(result: Result, ax: Axes | None = None, intervals: Intervals | None = None) -> Axes:
    """Draw strips of the requests that run, of those that wait, and of the room for KV that running ones hold.

    Args:
        result: a run that served requests.
        ax: where to draw; a new figure when absent.
        intervals: of the run's numbers, where they are known; that of the time says where the run ends.
    """
    with styled():
        ax = new_axes(*size(result), ax)
        strips.draw(ax, _strips(result), (0, result.elapsed_ps), "the run served no requests", intervals)
        ax.set_title(f"Load over time: {shorten(result.name, 40)}")
    return ax


def size(result: Result) -> tuple[float, float]:
    """Return the width and height in inches that the picture needs."""
    return strips.size(3)


def _strips(result: Result) -> list[strips.Strip]:
    requests = result.requests
    if requests is None or not len(requests.samples.get("time_ps", ())):
        return []
    window = (0, max(result.elapsed_ps, int(requests.samples["time_ps"].max()) + 1))
    found = []
    for name, label, colour in (("running", "running", STATES["near"]), ("queued", "waiting", MARK)):
        times, values = over_all(requests, name)
        most = int(values.max())
        found.append(_strip(label, f"up to {plural(most, 'request')}", colour, (times, values / max(most, 1)), window))
    times, held = over_all(requests, "held_bytes")
    room = max(1, requests.pool_bytes * len(np.unique(requests.samples["engine"])))
    note = f"up to {percent(int(held.max()) / room)} of {capacity(room)}"
    return [*found, _strip("KV held", note, CLASSES["kv"], (times, held / room), window)]


def _strip(
    label: str, note: str, colour: str, steps: tuple[I64, NDArray[np.float64]], window: tuple[int, int]
) -> strips.Strip:
    return strips.Strip(label, note, colour, *strips.coarse(*steps, window))


def over_all(requests: RequestsResult, name: str) -> tuple[I64, I64]:
    """Return times in picoseconds and a number of the samples, summed over all units that serve, from each on."""
    samples = requests.samples
    times = np.unique(samples["time_ps"])
    total = np.zeros(len(times), np.int64)
    for engine in np.unique(samples["engine"]):
        mine = samples["engine"] == engine
        at, values = samples["time_ps"][mine], samples[name][mine]
        last = np.searchsorted(at, times, side="right") - 1
        total += np.where(last >= 0, values[np.maximum(last, 0)], 0)
    return times, total
