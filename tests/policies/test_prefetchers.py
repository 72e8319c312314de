"""Each prefetcher, compiled, against its naive twin: the same keys in the same order after every access."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.prefetch import Run, Seen, make

from hiersim import jit
from hiersim.errors import PolicyError
from hiersim.policies import prefetch
from hiersim.policies.hooks import bind_prefetcher, call_hook
from hiersim.policies.prefetch.contract import MOST, Setup
from hiersim.traces.access import AccessTrace
from hiersim.traces.layers import layers_of

OBJECTS, STREAMS, ACCESSES = 40, 3, 600
SPECS = {
    "next-n": ["next-n", "next-n:n=3,when=miss", "next-n:n=50,when=always"],
    "stride": ["stride", "stride:degree=4"],
    "leap": ["leap", "leap:window=8,splits=2", "leap:window=4,splits=4,most=2", "leap:window=1,splits=1"],
    "successor": ["successor", "successor:ways=1", "successor:ways=7"],
    "layer-ahead": ["layer-ahead", "layer-ahead:ahead=2,degree=3", "layer-ahead:per_layer=7"],
    "oracle": ["oracle", "oracle:lookahead=1", "oracle:lookahead=200"],
}


@jit.kernel
def ask(address, fields, key, now):
    return call_hook(address, fields, key, 1, now, 0)


def accesses(seed):
    """Objects and streams: of each stream some runs at one stride, some jumps, some of the same object again."""
    rng = np.random.default_rng(seed)
    streams, at, step = rng.integers(0, STREAMS, ACCESSES), [0] * STREAMS, [1] * STREAMS
    keys = []
    for stream in streams:
        chance = rng.random()
        if chance < 0.1:
            step[stream] = int(rng.integers(-4, 5))
        jump = int(rng.integers(0, OBJECTS)) if chance > 0.85 else at[stream] + step[stream]
        at[stream] = jump % OBJECTS
        keys.append(at[stream])
    return keys, streams.tolist(), rng.integers(0, 4, ACCESSES).tolist()


def follow(streams, open_loop):
    """The next access of the same stream, or of the trace."""
    found = []
    for now, stream in enumerate(streams):
        later = [i for i in range(now + 1, len(streams)) if open_loop or streams[i] == stream]
        found.append(later[0] if later else -1)
    return found


LAYERS = [None if key % 5 == 0 else 3 * (key // 6) for key in range(OBJECTS)]


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.xdist_group("prefetchers")) for n in prefetch.NAMES]
)
def test_it_names_what_its_twin_names(name):
    for seed, spec in enumerate(SPECS[name]):
        keys, streams, fates = accesses(seed)
        open_loop = seed == 1
        setup = Setup(
            objects=OBJECTS,
            accesses=ACCESSES,
            streams=STREAMS,
            sizes=np.ones(OBJECTS, np.int64),
            layers=np.array([-1 if layer is None else layer for layer in LAYERS], np.int32),
            trace=np.array(keys, np.int32),
            following=np.array(follow(streams, open_loop), np.int64),
        )
        policy = prefetch.find(spec)
        state = policy.init(setup)
        told, out = np.zeros(4, np.int64), np.zeros(MOST, np.int64)
        address, table = bind_prefetcher(policy, state, told, out)
        run = Run(OBJECTS, list(zip(keys, streams, strict=True)), open_loop, LAYERS)
        twin = make(name, run, dict(pair.split("=") for pair in spec.partition(":")[2].split(",") if pair))
        named = 0
        for now, (key, stream, fate) in enumerate(zip(keys, streams, fates, strict=True)):
            hit, used = fate >= 2, fate == 3
            told[:] = stream, 0, hit, used
            count = ask(address, table.ctypes.data, key, now)
            assert out[:count].tolist() == twin.on_access(Seen(key, now, stream, hit, used)), (spec, now)
            named += count
        assert named > 100


def test_leap_finds_the_trend_of_the_papers_example():
    """Eight distances, two halves: -3 at first, then +2, found again in spite of a stray access."""
    pages = [0x48, 0x45, 0x42, 0x3F, 0x3C, 0x02, 0x04, 0x06, 0x08, 0x0A, 0x0C, 0x10, 0x39, 0x12, 0x14, 0x16]
    twin = make("leap", Run(128, [], False, []), {"window": 8, "splits": 2})
    trends = []
    for now, page in enumerate(pages):
        twin.on_access(Seen(page, now, 0, False, False))
        trends.append(twin.find_trend(twin.processes[0].history[-8:]))
    assert trends[4] == -3
    assert trends[8] == 2
    assert trends[15] == 2


def test_ids_name_layers():
    names = [
        "model.layers.7.mlp.up",
        "layer_12/attn",
        "h.3.ln",
        "transformer.blocks.0",
        "lm_head",
        "path.4",
        "layers.x",
    ]
    trace = AccessTrace.build(range(7), 1, {"original_id": np.array(names)})
    assert layers_of(trace).tolist() == [7, 12, 3, 0, -1, -1, -1]
    assert layers_of(AccessTrace.build(range(7), 1)).tolist() == [-1] * 7


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("leep", r"no prefetcher `leep`; did you mean `leap`\? \(next-n, stride, .*, oracle, or a file\)"),
        ("next-n:n=0", r"prefetcher `next-n:n=0`: n must be 1 to 1024, got 0"),
        ("next-n:when=now", r"when must be one of miss, tagged, always, got now"),
        ("leap:windw=3", r"prefetcher `leap:windw=3`: no parameter `windw`; did you mean `window`\?"),
        ("leap:window=4,splits=5", r"splits must be 1 to window, 4, got 5"),
        ("leap:most=x", r"prefetcher `leap:most=x`: most must be a whole number, got `x`"),
        ("stride:degree=9999", r"degree must be 1 to 1024, got 9999"),
        ("successor:ways=0", r"ways must be 1 to 1024, got 0"),
        ("layer-ahead:ahead=0", r"ahead must be 1 or more, got 0"),
        ("oracle:lookahead=0", r"lookahead must be 1 to 1024, got 0"),
        ("./nowhere.py", r"prefetcher `./nowhere.py`: no such file"),
    ],
)
def test_mistakes_in_a_choice(spec, says):
    with pytest.raises(PolicyError, match=says):
        prefetch.find(spec)


MINE = """\
from typing import NamedTuple
import numpy as np
class State(NamedTuple):
    seen: np.ndarray
def init(setup):
    return State(np.zeros(setup.objects, np.int64))
def on_access(state, key, req, out):
    state.seen[key] += 1
    out[0] = key
    return 1
"""


@pytest.mark.skipif(jit.DISABLED, reason="finds what compiling finds")
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "return 1",
            "return 0.5",
            r"on_access returns float64, expected the number of keys in out",
        ),
        (
            "req, out",
            "req",
            r"on_access takes \(state, key, req\), expected \(.*out\) \(line 7\)",
        ),
        ("def on_access", "def on_acces", r"no on_access\(state, key, req, out\)"),
        (
            "np.zeros(setup.objects, np.int64)",
            "3",
            r"the state's `seen` must be a one-dim.* array",
        ),
        ("out[0] = key", "out[0] = req.kee", r"on_access does not compile: .*kee.*\(line 9\)"),
        ("setup.objects", "setup.objcts", r"init fails: AttributeError: .*objcts.* \(line 6\)"),
    ],
)
def test_mistakes_in_a_users_file(tmp_path, old, new, says):
    assert old in MINE
    (tmp_path / "mine.py").write_text(MINE.replace(old, new))
    with pytest.raises(PolicyError, match=f"prefetcher `mine.py`: {says}"):
        prefetch.find(str(tmp_path / "mine.py"))
