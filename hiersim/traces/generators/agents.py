"""Agents that call tools: an answer is a call, and the next prompt holds its result, as soon as the tool is done.

The time that a tool takes is the wait between a call and the next request (``think_ps``).
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
class AgentParameters:
    """Parameters of the agent generator; lengths and tool times are lognormal, by median and sigma of the logarithm."""

    tasks: int = parameter(200, "tasks, each a session", low=1, high=10**7)
    task_interval: int = parameter(5 * SECOND, "mean time between new tasks, picoseconds",
                                   high=1000 * SECOND, unit="time")  # fmt: skip
    arrivals: str = parameter("poisson", "how tasks begin", one_of=PROCESSES)
    arrivals_cv: float = parameter(1.0, "gamma, weibull: standard deviation of that time by its mean",
                                   low=SPREADS[0], high=SPREADS[1])  # fmt: skip
    steps: float = parameter(12.0, "mean requests of a task (geometric): its tool calls and the last answer",
                             low=1, high=10**4)  # fmt: skip
    tool_time: int = parameter(2 * SECOND, "median time of a tool call, picoseconds", high=10**5 * SECOND, unit="time")
    tool_spread: float = parameter(1.2, "sigma of a tool's time", high=3)
    token_time: int = parameter(SECOND // 50, "time to answer, picoseconds per token", high=SECOND, unit="time")
    agents: int = parameter(4, "kinds of agents, each with its system prompt and tools", low=1, high=10**5)
    agent_alpha: float = parameter(1.0, "Zipf exponent of their popularity", high=10)
    system_tokens: int = parameter(6000, "median tokens of a system prompt with its tools' descriptions", high=10**6)
    system_spread: float = parameter(0.4, "sigma of a system prompt's length", high=3)
    task_tokens: int = parameter(400, "median tokens of a task", low=1, high=10**6)
    task_spread: float = parameter(1.0, "sigma of a task's length", high=3)
    result_tokens: int = parameter(600, "median tokens of a tool's result", low=1, high=10**6)
    result_spread: float = parameter(1.3, "sigma of a result's length", high=3)
    output_tokens: int = parameter(120, "median tokens of an answer", low=1, high=10**6)
    output_spread: float = parameter(0.8, "sigma of an answer's length", high=3)
    context: int = parameter(131_072, "a task ends before its tokens exceed this", low=1, high=10**8)
    block_tokens: int = parameter(128, "tokens in a prefix block", low=1, high=10**6)


def make(p: AgentParameters, rng: np.random.Generator) -> RequestTrace:
    """Make the trace."""
    system = draw_lengths(rng, "lognormal", p.system_tokens, p.system_spread, p.agents, least=0)
    agent = draw_zipf(rng, p.agents, p.agent_alpha, p.tasks)
    steps = rng.geometric(1 / p.steps, p.tasks)
    total, begin = int(steps.sum()), np.cumsum(steps) - steps
    asked = draw_lengths(rng, "lognormal", p.result_tokens, p.result_spread, total)
    asked[begin] = draw_lengths(rng, "lognormal", p.task_tokens, p.task_spread, p.tasks)
    answered = draw_lengths(rng, "lognormal", p.output_tokens, p.output_spread, total)
    started = arrival_times(draw_gaps(rng, p.arrivals, p.task_interval, p.arrivals_cv, p.tasks))
    tool = draw_lengths(rng, "lognormal", p.tool_time, p.tool_spread, total, least=0)
    talks = Talks(started, steps, system[agent], agent, asked, answered, tool)
    return conversations("agents", talks, p.token_time, p.context, p.block_tokens)


GENERATOR = Generator("agents", "agents whose next request waits for a tool's result", AgentParameters, make)
