"""Chats of several turns under shared system prompts; each turn's prompt holds the whole conversation so far.

Prefix blocks form an exact tree: blocks within a system prompt are shared by its sessions, later full blocks by the
turns of a session, and the partly filled block at a prompt's end belongs to that request alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError
from hiersim.traces.generators.draw import draw_zipf
from hiersim.traces.generators.generator import SECOND, Generator, parameter
from hiersim.traces.request import RequestTrace

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class ChatParameters:
    """Parameters of the chat generator; lengths are lognormal, given by median and sigma of the logarithm."""

    sessions: int = parameter(1000, "conversations", low=1, high=10**7)
    session_interval: int = parameter(2 * SECOND, "mean time between new conversations, picoseconds (Poisson)",
                                      high=1000 * SECOND, unit="time")  # fmt: skip
    turns: float = parameter(5.0, "mean requests of a conversation (geometric)", low=1, high=1000)
    think_time: int = parameter(60 * SECOND, "mean time from an answer to the next prompt, picoseconds (exponential)",
                                high=10**5 * SECOND, unit="time")  # fmt: skip
    token_time: int = parameter(SECOND // 50, "time to answer, picoseconds per token", high=SECOND, unit="time")
    system_prompts: int = parameter(8, "different system prompts", low=1, high=10**5)
    system_alpha: float = parameter(1.0, "Zipf exponent of the system prompts' popularity", high=10)
    system_tokens: int = parameter(1500, "median tokens of a system prompt", high=10**6)
    system_spread: float = parameter(0.5, "sigma of a system prompt's length", high=3)
    prompt_tokens: int = parameter(120, "median tokens of a user's message", low=1, high=10**6)
    prompt_spread: float = parameter(1.0, "sigma of a message's length", high=3)
    output_tokens: int = parameter(250, "median tokens of an answer", low=1, high=10**6)
    output_spread: float = parameter(0.8, "sigma of an answer's length", high=3)
    context: int = parameter(131_072, "a conversation ends before its tokens exceed this", low=1, high=10**8)
    block_tokens: int = parameter(128, "tokens in a prefix block", low=1, high=10**6)


def make(p: ChatParameters, rng: np.random.Generator) -> RequestTrace:
    """Make the trace."""
    system = _lengths(rng, p.system_tokens, p.system_spread, p.system_prompts, least=0)
    prompt_of = draw_zipf(rng, p.system_prompts, p.system_alpha, p.sessions)
    turns = rng.geometric(1 / p.turns, p.sessions)
    begin = np.cumsum(turns) - turns  # each session's first request
    session, total = np.repeat(np.arange(p.sessions), turns), int(turns.sum())
    asked = _lengths(rng, p.prompt_tokens, p.prompt_spread, total, least=1)
    answered = _lengths(rng, p.output_tokens, p.output_spread, total, least=1)
    history = _before(asked + answered, begin, turns) + system[prompt_of[session]]
    started = np.cumsum(np.rint(rng.exponential(p.session_interval, p.sessions)).astype(np.int64))
    pause = np.rint(rng.exponential(p.think_time, total)).astype(np.int64) + answered * p.token_time
    arrival = started[session] + _before(pause, begin, turns)
    fits = np.flatnonzero(history + asked + answered <= p.context)  # lengths only grow: this cuts off last turns
    if not len(fits):
        raise ConfigError(f"chat: no request fits into a context of {p.context:,} tokens")
    order = fits[np.lexsort((fits, arrival[fits]))]
    prompt = (history + asked)[order]
    offsets, blocks = _blocks(prompt, session[order], system[prompt_of[session[order]]], prompt_of[session[order]], p)
    return RequestTrace(
        time_ps=arrival[order] - arrival[order[0]],
        prompt_tokens=prompt,
        output_tokens=answered[order],
        session=session[order].astype(np.int32),
        block_offsets=offsets,
        block_ids=blocks,
        original_block_id=np.arange(int(blocks.max()) + 1),
        block_tokens=p.block_tokens,
    )


def _lengths(rng: np.random.Generator, median: int, sigma: float, count: int, least: int) -> Ints:
    return np.maximum(np.rint(median * rng.lognormal(0.0, sigma, count)).astype(np.int64), least)


def _before(values: Ints, begin: Ints, turns: Ints) -> Ints:
    """Return the sum of the earlier values of the same session."""
    running = np.cumsum(values) - values
    return np.asarray(running - np.repeat(running[begin], turns))


def _blocks(
    prompt: Ints, session: Ints, system: Ints, shared: Any, p: ChatParameters
) -> tuple[Ints, NDArray[np.int32]]:
    """Return the prefix blocks of each request as offsets and numbers by first appearance.

    Args:
        prompt: tokens of each request's prompt.
        session: the session of each request.
        system: tokens of each request's system prompt.
        shared: the number of each request's system prompt.
        p: the parameters.
    """
    from hiersim.traces.ids import Numbering

    full, total = prompt // p.block_tokens, -(-prompt // p.block_tokens)
    offsets = np.concatenate([[0], np.cumsum(total)])
    place = np.arange(offsets[-1]) - np.repeat(offsets[:-1], total)
    owner, kind = np.repeat(session, total), np.full(offsets[-1], 1, np.int64)
    inside = place < np.repeat(system // p.block_tokens, total)
    owner[inside], kind[inside] = np.repeat(shared, total)[inside], 0
    partial = place >= np.repeat(full, total)
    owner[partial], kind[partial] = np.flatnonzero(full < total), 2
    depth = int(total.max())
    numbers, _ = Numbering().add((owner * depth + place) * 3 + kind)
    return offsets, numbers


GENERATOR = Generator("chat", "conversations of several turns under shared system prompts", ChatParameters, make)
