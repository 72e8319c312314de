"""Streamed weights against recurrences by hand, a mapped file that thrashes, and what codecs and planes move."""

import pytest
from workloads.rig import GPU, NVME, PCIE, machine, read_from, run

from hiersim.cli.main import execute
from hiersim.errors import ConfigError
from hiersim.machine import Execute, TierRules
from hiersim.models import find_model
from hiersim.workloads import generate

H, LAYERS, VOCABULARY = 768, 12, 50272
LAYER = 2 * (12 * H * H + 9 * H + 4 * H)
HEAD = 2 * (H * VOCABULARY + 2 * H)
PROMPT, OUTPUT = 8, 5
SMALL = {"model": "opt-125m", "prompt": PROMPT, "output": OUTPUT, "batch": 3}


def groups(batch, resident=()):
    """Yield (bytes to load, seconds to compute) of each layer and the head of each token; ``resident`` shares stay."""
    shares = dict(enumerate(resident))
    for token in range(OUTPUT):
        tokens, pairs = (PROMPT, PROMPT * (PROMPT + 1) // 2) if token == 0 else (1, PROMPT + token)
        for layer in range(LAYERS):
            yield (1 - shares.get(layer, 0)) * LAYER, batch * (2 * 12 * H * H * tokens + 4 * H * pairs) / GPU
        yield (1 - shares.get(LAYERS, 0)) * HEAD, batch * 2 * H * VOCABULARY / GPU


def expected(batch, ahead, bandwidth=PCIE, resident=()):
    """Return the seconds of a schedule that fetches a layer when the one before the window is over."""
    look_up = 2 * H * batch / PCIE  # of a single token
    fetched, computed = 0.0, []
    for i, (size, compute) in enumerate(groups(batch, resident)):
        token, first = divmod(i, LAYERS + 1)
        rows = (PROMPT if token == 0 else 1) * look_up if first == 0 else 0.0
        if first == 0:  # the embedding is a group of its own, which is computed when its rows have come
            computed.append((computed[-1] if computed else 0.0) + rows)
        begin = computed[-1 - ahead] if len(computed) > ahead else 0.0
        if size:
            fetched = max(fetched, begin) + size / bandwidth
        computed.append(max(computed[-1], fetched if size else 0.0) + compute)
    return computed[-1]


@pytest.mark.parametrize("ahead", [0, 1, 2, 5])
@pytest.mark.parametrize("batch", [3, 60])
def test_layers_come_as_the_window_lets_them(ahead, batch):
    result = run("weight_streaming", **SMALL | {"batch": batch}, ahead=ahead)
    assert result.operations.makespan_ps / 1e12 == pytest.approx(expected(batch, ahead), rel=1e-3)
    assert result.operations.kinds["load_weight"].moved_bytes == OUTPUT * (LAYERS * LAYER + HEAD)


def test_a_copy_near_the_unit_comes_before_the_use():
    """Nothing is ahead, so that each layer waits for its copy, which reads and writes the near tier."""
    rate, came = 1e11, OUTPUT * (LAYERS * LAYER + HEAD)
    plain, gathered = (
        run("weight_streaming", machine(near=rate), **SMALL, ahead=0, gather=each) for each in (False, True)
    )
    kind = gathered.operations.kinds["gather"]
    assert (kind.read_bytes, kind.written_bytes) == (came, came)
    longer = gathered.operations.makespan_ps - plain.operations.makespan_ps
    assert longer / 1e12 == pytest.approx(2 * came / rate, rel=1e-3)


def test_a_lock_that_is_balanced_is_faster_than_one_in_front():
    total, share = LAYERS * LAYER + HEAD, 0.5
    front, left = [], share * total
    for size in [LAYER] * LAYERS + [HEAD]:
        front.append(min(left, size) / size)
        left -= front[-1] * size
    locks = {"evenly": [share] * (LAYERS + 1), "front": front}
    times = {}
    for lock, resident in locks.items():
        result = run("weight_streaming", **SMALL | {"batch": 40}, resident=50, lock=lock)
        times[lock] = result.operations.makespan_ps / 1e12
        assert times[lock] == pytest.approx(expected(40, 1, resident=resident), rel=1e-3)
        assert result.operations.kinds["load_weight"].moved_bytes == pytest.approx(OUTPUT * total / 2, rel=1e-4)
    assert times["evenly"] < times["front"]


@pytest.mark.parametrize(("policy", "hits"), [("lru", 0), ("fifo", 0), ("mru", None)])
def test_a_mapped_file_that_does_not_fit(policy, hits):
    params = SMALL | {"load": "demand", "pages": 1 << 20, "home": "flash"}
    trace = generate("weight_streaming", **params)
    pages = sum(1 for name in trace.objects.object_class if trace.objects.classes[name] == "weight")
    small = machine(gddr=int(0.7 * (LAYERS * LAYER + HEAD)))
    rules = {"gddr": TierRules(policy=policy, on_evict="drop")}
    result = run("weight_streaming", small, rules, **params)
    near = result.tiers["gddr"]
    if hits is not None:
        assert near.hits == hits
        assert read_from(result, "flash") == pytest.approx(OUTPUT * (LAYERS * LAYER + HEAD), rel=0.01)
    else:
        assert near.hits > pages


@pytest.mark.parametrize(
    ("codec", "bits"),
    [
        ({}, 16),
        ({"bits": 4.125}, 4.125),
        ({"sparsity": 0.5}, 9),
        ({"sparsity": 0.5, "expand": "near"}, 9),
        ({"bits": 8, "planes": 8, "planes_read": 3}, 3),
    ],
)
def test_codecs_move_fewer_bytes(codec, bits):
    found = run("weight_streaming", **SMALL, **codec).operations.kinds
    matrices, vectors = LAYERS * 12 * H * H, LAYERS * 13 * H
    assert found["load_weight"].moved_bytes == pytest.approx(
        OUTPUT * (matrices * bits / 8 + 2 * vectors + HEAD), rel=1e-5
    )
    assert ("expand" in found) == (codec.get("expand") == "near")


def test_a_disk_whose_bytes_bounce_costs_both_ways_one_after_the_other():
    total = LAYERS * LAYER + HEAD
    through = run("weight_streaming", **SMALL, home="flash", ahead=0).operations
    bounce = run("weight_streaming", **SMALL, home="flash", ahead=0, bounce=True).operations
    assert (bounce.makespan_ps - through.makespan_ps) / 1e12 == pytest.approx(OUTPUT * total / PCIE, rel=1e-3)
    assert through.kinds["load_weight"].busy_ps / 1e12 == pytest.approx(OUTPUT * total / NVME, rel=1e-3)


def test_a_core_that_copies_first_is_what_one_waits_for():
    slow = run("weight_streaming", **SMALL, ahead=0, copy_rate=1e9).operations
    total = OUTPUT * (LAYERS * LAYER + HEAD)
    assert slow.kinds["stage"].busy_ps / 1e12 == pytest.approx(total / 1e9, rel=1e-4)
    plain = run("weight_streaming", **SMALL, ahead=0).operations
    assert (slow.makespan_ps - plain.makespan_ps) / 1e12 == pytest.approx(total / 1e9 - total / PCIE, rel=1e-3)


def test_what_comes_ahead_by_itself_is_as_good_as_a_schedule():
    params = SMALL | {"load": "demand", "batch": 40}
    demand = run("weight_streaming", machine(gddr=8 * LAYER + HEAD), None, Execute(), **params).operations
    ahead = run("weight_streaming", machine(gddr=8 * LAYER + HEAD), None, Execute(ahead=2), **params).operations
    assert ahead.makespan_ps < demand.makespan_ps


def test_all_resident_moves_nothing():
    result = run("weight_streaming", **SMALL, resident=100)
    assert "load_weight" not in result.operations.kinds
    assert find_model("opt-125m").layers == LAYERS


@pytest.mark.parametrize(
    ("params", "what"),
    [
        ({"planes": 2, "planes_read": 3}, "more than the 2 `planes`"),
        ({"pages": 3}, r"pages of 3 bytes are [\d,]+ objects, which are at most 10,000,000"),
        ({"lock": "back"}, "not one of evenly, front"),
        ({"sparsity": 2}, "must be 0 to 1"),
    ],
)
def test_mistakes(params, what):
    with pytest.raises(ConfigError, match=what):
        generate("weight_streaming", **params)


def test_a_mistake_is_at_the_key_that_the_file_has(tmp_path, capsys):
    file = tmp_path / "s.yaml"
    params = "{planes: 4, planes_read: 8}"
    file.write_text(f"machine: rtx-4090\ntiers: {{gddr: {{policy: lru}}, dram: {{}}}}\ntrace:\n  generate:\n"
                    f"    kind: weight-streaming\n    params: {params}\nexecute: {{}}\n")  # fmt: skip
    assert execute(["run", str(file), "--out", str(tmp_path / "out")]) == 2
    assert f"{file}:6  trace.generate.params.planes_read  more than the 4 `planes`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
