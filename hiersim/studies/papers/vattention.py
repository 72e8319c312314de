"""KV that is contiguous in virtual memory: pages of memory mapped on demand, and what of them is empty at worst."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hiersim.models import find_model, work_of
from hiersim.studies.claim import Finding, Study, at_most, figure
from hiersim.studies.serving import SECOND, card, requests_of, served

MODEL = "llama-3-8b"
PAGES = {"2-mib": 2 << 20, "64-kib": 64 << 10}
"""Bytes of a page that is mapped, by the driver as it is and as it was extended."""
WORST = {"2-mib": 128, "64-kib": 4}
"""MiB of a request that are empty at worst: a page in each of 32 layers' keys and values."""


def wasted(tokens: int, page: int) -> int:
    """Return the bytes that a prompt holds beyond its KV."""
    rules: dict[str, Any] = {"allocation": "mapped", "mapped_page": page, "max_batched_tokens": 8192}
    held = served(card(), MODEL, requests_of([tokens], [1]), **rules).tiers["hbm"].peak_bytes
    return held - tokens * find_model(MODEL).kv_bytes_per_token()


def run() -> Sequence[Finding]:
    """Serve prompts that end where a page begins, and decode many at once."""
    return [*_waste(), *_rate()]


def _waste() -> Iterator[Finding]:
    token = work_of(find_model(MODEL)).kv_bytes_per_token // (2 * find_model(MODEL).layers)
    for name, page in PAGES.items():
        fits = page // token
        found = [
            wasted(tokens, page) / 2**20 for tokens in (fits - 1, fits, fits + 1, 3 * fits + 1, 3 * fits + fits // 2)
        ]
        note = (
            f"Empty MiB of a prompt, the most of five lengths around pages of {fits:,} tokens of keys, or values, of "
            f"one layer of {MODEL} ({', '.join(f'{each:.3g}' for each in found)}); all but one token of a page in "
            "each buffer is empty at worst."
        )
        yield figure(f"waste-{name}", WORST[name], max(found), 0.04, note)


def _rate() -> Iterator[Finding]:
    """Yield the memory that decoding asks for in a second, which mapping must keep up with."""
    count, model = 128, find_model(MODEL)
    rules: dict[str, Any] = {"allocation": "mapped", "mapped_page": PAGES["64-kib"], "max_batched_tokens": 8192}
    result = served(card(), MODEL, requests_of([512] * count, [256] * count), **rules)
    assert result.requests is not None
    spent = (result.requests.last_ps - result.requests.first_ps).max() / SECOND
    decoded = count * 255
    rate = decoded * model.kv_bytes_per_token() / spent
    note = (
        f"MB/s of memory that {count} requests of {MODEL} ask for while they decode on an A100: "
        f"{decoded / spent:,.0f} tokens/s of {model.kv_bytes_per_token():,} bytes. A page of 64 KiB is asked for "
        f"{rate / PAGES['64-kib']:,.0f} times a second. The abstract names no rate; the limit is the 7.59 GB/s that "
        "the paper's table states for mapping such pages (recalled, not checked)."
    )
    yield at_most("allocation-rate", 7590.0, rate / 1e6, note)


STUDY = Study(
    name="vattention",
    title="vAttention: Dynamic Memory Management for Serving LLMs without PagedAttention",
    family="kv-paging/allocation",
    grade="A",
    source="Prabhu, Nayak, Mohan, Ramjee, Panwar. ASPLOS 2025, arXiv 2405.04437",
    memory=(
        "KV is contiguous in virtual memory, two buffers per layer and request; pages of memory are mapped as it "
        "grows. `serve.allocation: mapped`."
    ),
    not_ours="Kernels that need no table of pages, which is where the speed in its headlines comes from.",
    run=run,
)
