"""Generators of requests: arrivals and lengths follow their laws, blocks are shared as texts are, waits are exact."""

from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from hiersim.errors import ConfigError
from hiersim.traces import generate
from hiersim.traces.arrivals import PROCESSES, ArrivalProcess, draw_gaps
from hiersim.traces.generators.draw import draw_lengths

SECOND = 10**12


def blocks_of(trace, request):
    return trace.block_ids[trace.block_offsets[request] : trace.block_offsets[request + 1]].tolist()


SPREADS = [("poisson", 1), ("gamma", 0.4), ("gamma", 2), ("weibull", 0.4), ("weibull", 2), ("constant", 0)]


@pytest.mark.parametrize(("process", "cv"), SPREADS)
def test_arrivals_have_the_mean_and_the_spread_asked_for(process, cv):
    gaps = draw_gaps(np.random.default_rng(3), process, 0.25 * SECOND, cv or 1, 400_000)
    assert gaps.mean() == pytest.approx(0.25 * SECOND, rel=0.012)
    assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.02, abs=1e-9)
    assert (gaps >= 0).all()


def test_gamma_and_weibull_of_spread_1_are_poisson():
    draws = [np.sort(draw_gaps(np.random.default_rng(1), p, 1e9, 1.0, 100_000)) for p in ("gamma", "weibull")]
    exponential = -1e9 * np.log1p(-(np.arange(100_000) + 0.5) / 100_000)
    for drawn in draws:
        assert np.abs(np.interp(drawn, exponential, np.arange(100_000)) - np.arange(100_000)).max() < 0.007 * 100_000


@pytest.mark.parametrize(
    ("law", "spread", "mean", "deviation"),
    [
        ("lognormal", 0.5, 1000 * np.exp(0.125), 1000 * np.exp(0.125) * np.sqrt(np.exp(0.25) - 1)),
        ("exponential", 9, 1000, 1000),
        ("uniform", 0.5, 1000, 500 / np.sqrt(3)),
        ("fixed", 9, 1000, 0),
    ],
)
def test_lengths_follow_their_law(law, spread, mean, deviation):
    drawn = draw_lengths(np.random.default_rng(2), law, 1000, spread, 200_000)
    assert drawn.mean() == pytest.approx(mean, rel=0.01)
    assert drawn.std() == pytest.approx(deviation, rel=0.02, abs=1e-9)
    assert drawn.min() >= 1


@pytest.mark.parametrize("kind", ["chat", "agents"])
def test_turns_wait_for_the_answer_before_them(kind):
    trace = generate(kind, seed=3, **({"sessions": 80} if kind == "chat" else {"tasks": 80}), token_time="10 ms")
    turns = defaultdict(list)
    for request, session in enumerate(trace.session.tolist()):
        turns[session].append(request)
    for requests in turns.values():
        assert (trace.after[requests[0]], trace.think_ps[requests[0]]) == (-1, 0)
        for earlier, later in pairwise(requests):
            assert trace.after[later] == earlier
            answer = trace.output_tokens[earlier] * 10**10
            assert trace.time_ps[later] == trace.time_ps[earlier] + answer + trace.think_ps[later]
            assert trace.prompt_tokens[later] > trace.prompt_tokens[earlier] + trace.output_tokens[earlier]
    assert trace.closed_loop


def test_agents_of_a_kind_share_their_system_prompt():
    trace = generate("agents", seed=1, tasks=40, agents=2, system_tokens=1280, system_spread=0.0)
    first = {session: blocks_of(trace, np.flatnonzero(trace.session == session)[0]) for session in set(trace.session)}
    assert len({tuple(blocks[:10]) for blocks in first.values()}) == 2
    own = [block for blocks in first.values() for block in blocks[10:]]
    assert len(own) == len(set(own))


def test_requests_share_system_prompts_or_nothing():
    plain = generate(
        "requests", seed=1, requests=50, prompts="fixed", prompt_tokens=100, outputs="fixed", output_tokens=7
    )
    assert (plain.prompt_tokens == 100).all()
    assert (plain.output_tokens == 7).all()
    assert (len(plain.block_ids), plain.block_tokens, plain.closed_loop) == (0, 0, False)
    assert (plain.session == -1).all()
    shared = generate("requests", seed=1, requests=50, system_prompts=1, system_tokens=256, system_spread=0.0)
    assert {tuple(blocks_of(shared, r)[:2]) for r in range(50)} == {tuple(blocks_of(shared, 0)[:2])}
    rest = [block for r in range(50) for block in blocks_of(shared, r)[2:]]
    assert len(rest) == len(set(rest))


def test_bursts_come_from_the_process():
    calm, bursty = (
        generate("requests", seed=1, requests=20_000, arrivals="gamma", arrivals_cv=cv) for cv in (0.2, 3.0)
    )
    for trace, cv in ((calm, 0.2), (bursty, 3.0)):
        gaps = np.diff(trace.time_ps)
        assert gaps.std() / gaps.mean() == pytest.approx(cv, rel=0.06)


SHAPE = {
    "documents": 30,
    "document_chunks": 2,
    "chunks": 4,
    "chunk_tokens": 64,
    "system_tokens": 32,
    "block_tokens": 32,
}


@pytest.mark.parametrize("order", ["shuffled", "sorted"])
def test_rag_blocks_are_shared_as_their_kind_says(order):
    """The same draws in both kinds: a piece of text is a block of one, and that behind a text one of the other."""
    chunked, chained = (
        generate("rag", seed=4, requests=400, order=order, blocks=kind, **SHAPE) for kind in ("chunk", "prefix")
    )
    assert (chunked.chained, chained.chained) == (False, True)
    assert (chunked.prompt_tokens == chained.prompt_tokens).all()
    text_of = {}
    for r in range(400):
        pieces, prefixes = blocks_of(chunked, r), blocks_of(chained, r)
        assert len(pieces) == len(prefixes) == -(-chained.prompt_tokens[r] // 32)
        assert len(set(pieces)) == len(pieces)  # no chunk twice in a prompt
        for place, block in enumerate(prefixes):
            assert text_of.setdefault(block, tuple(pieces[: place + 1])) == tuple(pieces[: place + 1])
    assert len(set(text_of.values())) == len(text_of)  # different texts are different blocks
    assert chunked.blocks_distinct < chained.blocks_distinct


def test_rag_documents_are_popular_by_zipf():
    pool = {"documents": 50, "document_chunks": 1, "chunks": 1, "alpha": 1.0, "chunk_tokens": 128, "system_tokens": 0}
    trace = generate("rag", seed=4, requests=20_000, blocks="chunk", **pool)
    firsts = trace.block_ids[trace.block_offsets[:-1]]
    counts = np.sort(np.bincount(firsts))[::-1]
    weight = 1 / np.arange(1, 51.0)
    assert len(counts[counts > 0]) == 50
    assert counts[counts > 0] == pytest.approx(20_000 * weight / weight.sum(), rel=0.15)


def test_rag_draws_different_chunks_from_a_pool_that_is_nearly_used_up():
    whole = generate("rag", seed=1, requests=20, documents=3, document_chunks=2, chunks=6, alpha=9.0, blocks="chunk")
    for r in range(20):
        assert len(set(blocks_of(whole, r)[4 : 4 + 6 * 4])) == 24


def test_processes_are_read_from_text():
    assert ArrivalProcess.parse("gamma:rate=4, cv=2") == ArrivalProcess("gamma", 4.0, 2.0)
    assert {ArrivalProcess.parse(f"{process}:rate=1").process for process in PROCESSES} == set(PROCESSES)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("poison:rate=4", "unknown arrival process `poison`; did you mean `poisson`?"),
        ("poisson", "needs a rate, as in poisson:rate=4 for 4 a second"),
        ("gamma:rate=x", "rate must be a number, got `x`"),
        ("gamma:rate=4,shape=2", "unknown number `shape` (rate, and cv of gamma and weibull)"),
        ("gamma:rate=4,cv=100", "cv must be 0.01 to 10, got 100"),
        ("poisson:rate=0", "rate must be 1e-06 to 1e+09, got 0"),
        ("poisson:rate=nan", "rate must be 1e-06 to 1e+09, got nan"),
    ],
)
def test_processes_that_cannot_be(text, message):
    with pytest.raises(ConfigError) as caught:
        ArrivalProcess.parse(text)
    assert message in str(caught.value)
