"""How requests to a language model are served: the scheduler's settings, the room for KV, and what is asked of it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hiersim.machine.record import Name, Record
from hiersim.units import Picoseconds, PositiveBytes, PositiveShare

KvFormat = Literal["bf16", "fp16", "fp8", "int8", "fp4", "int4", "fp32"]
"""How weights, keys and values are stored."""

Count = Annotated[int, Field(ge=1, le=1 << 40)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class Objective(Record):
    """What a request is promised; one that keeps all of it counts as good."""

    ttft: Picoseconds | None = None
    """Most time to the first token, in picoseconds."""
    tpot: Picoseconds | None = None
    """Most time per output token after the first, in picoseconds."""
    latency: Picoseconds | None = None
    """Most time to the last token, in picoseconds."""


class Prices(Record):
    """What the machine costs, in any one currency."""

    machine_per_hour: Money = 0.0
    """Of the whole machine, for an hour."""
    energy_per_kwh: Money = 0.0
    """Of energy, for 3.6 MJ."""


class Serving(Record):
    """How the requests of a trace are served. Defaults are those of vLLM's V1 engine where it has the setting."""

    model: str | None = None
    """The AI model by name; the trace's when absent."""
    dtype: KvFormat = "bf16"
    """Format of the weights."""
    kv_dtype: KvFormat | None = None
    """Format of keys and values; the trace's when absent."""
    unit: Name | tuple[Name, ...] | None = None
    """The unit that serves, or several that each serve a part of the requests; the machine's first when absent."""
    ranks: Annotated[int, Field(ge=1, le=1024)] = 1
    """Equal units of a tensor-parallel group that the unit stands for."""
    rank_link: Name | None = None
    """The machine's link whose figures hold between the ranks; needed for more than one."""
    max_batched_tokens: Count = 2048
    """Most tokens in a step."""
    max_sequences: Annotated[int, Field(ge=1, le=65536)] = 256
    """Most requests in a step."""
    max_tokens: Count | None = None
    """Most tokens of a request, prompt and output; the model's context when absent. Longer ones are rejected."""
    chunked_prefill: bool = True
    """A prompt may be computed over several steps."""
    whole_prompt: bool = True
    """A request is admitted when all of its prompt has room, not only its first chunk."""
    order: Literal["fcfs", "shortest", "grouped"] = "fcfs"
    """Who goes first: as they come; the shortest expected output; requests that begin alike together."""
    guess_error: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    """Spread of expected output lengths: a guess is the truth times 2 to the power of a normal number times this."""
    page_tokens: Annotated[int, Field(ge=1, le=65536)] = 16
    """Tokens of a page of KV."""
    allocation: Literal["paged", "reserved", "mapped"] = "paged"
    """KV in pages on demand; the expected length at once; or pages of memory that are mapped on demand per layer."""
    mapped_page: PositiveBytes = 2 << 20
    """Bytes of a mapped page."""
    kv_pages: Count | None = None
    """Pages of KV that the near tier has room for; what weights leave of it when absent."""
    kv_pool: PositiveBytes | None = None
    """Or the bytes of them."""
    memory_share: PositiveShare = 0.9
    """Share of the near tier that weights, activations and KV may use together, where nothing of the above is given."""
    watermark: Share = 0.0
    """Share of the pool that stays free when a request is admitted while others run."""
    remember_preempted: bool = True
    """The KV of a preempted request is reused as far as its room was not needed."""
    fetch: Literal["blocking", "layered"] = "blocking"
    """A request computes after its blocks have come, or while they come, layer by layer."""
    fetch_if: Literal["found", "faster"] = "found"
    """Blocks in further tiers are fetched always, or only if that is faster than to compute them."""
    reuse: Literal["prefix", "anywhere"] = "prefix"
    """Blocks are reused behind reused ones only, or wherever they stand in a prompt."""
    recomputed_share: Share = 0.0
    """Share of the tokens of a block reused anywhere that is computed again."""
    objective: Objective = Objective()
    """What a request is promised."""
    prices: Prices = Prices()
    """What the machine costs."""

    @property
    def units(self) -> tuple[str, ...]:
        """The units that serve, by name; empty for the machine's first."""
        return (self.unit,) if isinstance(self.unit, str) else self.unit or ()
