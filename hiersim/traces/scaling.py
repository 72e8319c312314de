"""Traces made denser or sparser in time, and requests with longer or shorter texts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError
from hiersim.traces.access import AccessTrace
from hiersim.traces.options import ReadOptions, check_factor
from hiersim.traces.request import RequestTrace

MOST_PS = float(np.iinfo(np.int64).max)


def shaped(trace: AccessTrace | RequestTrace, options: ReadOptions) -> AccessTrace | RequestTrace:
    """Return a trace with the arrivals, the rate and the lengths that the options ask for.

    Raises:
        ConfigError: lengths or arrivals of accesses, no such arrival process, a factor that is out of bounds.
    """
    if isinstance(trace, AccessTrace):
        if options.length_scale != 1 or options.arrivals:
            raise ConfigError("length_scale and arrivals are of requests; this trace holds accesses")
        return denser(trace, options.rate_scale)
    return shaped_requests(trace, options)


def shaped_requests(trace: RequestTrace, options: ReadOptions) -> RequestTrace:
    """Return requests with the arrivals, the rate and the lengths that the options ask for.

    Raises:
        ConfigError: no such arrival process, a factor that is out of bounds.
    """
    drawn = trace.arriving(options.arrivals, options.seed) if options.arrivals else trace
    return drawn.scaled(options.rate_scale, options.length_scale)


def scaled(trace: RequestTrace, rate: float, length: float) -> RequestTrace:
    """Return requests with scaled times and lengths; ``RequestTrace.scaled`` documents the arguments."""
    check_factor("rate_scale", rate)
    check_factor("length_scale", length)
    notes = [f"{rate:g} times as many a second"] * (rate != 1) + [f"texts {length:g} times as long"] * (length != 1)
    if not notes:
        return trace
    block = max(1, round(trace.block_tokens * length)) if trace.block_tokens else 0
    return replace(
        trace,
        time_ps=_slower(trace.time_ps, rate),
        prompt_tokens=_prompts(trace, length, block),
        output_tokens=longer(trace.output_tokens, length),
        block_tokens=block,
        notes=(*trace.notes, "scaled: " + ", ".join(notes)),
    )


def denser(trace: AccessTrace, rate: float) -> AccessTrace:
    """Return accesses ``rate`` times as many a second.

    Raises:
        ConfigError: a factor that is not positive and finite.
    """
    check_factor("rate_scale", rate)
    if rate == 1:
        return trace
    note = f"scaled: {rate:g} times as many a second"
    return replace(trace, time_ps=_slower(trace.time_ps, rate), notes=(*trace.notes, note))


def longer(tokens: NDArray[np.int64], length: float) -> NDArray[np.int64]:
    """Return tokens times ``length``, rounded, at least 1 where there were any."""
    return np.asarray(np.maximum(np.rint(tokens * length).astype(np.int64), np.minimum(tokens, 1)))


def _slower(time_ps: NDArray[np.int64], rate: float) -> NDArray[np.int64]:
    if len(time_ps) and float(time_ps[-1]) / rate >= MOST_PS:
        raise ConfigError(f"rate_scale {rate:g} stretches the trace over more than 106 days, int64 picoseconds' reach")
    return np.asarray(np.rint(time_ps / rate).astype(np.int64))


def _prompts(trace: RequestTrace, length: float, block: int) -> NDArray[np.int64]:
    """Return the prompts' lengths: full blocks become full blocks, so that a prompt has as many as before."""
    if not block:
        return longer(trace.prompt_tokens, length)
    full, rest = np.divmod(trace.prompt_tokens, trace.block_tokens)
    return np.asarray(full * block + np.clip(np.ceil(rest * length), rest > 0, block).astype(np.int64))
