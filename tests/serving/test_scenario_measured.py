"""The scenario that ships, on the log of the real server: what docs/validation.md says of it."""

from pathlib import Path

import numpy as np
import pytest
from serving.measured import MEASURED, measured_requests, needs_measured

import hiersim as hs

ROOT = Path(__file__).parents[2]

pytestmark = needs_measured


@pytest.fixture(scope="module")
def served():
    log = MEASURED / "vllm_rtx4090_llama3.1_8b" / "requests.jsonl"
    return hs.load(ROOT / "configs" / "vllm_rtx4090.yaml", [f"trace.path={log}"]).run().requests


@pytest.fixture(scope="module")
def off(served):
    """Each mean's error, simulated over measured."""
    rows, _ = measured_requests()
    queued, first, last, tokens = (
        np.array([row[key] for row in rows]) for key in ("queued_ts", "first_token_ts", "last_token_ts", "output_toks")
    )
    truth = {"ttft": first - queued, "tpot": (last - first) / (tokens - 1), "latency": last - queued}
    found = {"ttft": served.ttft_ps, "tpot": served.tpot_ps, "latency": served.latency_ps}
    return {name: found[name].mean() / 1e12 / truth[name].mean() - 1 for name in truth}


def test_the_measured_run_comes_out(served, off):
    assert max(map(abs, off.values())) < 0.02  # the bar is 5%
    assert served.preemptions.sum() == pytest.approx(194, rel=0.05)  # the bar is 10%


def test_the_page_says_so(served, off):
    page = (ROOT / "docs" / "validation.md").read_text()
    for name, words in (("ttft", "time to first token"), ("tpot", "time per output token"), ("latency", "latency")):
        row = next(line for line in page.splitlines() if f"mean {words} |" in line)
        assert f"| {off[name]:+.1%} |" in row
    assert f"| {served.preemptions.sum()} instead of 194 |" in page
