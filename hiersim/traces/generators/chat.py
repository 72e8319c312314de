"""Chats of several turns under shared system prompts; each turn's prompt holds the whole conversation so far.

A turn comes a think time after the answer before it (``after``, ``think_ps``); arrivals assume a time per token of
the answer. Prefix blocks form an exact tree (`hiersim.traces.prefix_blocks`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hiersim.traces.arrivals import PROCESSES, SPREADS, arrival_times, draw_gaps
from hiersim.traces.generators.conversations import Talks, conversations
from hiersim.traces.generators.draw import draw_lengths, draw_zipf
from hiersim.traces.generators.generator import SECOND, Generator, parameter
from hiersim.traces.request import RequestTrace


@dataclass(frozen=True)
class ChatParameters:
    """Parameters of the chat generator; lengths are lognormal, given by median and sigma of the logarithm."""

    sessions: int = parameter(1000, "conversations", low=1, high=10**7)
    session_interval: int = parameter(2 * SECOND, "mean time between new conversations, picoseconds",
                                      high=1000 * SECOND, unit="time")  # fmt: skip
    arrivals: str = parameter("poisson", "how conversations begin", one_of=PROCESSES)
    arrivals_cv: float = parameter(1.0, "gamma, weibull: standard deviation of that time by its mean",
                                   low=SPREADS[0], high=SPREADS[1])  # fmt: skip
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
    system = draw_lengths(rng, "lognormal", p.system_tokens, p.system_spread, p.system_prompts, least=0)
    shared = draw_zipf(rng, p.system_prompts, p.system_alpha, p.sessions)
    turns = rng.geometric(1 / p.turns, p.sessions)
    total = int(turns.sum())
    asked = draw_lengths(rng, "lognormal", p.prompt_tokens, p.prompt_spread, total)
    answered = draw_lengths(rng, "lognormal", p.output_tokens, p.output_spread, total)
    started = arrival_times(draw_gaps(rng, p.arrivals, p.session_interval, p.arrivals_cv, p.sessions))
    think = np.rint(rng.exponential(p.think_time, total)).astype(np.int64)
    talks = Talks(started, turns, system[shared], shared, asked, answered, think)
    return conversations("chat", talks, p.token_time, p.context, p.block_tokens)


GENERATOR = Generator("chat", "conversations of several turns under shared system prompts", ChatParameters, make)
