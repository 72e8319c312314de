"""Independent requests: arrivals by a process, lengths by a law, perhaps under shared system prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hiersim.traces.arrivals import PROCESSES, SPREADS, arrival_times, draw_gaps
from hiersim.traces.generators.conversations import Talks, conversations
from hiersim.traces.generators.draw import LENGTHS, draw_lengths, draw_zipf
from hiersim.traces.generators.generator import SECOND, Generator, parameter
from hiersim.traces.request import RequestTrace


@dataclass(frozen=True)
class RequestParameters:
    """Parameters of the generator of independent requests."""

    requests: int = parameter(1000, "requests", low=1, high=10**8)
    interval: int = parameter(SECOND // 4, "mean time between arrivals, picoseconds",
                              high=1000 * SECOND, unit="time")  # fmt: skip
    arrivals: str = parameter("poisson", "how requests arrive", one_of=PROCESSES)
    arrivals_cv: float = parameter(1.0, "gamma, weibull: standard deviation of the interval by its mean",
                                   low=SPREADS[0], high=SPREADS[1])  # fmt: skip
    prompts: str = parameter("lognormal", "law of the prompts' lengths", one_of=LENGTHS)
    prompt_tokens: int = parameter(1000, "tokens of a prompt beside a shared one: median if lognormal, else mean",
                                   low=1, high=10**7)  # fmt: skip
    prompt_spread: float = parameter(1.0, "lognormal: sigma of the logarithm; uniform: half width by mean", high=3)
    outputs: str = parameter("lognormal", "law of the answers' lengths", one_of=LENGTHS)
    output_tokens: int = parameter(250, "tokens of an answer: median if lognormal, else mean",
                                   low=1, high=10**7)  # fmt: skip
    output_spread: float = parameter(0.8, "lognormal: sigma of the logarithm; uniform: half width by mean", high=3)
    context: int = parameter(131_072, "longer prompts with their answers are left out", low=1, high=10**8)
    system_prompts: int = parameter(0, "different system prompts; 0 for none, and no prefix blocks", high=10**5)
    system_alpha: float = parameter(1.0, "Zipf exponent of the system prompts' popularity", high=10)
    system_tokens: int = parameter(1500, "median tokens of a system prompt", high=10**6)
    system_spread: float = parameter(0.5, "sigma of a system prompt's length", high=3)
    block_tokens: int = parameter(128, "tokens in a prefix block", low=1, high=10**6)


def make(p: RequestParameters, rng: np.random.Generator) -> RequestTrace:
    """Make the trace: every request is a conversation of one turn."""
    asked = draw_lengths(rng, p.prompts, p.prompt_tokens, p.prompt_spread, p.requests)
    answered = draw_lengths(rng, p.outputs, p.output_tokens, p.output_spread, p.requests)
    started = arrival_times(draw_gaps(rng, p.arrivals, p.interval, p.arrivals_cv, p.requests))
    system, shared = np.zeros(1, np.int64), np.zeros(p.requests, np.int32)
    if p.system_prompts:
        system = draw_lengths(rng, "lognormal", p.system_tokens, p.system_spread, p.system_prompts, least=0)
        shared = draw_zipf(rng, p.system_prompts, p.system_alpha, p.requests)
    once = np.ones(p.requests, np.int64)
    talks = Talks(started, once, system[shared], shared, asked, answered, np.zeros_like(once))
    made = conversations("requests", talks, 0, p.context, p.block_tokens if p.system_prompts else 0)
    return replace(made, session=np.full(len(made), -1, np.int32))


GENERATOR = Generator(
    "requests", "independent requests by an arrival process and laws of their lengths", RequestParameters, make
)
