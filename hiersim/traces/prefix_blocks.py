"""The prefix blocks of conversations: an exact tree, as chained hashes of their tokens would give.

Blocks within a system prompt are shared by all who have it, later full blocks by the turns of a conversation, and the
partly filled block at a prompt's end belongs to that request alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hiersim.jit import kernel

Ints = NDArray[np.int64]


def session_blocks(
    prompt: Ints, session: Ints, system: Ints, shared: Any, block_tokens: int
) -> tuple[Ints, NDArray[np.int32]]:
    """Return the prefix blocks of each request as offsets and numbers by first appearance.

    Args:
        prompt: tokens of each request's prompt; a later turn's begins with all of the earlier one's, answer included.
        session: the session of each request, numbered densely.
        system: tokens of each request's system prompt.
        shared: the number of each request's system prompt.
        block_tokens: tokens in a block.
    """
    full, first = prompt // block_tokens, np.minimum(system, prompt) // block_tokens
    offsets = np.concatenate([[0], np.cumsum(-(-prompt // block_tokens))])
    numbers = np.empty(int(offsets[-1]), np.int32)
    shared = np.asarray(shared, np.int64)
    _number(offsets, full, first, session, shared, *_table(shared, first), *_table(session, full), numbers)
    return offsets, numbers


def _table(owner: Ints, blocks: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """Return where each owner's blocks begin in a table, and the table, which numbers none of them yet."""
    most = np.zeros(int(owner.max(initial=-1)) + 1, np.int64)
    np.maximum.at(most, owner, blocks)
    begin = np.concatenate([[0], np.cumsum(most)])
    return begin, np.full(int(begin[-1]), -1, np.int32)


@kernel
def _number(
    offsets: Any, full: Any, first: Any, session: Any, shared: Any,
    shared_begin: Any, shared_table: Any, session_begin: Any, session_table: Any, numbers: Any,
) -> None:  # fmt: skip
    """Number the blocks of each request: the first ones by its system prompt, full ones by its session, a rest anew."""
    count = 0
    for r in range(full.shape[0]):
        for place in range(offsets[r + 1] - offsets[r]):
            if place < first[r]:
                known = shared_table[shared_begin[shared[r]] + place]
            elif place < full[r]:
                known = session_table[session_begin[session[r]] + place]
            else:
                known = -1
            if known < 0:
                known = count
                count += 1
                if place < first[r]:
                    shared_table[shared_begin[shared[r]] + place] = known
                elif place < full[r]:
                    session_table[session_begin[session[r]] + place] = known
            numbers[offsets[r] + place] = known
