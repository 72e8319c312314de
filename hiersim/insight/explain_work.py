"""What bounds a run of requests or of operations, in sentences: who waits for what, and which work takes the time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hiersim.engine.operations import KindResult, OperationsResult
from hiersim.engine.requests import RequestsResult
from hiersim.engine.result import Result
from hiersim.report.format import count, duration, percent, plural
from hiersim.report.requests_table import WORDS

MOST, LITTLE, FULL = 0.5, 0.05, 0.9
"""Shares of more, of less, and of so much that something is as good as full."""


def served(result: Result) -> Iterator[str]:
    """Say what requests spent their time on, and what those that waited for a turn waited for."""
    requests = result.requests
    if requests is None or not requests.done.any():
        return
    spent = requests.spent_ps
    total = sum(spent.values()) or 1.0
    shares = {name: ps / total for name, ps in spent.items()}
    large = sorted(((share, name) for name, share in shares.items() if share >= LITTLE), reverse=True)
    told = [f"{percent(share)} of their time {WORDS[name]}" for share, name in large[:1]]
    told += [f"{percent(share)} {WORDS[name]}" for share, name in large[1:]]
    yield f"The requests spent {' and '.join(filter(None, (', '.join(told[:-1]), told[-1])))}."
    if shares["queue"] >= LITTLE:
        yield from _queue(requests)
    elif not requests.preemptions.any() and shares["fetch"] + shares["move"] < LITTLE:
        yield "They hardly wait for a turn: how long they take is how long their steps take."
    if rejected := int(requests.rejected.sum()):
        yield f"{plural(rejected, 'request')} could never be served: more KV than there is room for."


def _queue(requests: RequestsResult) -> Iterator[str]:
    """Say whether those who wait for a turn wait for room for KV, or for their turn in the batch."""
    seen, room = requests.samples, requests.pool_bytes
    waiting = seen["queued"] > 0 if "queued" in seen else np.zeros(0, np.bool_)
    if not room or not waiting.any():
        return
    full = float((seen["held_bytes"][waiting] >= FULL * room).mean())
    if full > MOST:
        lost = int(requests.preemptions.sum())
        more = f", and {plural(lost, 'time')} one of them had to give its room up" if lost else ""
        yield (
            f"In {percent(full)} of the steps in which some wait, those that run hold more than {FULL:.0%} of the room "
            f"for KV{more}: more room, or less KV a token, lets more run at once."
        )
        return
    largest = int(requests.prompt_tokens.max()) * requests.kv_bytes_per_token
    if largest and room - int(seen["held_bytes"][waiting].max()) >= largest:
        most = count(int(seen["running"].max()))
        yield (
            f"Whenever some wait, there is room for the KV of any prompt; at most {most} ran at once: the "
            "limits of a batch, or faster steps, would help, more room would not."
        )


def executed(result: Result) -> Iterator[str]:
    """Say what the longest chain of operations leaves to be gained, which work takes most, and who is waited for."""
    operations = result.operations
    if operations is None or not operations.makespan_ps:
        return
    chain = operations.critical_path_ps / operations.makespan_ps
    if chain > MOST:
        yield (
            f"The longest chain of operations takes {percent(chain)} of the time by itself: as long as none of it is "
            f"faster or left out, all else can save {percent(max(0.0, 1 - chain))} at most."
        )
    yield from _work(result, operations)
    waits = {name: kind.stalled_ps for name, kind in operations.kinds.items()}
    total = sum(waits.values())
    if total >= LITTLE * result.elapsed_ps:
        name = max(waits, key=lambda name: waits[name])
        if waits[name] > MOST * total:
            yield f"{percent(waits[name] / total)} of all waiting is in `{name}`, or before it can begin."


def _work(result: Result, operations: OperationsResult) -> Iterator[str]:
    """Say of the busiest unit which kind of operation is most of its work, and what binds that."""
    units = {name: unit.busy_ps for name, unit in result.units.items()}
    unit = max(units, key=lambda name: units[name], default="")
    kinds = {name: kind for name, kind in operations.kinds.items() if kind.unit == unit and kind.busy_ps}
    if not kinds or units[unit] < LITTLE * result.elapsed_ps:
        return
    name = max(kinds, key=lambda name: kinds[name].busy_ps)
    share = kinds[name].busy_ps / sum(kind.busy_ps for kind in kinds.values())
    if share > MOST:
        yield f"`{name}` is {percent(share)} of {unit}'s work{_bound(kinds[name], result.units[unit].near)}."


def _bound(kind: KindResult, near: str) -> str:
    """Return what binds operations of a kind, where one of their bounds is far from the other."""
    least, most = sorted((kind.compute_ps, kind.near_ps))
    if least >= LITTLE * most:
        return ""
    times = f": its bytes at {near} alone take {duration(kind.near_ps)}, its computing {duration(kind.compute_ps)}"
    return f"{times}, so more {'FLOP/s' if kind.near_ps == most else f'bandwidth of {near}'} would not help it"
