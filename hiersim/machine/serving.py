"""How requests to a language model are served: the scheduler's settings, the room for KV, and what is asked of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from hiersim.machine.record import Name, Record
from hiersim.units import BytesPerSecond, Picoseconds, PositiveBytes, PositiveShare

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


class KvCodec(Record):
    """How a tier stores keys and values in fewer bits."""

    bits: Annotated[float, Field(gt=0, le=32, allow_inf_nan=False)]
    """Of one number."""
    group: Annotated[int, Field(ge=0, le=1 << 30)] = 0
    """Numbers that share metadata; 0 where there is none."""
    metadata_bits: Annotated[int, Field(ge=0, le=1 << 20)] = 0
    """Of each group, such as 32 for a scale and a zero point in 16 bits."""
    full_share: Share = 0.0
    """Share of the numbers that are kept in full, such as a window of recent tokens."""
    entropy: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] = 1.0
    """How many times smaller an entropy coder makes the rest."""
    encode_rate: BytesPerSecond | None = None
    """Bytes in full that the unit codes in a second, beside no step; no time when absent."""
    decode_rate: BytesPerSecond | None = None
    """Bytes in full that it decodes in a second."""


class Disaggregation(Record):
    """Prompts are computed by some units and answers by others; the KV moves between their near tiers."""

    prefill: Name | tuple[Name, ...]
    """The units that compute prompts."""
    decode: Name | tuple[Name, ...]
    """The units that compute answers."""


class SchedulerChoice(Record):
    """Who decides what a step computes, in Python; written ``fcfs``, ``./mine.py`` or with parameters."""

    kind: str
    """A name of ``hiersim.agents.schedulers``, or the path of a Python file."""
    params: dict[str, Any] = {}
    """Its parameters by name."""

    @model_validator(mode="before")
    @classmethod
    def _from_kind(cls, data: Any) -> Any:
        return {"kind": data} if isinstance(data, str) else data


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
    scheduler: SchedulerChoice | None = None
    """Who decides in Python what a step computes; the compiled rules when absent."""
    order: Literal["fcfs", "shortest", "grouped"] = "fcfs"
    """Who goes first: as they come; the shortest expected output; requests that begin alike together."""
    guess_error: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] = 0.0
    """Spread of expected output lengths: a guess is the truth times 2 to the power of a normal number times this."""
    guess_tokens: Count | None = None
    """Output tokens that are expected of every request instead, as far as ``max_tokens`` leaves room for them."""
    page_tokens: Annotated[int, Field(ge=1, le=65536)] = 16
    """Tokens of a page of KV."""
    allocation: Literal["paged", "reserved", "mapped", "contiguous"] = "paged"
    """KV in pages on demand; the expected length at once; pages of memory mapped on demand per layer; or the expected
    length at once in one piece, first fit."""
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
    preemption: Literal["recompute", "swap"] = "recompute"
    """What a preempted request had is computed again, as far as it is lost; or moves to the next tier and back."""
    fair_every: Annotated[int, Field(ge=0, le=1 << 30)] = 0
    """After so many steps a request of the session that got most makes way for one that got less; 0: never."""
    disaggregate: Disaggregation | None = None
    """Which units compute prompts and which answers; all compute both when absent."""
    codecs: dict[Name, KvCodec] = {}
    """How tiers store KV in fewer bits, by name; as the near tier does when absent, which keeps it as ``kv_dtype``."""
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
        if self.disaggregate is not None:
            return (*_names(self.disaggregate.prefill), *_names(self.disaggregate.decode))
        return _names(self.unit) if self.unit else ()

    @property
    def roles(self) -> tuple[str, ...]:
        """What each of the units does: ``both``, ``prefill`` or ``decode``; empty for the machine's first."""
        if self.disaggregate is None:
            return ("both",) * len(self.units)
        first, second = _names(self.disaggregate.prefill), _names(self.disaggregate.decode)
        return ("prefill",) * len(first) + ("decode",) * len(second)


def _names(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given
