"""What cannot be served: one clear line, or a rejected request beside others that are served; never a standstill."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from serving.rig import BLOCK, SECOND, SIZE, random_trace, rules, run, trace

from hiersim.cli.main import execute
from hiersim.traces.request import RequestTrace

ROOT = Path(__file__).resolve().parents[2]
VLLM, TIERS = ROOT / "configs/vllm_rtx4090.yaml", ROOT / "configs/mooncake_tiers.yaml"
MEASURED = ROOT.parent / "shared/measured/vllm_rtx4090_llama3.1_8b"


@pytest.fixture
def cli(tmp_path, monkeypatch, capsys):
    """Run the command line in an empty folder: exit code, output and errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")

    def call(*arguments):
        code = execute([str(argument) for argument in arguments])
        return (code, *capsys.readouterr())

    return call


def line(time, prompt, hashes=(1, 2), output=3):
    return {"timestamp": time, "input_length": prompt, "output_length": output, "hash_ids": list(hashes)}


NUMBER = r"[\d,]+"
NO_HASHES = {"timestamp": 0, "input_length": 600, "output_length": 3}
# name: (scenario, what is set, lines of a trace, a pattern of the line that is printed)
WRONG = {
    "model": (
        VLLM, ["serve.model=llama-3.1-405b", "serve.kv_pages=null"], (),
        r"serve\.model  weights of 756\.0 GiB in bf16 do not fit gddr with 24\.0 GiB; more `ranks` or .*",
    ),
    "model and its share": (
        VLLM, ["serve.memory_share=0.5", "serve.kv_pages=null"], (),
        rf"serve\.model  llama-3.1-8b does not fit: weights and workspace take {NUMBER} of the {NUMBER} bytes of .*",
    ),
    "model beside pages": (
        VLLM, ["serve.model=qwen2.5-7b", "serve.kv_pages=15000"], (),
        rf"serve\.kv_pages  {NUMBER} bytes of KV and {NUMBER} of qwen2.5-7b's weights do not fit tiers\.gddr with .*",
    ),
    "no such model": (VLLM, ["serve.model=lama-3-8b"], (), r"serve\.model  unknown model .* mean `llama-3-8b`\? .*"),
    "pages": (VLLM, ["serve.kv_pages=999999"], (), rf"serve\.kv_pages  {NUMBER} bytes of KV and .* do not fit .*"),
    "no page": (
        VLLM, ["serve.kv_pages=null", "serve.kv_pool=1 KiB"], (),
        r"serve\.kv_pool  1,024 bytes are no page of 16 tokens, 2,097,152 bytes",
    ),
    "no block": (
        TIERS, ["tiers.dram.capacity=1 MiB"], (),
        r"tiers\.dram\.capacity  1,048,576 bytes hold no block of 128 tokens, 16,777,216 bytes",
    ),
    "no budget": (VLLM, ["serve.max_batched_tokens=0"], (), r"serve\.max_batched_tokens  expected at least 1, .*"),
    "no sequence": (VLLM, ["serve.max_sequences=0"], (), r"serve\.max_sequences  expected at least 1, not `0`"),
    "pages and blocks": (
        TIERS, ["serve.page_tokens=48"], (), r"serve\.page_tokens  .* blocks of 128 tokens are no multiple of 48"
    ),
    "ranks": (
        VLLM, ["serve.ranks=64", "serve.rank_link=pcie"], (),
        r"serve\.ranks  llama-3.1-8b: its 32 query heads cannot be split over 64 ranks",
    ),
    "no link": (VLLM, ["serve.ranks=2"], (), r"serve\.rank_link  is needed: 2 ranks add up numbers over a link"),
    "unit": (VLLM, ["serve.unit=gpu7"], (), r"serve\.unit  no unit `gpu7`; did you mean `gpu0`\? .*"),
    "scheduler": (
        VLLM, ["serve.scheduler=fcsf"], (), r"serve\.scheduler  no scheduler `fcsf`; did you mean `fcfs`\? .*"
    ),
    "scheduler's file": (VLLM, ["serve.scheduler=./a.py"], (), r"serve\.scheduler  no scheduler file `\./a\.py`"),
    "scheduler's parameter": (
        VLLM, ["serve.scheduler={kind: fcfs, params: {a: 1}}"], (),
        r"scheduler `fcfs` has no parameter `a` \(it has none\)",
    ),
    "one piece in two places": (
        VLLM, ["serve.allocation=contiguous", "serve.disaggregate={prefill: gpu0, decode: gpu0}"], (),
        r"serve\.allocation  rooms in one piece do not move between units; .*",
    ),
    "future": (VLLM, ["tiers.gddr.policy=opt"], (), r"tiers\.gddr\.policy  `opt` must know the future, .*"),
    "prefetch": (VLLM, ["tiers.gddr.prefetch=leap"], (), r"tiers\.gddr\.prefetch  is for replays of accesses; .*"),
    "rate": (VLLM, ["trace.rate_scale=1e12"], (), r"trace\.rate_scale  expected at most 1000000\.0, not .*"),
    "unsorted": (TIERS, [], (line(1000, 600), line(0, 600)), r"t\.jsonl:2: time goes backwards, from 1000 to 0; .*"),
    "no hashes": (TIERS, [], (NO_HASHES,), r"t\.jsonl:1: `hash_ids` is missing .*"),
    "negative": (TIERS, [], (line(0, -1),), r"t\.jsonl:1: `input_length` must be 0 to 1,000,000,000 tokens, got -1"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_in_a_line_and_nothing_is_written(name, cli, tmp_path):
    scenario, settings, lines, pattern = WRONG[name]
    chosen = [f"--set={setting}" for setting in settings]
    if lines:
        (tmp_path / "t.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))
        chosen.append("--set=trace.path=t.jsonl")
    before = sorted(tmp_path.iterdir())
    code, output, errors = cli("run", scenario, "--quiet", "--out", "there", *chosen)
    first, last = errors.splitlines()
    assert (code, output, last) == (2, "", "1 mistake, nothing was run.")
    assert re.search(f"(^|\\s){pattern}$", first), first
    assert sorted(tmp_path.iterdir()) == before


def test_requests_that_could_never_be_served_are_rejected_and_the_others_are_served():
    """No prompt; too long for the pool; longer than allowed; in one step where prompts are not split."""
    requests = trace((0, [], 0, 1), (0, [], 500, 3), (0, [], 700, 0), (0, [], 640, 1), (0, [], 641, 1), (0, [], 400, 9))
    found = run(requests, kv_pages=40).requests
    assert found.rejected.tolist() == [1, 0, 1, 0, 1, 0]
    assert found.done.tolist() == [False, True, False, True, False, True]
    assert found.first_ps[found.rejected == 1].tolist() == [-1] * 3
    whole = run(requests, kv_pages=400, chunked_prefill=False, max_batched_tokens=640).requests
    assert whole.rejected.tolist() == [1, 0, 1, 0, 1, 0]


def test_who_waits_for_the_answer_of_a_rejected_request_comes_at_once():
    requests = trace((0, [], 9000, 5), (5, [], 100, 5), after=np.array([-1, 0], np.int32), think_ps=np.array([0, 7]))
    found = run(requests, kv_pages=40).requests
    assert found.rejected.tolist() == [1, 0]
    assert found.arrived_ps.tolist() == [0, 7]


def test_a_scheduler_that_expects_too_much_still_serves():
    """It reserves no more than the longest request may have, and than the pool holds; who needs more may not get it."""
    requests = random_trace(np.random.default_rng(2), 60, SECOND // 10, most=60, output=300)
    too_long = requests.prompt_tokens + requests.output_tokens - 1 > 32 * 16
    preemptions = []
    for guess in (1, 10**9):
        found = run(requests, kv_pages=32, allocation="reserved", guess_tokens=guess, watermark=0.1).requests
        assert (found.done == ~too_long).all()
        preemptions.append(found.preemptions.sum())
    assert preemptions[0] > preemptions[1] == 0


@pytest.mark.parametrize("seed", range(6))
def test_small_tiers_never_bring_a_run_to_a_standstill(seed):
    """Requests that wait may hold blocks; room for blocks on their way is promised to nobody else."""
    rng = np.random.default_rng([seed, 99])

    def pick(*values):
        return values[int(rng.integers(len(values)))]

    for _ in range(12):
        tiers = rules(
            {"write": pick("back", "through"), "policy": {"name": pick("lru", "fifo", "arc")}},
            {
                "capacity": pick(12, 20) * BLOCK,
                "inclusion": pick("inclusive", "exclusive"),
                "write": pick("back", "through"),
            },
            pick(None, {"capacity": 40 * BLOCK, "when_full": pick("evict", "refuse")}),
        )
        found = run(
            random_trace(rng, 40, pick(10**10, 10**11), most=SIZE),
            tiers,
            kv_pages=pick(24, 30, 60),
            max_batched_tokens=pick(64, 256, 2048),
            max_sequences=pick(1, 4, 64),
            whole_prompt=pick(True, False),
            remember_preempted=pick(True, False),
            fetch=pick("blocking", "layered"),
            fetch_if=pick("found", "faster"),
            reuse=pick("prefix", "anywhere"),
            order=pick("fcfs", "shortest", "grouped"),
            watermark=pick(0.0, 0.05),
        ).requests
        assert (found.done | (found.rejected == 1)).all()


def test_all_at_once_or_one_a_day():
    requests = random_trace(np.random.default_rng(3), 30, SECOND)
    for rate in (1e6, 1e-4):
        assert run(requests.scaled(rate=rate), kv_pages=200).requests.done.all()


@pytest.mark.skipif(not MEASURED.is_dir(), reason="../shared, with the measured run of a vLLM server, is not here")
def test_the_measured_run_comes_out_through_the_command_line(cli, tmp_path):
    """300 requests on an RTX 4090: the bars are 5% of the means, 8% of the 99th percentiles, 10% of the preemptions."""
    shutil.copy(MEASURED / "requests.jsonl", tmp_path / "requests.jsonl")
    code, output, _ = cli("run", VLLM, "--set", "trace.path=requests.jsonl", "--json", "-", "--quiet")
    told = json.loads(output)
    rows = [json.loads(row) for row in (MEASURED / "requests.jsonl").read_text().splitlines()]
    queued, first, last, tokens = (
        np.array([row[key] for row in rows]) for key in ("queued_ts", "first_token_ts", "last_token_ts", "output_toks")
    )
    real = {"ttft_s": first - queued, "tpot_s": (last - first) / (tokens - 1), "latency_s": last - queued}
    assert code == 0
    for name, times in real.items():
        assert told["requests"][name]["mean"] == pytest.approx(times.mean(), rel=0.02), name
        assert told["requests"][name]["p99"] == pytest.approx(np.percentile(times, 99), rel=0.05), name
    assert told["requests"]["preemptions"] == pytest.approx(194, rel=0.05)
    assert told["requests"]["count"] == 300
    assert told["seconds"] < 0.5  # 0.03 on a quiet machine; the bar is 0.1


def test_a_trace_without_requests():
    empty = trace((0, [], 5, 1))[:0]
    assert isinstance(empty, RequestTrace)
    with pytest.raises(Exception, match="holds no requests"):
        run(empty)
