"""Laws of the plain twin of the step loop, on random small workloads: what any scheduler of this kind must keep."""

from hypothesis import given
from hypothesis import strategies as st
from oracle.serving.scheduler import Request, Server, Settings

REQUESTS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 90), st.integers(1, 40)), min_size=1, max_size=12)


def served(rows, **settings):
    requests = [Request(float(arrival), prompt, output) for arrival, prompt, output in rows]
    server = Server(requests, Settings(**settings))
    server.run(lambda batch: 1.0 + sum(new for new, _, _ in batch) / 64)
    return requests, server


@given(
    rows=REQUESTS,
    blocks=st.integers(4, 40),
    tokens=st.integers(4, 64),
    sequences=st.integers(1, 8),
    watermark=st.sampled_from((0.0, 0.1)),
    cache=st.booleans(),
    whole=st.booleans(),
)
def test_every_request_is_served_or_rejected_and_nothing_is_lost(
    rows, blocks, tokens, sequences, watermark, cache, whole
):
    settings = {
        "blocks": blocks, "block_tokens": 4, "most_tokens": tokens, "most_sequences": sequences, "watermark": watermark,
        "prefix_cache": cache, "whole_prompt": whole,
    }  # fmt: skip
    requests, server = served(rows, **settings)
    for request in requests:
        if request.rejected:
            assert request.prompt + request.output - 1 > blocks * 4
            continue
        assert request.generated == request.output
        assert request.arrival < request.first <= request.last
        # what was computed and what was remembered is what was needed: all tokens but the last, once per start
        assert request.processed >= request.prompt + request.output - 1 - request.reused
        if not request.preemptions:
            assert request.processed + request.reused == request.prompt + request.output - 1
    assert server.pool.free() == blocks
    assert sorted(server.pool.line) == list(range(blocks))
    for batch in server.steps:
        assert sum(new for new, _, _ in batch) <= tokens
        assert len(batch) <= sequences


@given(rows=REQUESTS)
def test_with_room_for_all_first_come_is_first_served(rows):
    requests, _ = served(rows, blocks=10_000, block_tokens=4, most_tokens=32, most_sequences=64)
    order = sorted(requests, key=lambda request: (request.arrival, request.name))
    firsts = [request.first for request in order]
    assert firsts == sorted(firsts)
    assert not any(request.preemptions for request in requests)


@given(rows=REQUESTS)
def test_more_room_never_makes_more_to_compute(rows):
    small, _ = served(rows, blocks=48, block_tokens=4, most_tokens=32, most_sequences=64)
    large, _ = served(rows, blocks=10_000, block_tokens=4, most_tokens=32, most_sequences=64)
    assert sum(r.processed for r in large if not r.rejected) <= sum(
        s.processed + (0 if not s.rejected else r.processed) for s, r in zip(small, large, strict=True)
    )


def test_a_preempted_request_takes_up_what_is_still_remembered():
    rows = [(0, 30, 30), (0, 30, 30)]
    kept, _ = served(rows, blocks=20, block_tokens=4, most_tokens=64, most_sequences=4)
    lost, _ = served(rows, blocks=20, block_tokens=4, most_tokens=64, most_sequences=4, prefix_cache=False)
    assert kept[1].preemptions == lost[1].preemptions == 1
    assert kept[1].reused > 0 == lost[1].reused
    assert kept[1].processed < lost[1].processed


def test_requests_with_the_same_keys_share_their_blocks():
    first, second = (Request(float(i), 33, 4, keys=["a", "b", "c", "d"]) for i in range(2))
    server = Server([first, second], Settings(blocks=64, block_tokens=8, most_tokens=64))
    server.run(lambda batch: 0.5)
    assert first.reused == 0
    assert second.reused == 32
