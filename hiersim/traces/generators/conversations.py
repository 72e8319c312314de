"""What the generators of conversations share: turns that follow each other, and prompts that hold all before them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError
from hiersim.traces.arrivals import check_span
from hiersim.traces.prefix_blocks import session_blocks
from hiersim.traces.request import RequestTrace

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Talks:
    """Conversations as columns: of each session, and of each turn, sessions one after the other.

    Attributes:
        started: int64 [sessions], arrival of the first turn, picoseconds.
        turns: int64 [sessions], at least 1.
        system: int64 [sessions], tokens of its system prompt.
        shared: [sessions], the number of its system prompt.
        asked: int64 [turns of all], tokens that a turn adds to the prompt.
        answered: int64 [turns of all], tokens of its answer.
        think_ps: int64 [turns of all], time from its answer to the next turn, picoseconds.
    """

    started: Ints
    turns: Ints
    system: Ints
    shared: Any
    asked: Ints
    answered: Ints
    think_ps: Ints


def conversations(kind: str, talks: Talks, token_time: int, context: int, block_tokens: int) -> RequestTrace:
    """Return the requests of conversations, in the order of their arrival if answers take as long as assumed.

    Args:
        kind: the generator's name, for messages.
        talks: the conversations.
        token_time: time to answer that the arrivals assume, picoseconds per token.
        context: a conversation ends before its tokens exceed this.
        block_tokens: tokens in a prefix block; 0 for none.

    Raises:
        ConfigError: no request fits into the context, or time does not fit into int64 picoseconds.
    """
    begin = np.cumsum(talks.turns) - talks.turns  # each session's first request
    session = np.repeat(np.arange(len(talks.turns)), talks.turns)
    prompt = _before(talks.asked + talks.answered, begin, talks.turns) + talks.system[session] + talks.asked
    pauses = np.add.reduceat(talks.think_ps + talks.answered * float(token_time), begin)
    check_span(float((talks.started + pauses).max()))
    arrival = talks.started[session] + _before(talks.think_ps + talks.answered * token_time, begin, talks.turns)
    fits = np.flatnonzero(prompt + talks.answered <= context)  # lengths only grow: this cuts off last turns
    if not len(fits):
        raise ConfigError(f"{kind}: no request fits into a context of {context:,} tokens")
    order = fits[np.lexsort((fits, arrival[fits]))]
    of, first = session[order], np.isin(order, begin)
    offsets, blocks = np.zeros(len(order) + 1, np.int64), np.empty(0, np.int32)
    if block_tokens:
        offsets, blocks = session_blocks(prompt[order], of, talks.system[of], talks.shared[of], block_tokens)
    place = np.zeros(len(session), np.int32)
    place[order] = np.arange(len(order), dtype=np.int32)
    return RequestTrace(
        time_ps=arrival[order] - arrival[order[0]],
        prompt_tokens=prompt[order],
        output_tokens=talks.answered[order],
        session=of.astype(np.int32),
        block_offsets=offsets,
        block_ids=blocks,
        original_block_id=np.arange(int(blocks.max(initial=-1)) + 1),
        block_tokens=block_tokens,
        after=np.where(first, np.int32(-1), place[order - 1]),
        think_ps=np.where(first, 0, talks.think_ps[order - 1]),
    )


def _before(values: Ints, begin: Ints, turns: Ints) -> Ints:
    """Return the sum of the earlier values of the same session."""
    running = np.cumsum(values) - values
    return np.asarray(running - np.repeat(running[begin], turns))
