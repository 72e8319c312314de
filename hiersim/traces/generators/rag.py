"""Retrieval-augmented generation: a prompt holds chunks of popular documents in any order, then a question.

Blocks are of two kinds. As ``prefix`` blocks, as chained hashes give them, a chunk is shared only behind the same
chunks in the same order. As ``chunk`` blocks it is the same wherever it stands, as for caches that reuse keys and
values at any position and recompute a part of them; such a trace says that its blocks are not chained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hiersim.errors import ConfigError, Mistake
from hiersim.traces.arrivals import PROCESSES, SPREADS, arrival_times, draw_gaps
from hiersim.traces.generators.draw import draw_lengths, draw_zipf
from hiersim.traces.generators.generator import SECOND, Generator, parameter
from hiersim.traces.request import RequestTrace

Ints = NDArray[np.int64]
ROUNDS = 64  # of drawing anew; the rest is drawn in a way that takes time by the pool, but ends


@dataclass(frozen=True)
class RagParameters:
    """Parameters of the generator of retrieval-augmented requests."""

    requests: int = parameter(1000, "requests", low=1, high=10**7)
    interval: int = parameter(SECOND // 2, "mean time between arrivals, picoseconds",
                              high=1000 * SECOND, unit="time")  # fmt: skip
    arrivals: str = parameter("poisson", "how requests arrive", one_of=PROCESSES)
    arrivals_cv: float = parameter(1.0, "gamma, weibull: standard deviation of the interval by its mean",
                                   low=SPREADS[0], high=SPREADS[1])  # fmt: skip
    documents: int = parameter(1000, "documents in the pool", low=1, high=10**6)
    document_chunks: int = parameter(8, "chunks of a document", low=1, high=10**4)
    alpha: float = parameter(0.9, "Zipf exponent of the documents' popularity", high=10)
    chunks: int = parameter(5, "different chunks in a prompt", low=1, high=1000)
    order: str = parameter("shuffled", "shuffled; or sorted, by document and place, which shares longer prefixes",
                           one_of=("shuffled", "sorted"))  # fmt: skip
    chunk_tokens: int = parameter(512, "tokens of a chunk, a multiple of block_tokens", low=1, high=10**6)
    system_tokens: int = parameter(512, "tokens of the system prompt that all share, a multiple of block_tokens",
                                   high=10**6)  # fmt: skip
    question_tokens: int = parameter(60, "median tokens of a question (lognormal)", low=1, high=10**6)
    question_spread: float = parameter(0.7, "sigma of a question's length", high=3)
    output_tokens: int = parameter(200, "median tokens of an answer (lognormal)", low=1, high=10**6)
    output_spread: float = parameter(0.8, "sigma of an answer's length", high=3)
    blocks: str = parameter("prefix", "prefix: shared behind equal prompts; chunk: at any place",
                            one_of=("prefix", "chunk"))  # fmt: skip
    block_tokens: int = parameter(128, "tokens in a block", low=1, high=10**6)


def make(p: RagParameters, rng: np.random.Generator) -> RequestTrace:
    """Make the trace."""
    _check(p)
    chosen = _chosen(p, rng)
    asked = draw_lengths(rng, "lognormal", p.question_tokens, p.question_spread, p.requests)
    answered = draw_lengths(rng, "lognormal", p.output_tokens, p.output_spread, p.requests)
    arrival = arrival_times(draw_gaps(rng, p.arrivals, p.interval, p.arrivals_cv, p.requests))
    offsets, blocks = _blocks(p, chosen, asked)
    return RequestTrace(
        time_ps=arrival - arrival[0],
        prompt_tokens=p.system_tokens + p.chunks * p.chunk_tokens + asked,
        output_tokens=answered,
        session=np.full(p.requests, -1, np.int32),
        block_offsets=offsets,
        block_ids=blocks,
        original_block_id=np.arange(int(blocks.max()) + 1),
        block_tokens=p.block_tokens,
        chained=p.blocks == "prefix",
    )


def _check(p: RagParameters) -> None:
    wrong = [
        Mistake(f"rag.{key}", f"must be a multiple of the {p.block_tokens} tokens of a block, got {getattr(p, key)}")
        for key in ("chunk_tokens", "system_tokens")
        if getattr(p, key) % p.block_tokens
    ]
    if p.chunks > p.documents * p.document_chunks:
        wrong.append(Mistake("rag.chunks", f"must be at most the {p.documents * p.document_chunks} of all documents"))
    if wrong:
        raise ConfigError(wrong)


def _chosen(p: RagParameters, rng: np.random.Generator) -> Ints:
    """Return the chunks of each prompt, int64 [requests, chunks], one after the other among those not yet chosen.

    What has come before in its prompt is drawn anew; rows that stay unlucky are drawn by exponential races.
    """
    chosen = _draw(p, rng, p.requests * p.chunks).reshape(p.requests, p.chunks)
    for _ in range(ROUNDS):
        again = _repeated(chosen)
        if not again.any():
            break
        chosen[again] = _draw(p, rng, int(again.sum()))
    for row in np.flatnonzero(_repeated(chosen).any(axis=1)):
        chosen[row] = _race(p, rng, chosen[row])
    return np.sort(chosen, axis=1) if p.order == "sorted" else chosen


def _race(p: RagParameters, rng: np.random.Generator, row: Ints) -> Ints:
    """Return a row whose repeated entries are drawn among the others: the first of exponential times by weight."""
    kept = row[~_repeated(row[None])[0]]
    weight = np.repeat(np.arange(1, p.documents + 1, dtype=np.float64) ** -p.alpha, p.document_chunks)
    times = rng.exponential(size=len(weight)) / weight
    times[kept] = np.inf
    found = row.copy()
    missing = len(row) - len(kept)
    found[_repeated(row[None])[0]] = np.argsort(times, kind="stable")[:missing]
    return found


def _draw(p: RagParameters, rng: np.random.Generator, count: int) -> Ints:
    document = draw_zipf(rng, p.documents, p.alpha, count).astype(np.int64)
    return document * p.document_chunks + rng.integers(0, p.document_chunks, count)


def _repeated(chosen: Ints) -> NDArray[np.bool_]:
    """Return which entries of each row have come before in it."""
    order = np.argsort(chosen, axis=1, kind="stable")
    ranked = np.take_along_axis(chosen, order, axis=1)
    same = np.zeros(chosen.shape, bool)
    same[:, 1:] = ranked[:, 1:] == ranked[:, :-1]
    again = np.empty_like(same)
    np.put_along_axis(again, order, same, axis=1)
    return again


def _blocks(p: RagParameters, chosen: Ints, asked: Ints) -> tuple[Ints, NDArray[np.int32]]:
    """Return the blocks of each request: the system prompt's, its chunks', and those of its own question."""
    from hiersim.traces.ids import Numbering

    system, each = p.system_tokens // p.block_tokens, p.chunk_tokens // p.block_tokens
    nodes = chosen if p.blocks == "chunk" else _prefixes(chosen)
    own = -(-asked // p.block_tokens)
    offsets = np.concatenate([[0], np.cumsum(system + p.chunks * each + own)])
    ids = np.empty(offsets[-1], np.int64)
    start = offsets[:-1, None]
    ids[start + np.arange(system)] = np.arange(system)
    inside = nodes[:, :, None] * each + np.arange(each) + system
    ids[start + system + np.arange(p.chunks * each)] = inside.reshape(len(asked), -1)
    mine = np.repeat(offsets[1:] - own.cumsum(), own) + np.arange(own.sum())
    ids[mine] = system + (int(nodes.max()) + 1) * each + np.arange(own.sum())
    return offsets, Numbering().add(ids)[0]


def _prefixes(chosen: Ints) -> Ints:
    """Return a number for each chunk behind all that are before it in its prompt: equal for equal prompts so far."""
    from hiersim.traces.ids import Numbering

    numbering, nodes = Numbering(), np.empty_like(chosen)
    before = np.full(len(chosen), -1, np.int64)
    width = int(chosen.max()) + 1
    for place in range(chosen.shape[1]):
        before = numbering.add((before + 1) * width + chosen[:, place])[0].astype(np.int64)
        nodes[:, place] = before
    return nodes


GENERATOR = Generator(
    "rag", "prompts of chunks of popular documents, in any order, and a question", RagParameters, make
)
