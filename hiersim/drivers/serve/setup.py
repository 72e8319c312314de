"""What a serving run is made of: units, the work of a rank, the bytes of its KV, and the room for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hiersim.drivers.serve.codecs import codec_of
from hiersim.drivers.serve.fits import WORKSPACE, check_pool
from hiersim.drivers.serving.packing import Formats
from hiersim.errors import ConfigError
from hiersim.machine import Machine, TierRules
from hiersim.machine.serving import Serving
from hiersim.models import Model, Work, work_of
from hiersim.models.codec import coded
from hiersim.models.dtypes import bits_of
from hiersim.models.splitting import Dtypes
from hiersim.traces.request import RequestTrace


@dataclass(frozen=True)
class Sizes:
    """Bytes of the KV of one rank.

    Attributes:
        page: of a page of tokens, of the layers that keep all of them.
        window_page: of a page, of the layers that keep a window.
        window: tokens of that window; 0 where there are none.
        state: of a sequence, whatever its length.
        block: of a shared block; 0 where nothing is shared.
        pool: room for KV in the near tier.
    """

    page: int
    window_page: int
    window: int
    state: int
    block: int
    pool: int


@dataclass(frozen=True)
class Setup:
    """What a serving run is made of, found out before anything is allocated."""

    model: Model
    work: Work
    rules: Serving
    units: tuple[str, ...]
    sizes: Sizes
    formats: Formats


def prepare(machine: Machine, tiers: dict[str, TierRules], serving: Serving, model: Model, kv_dtype: str) -> Setup:
    """Find the units, the work of a rank and the sizes of its KV.

    Raises:
        ConfigError: the model does not fit, or several ranks have no link.
    """
    formats = Formats(serving.dtype, serving.kv_dtype or kv_dtype)
    work = work_of(model, serving.ranks, Dtypes(weights=formats.weights, kv=formats.kv))
    units = serving.units or (next(iter(machine.units)),)
    near = machine.units[units[0]].tier
    if near in serving.codecs:
        work = coded(work, codec_of(serving.codecs[near]).ratio(bits_of(formats.kv)))
    capacity = tiers[near].capacity or machine.tiers[near].capacity
    return Setup(
        model, work, serving, units, _sizes(serving, work, capacity, machine.tiers[near].capacity, near), formats
    )


def _sizes(serving: Serving, work: Work, capacity: int, physical: int, near: str) -> Sizes:
    full = sum(m.layers * m.kv_bytes_per_token for m in work.mixings if m.kind == "full")
    windows = [m for m in work.mixings if m.kind == "window"]
    window = max((m.window for m in windows), default=0)
    page = full * serving.page_tokens
    window_page = sum(m.layers * m.kv_bytes_per_token for m in windows) * serving.page_tokens
    state = sum(m.layers * m.state_bytes for m in work.mixings)
    if serving.kv_pages is not None:
        pool = serving.kv_pages * (page + window_page)
    elif serving.kv_pool is not None:
        pool = serving.kv_pool
    else:
        left = int(min(capacity, physical) * serving.memory_share) - work.weight_bytes - int(physical * WORKSPACE)
        pool = left
    check_pool(serving, work, pool, page + window_page + state, (near, capacity, physical))
    return Sizes(page, window_page, window, state, 0, pool)


def share_blocks(setup: Setup, trace: RequestTrace) -> Setup:
    """Return the setup with the size of the blocks that the requests name; these are kept whole, windows too.

    A room that is one piece shares nothing.

    Raises:
        ConfigError: a block is not a whole number of pages.
    """
    if not len(trace.block_ids) or setup.rules.allocation == "contiguous":
        return setup
    tokens, page = trace.block_tokens, setup.rules.page_tokens
    if tokens % page:
        raise ConfigError(f"serve.page_tokens: the trace's blocks of {tokens} tokens are no multiple of {page}")
    whole = setup.sizes.page + setup.sizes.window_page
    sizes = replace(setup.sizes, block=whole * (tokens // page))
    return Setup(setup.model, setup.work, setup.rules, setup.units, sizes, setup.formats)
