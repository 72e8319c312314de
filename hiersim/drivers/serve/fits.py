"""What must fit before requests are served: weights and KV in the near tier, a block in every tier."""

from __future__ import annotations

from hiersim.errors import ConfigError
from hiersim.machine import Machine, TierRules
from hiersim.machine.serving import Serving
from hiersim.models import Work

WORKSPACE = 0.02
"""Share of the near tier for activations and the runtime, where the pool is not given; an estimate."""


def check_pool(serving: Serving, work: Work, pool: int, least: int, tier: tuple[str, int, int]) -> None:
    """Check the room for KV.

    Args:
        serving: the settings.
        work: of a rank.
        pool: bytes for KV.
        least: bytes of a page and of what a sequence has whatever its length.
        tier: the near tier's name, the bytes of it that the run may use, and all of its bytes.

    Raises:
        ConfigError: it holds no page, or does not fit beside the weights.
    """
    near, capacity, physical = tier
    given = "kv_pages" if serving.kv_pages is not None else "kv_pool" if serving.kv_pool is not None else ""
    if given and work.weight_bytes + pool > physical:
        raise ConfigError(
            f"serve.{given}: {pool:,} bytes of KV and {work.weight_bytes:,} of {work.model}'s weights do not fit "
            f"tiers.{near} with {physical:,} bytes"
        )
    if given and pool > capacity:
        raise ConfigError(
            f"serve.{given}: {pool:,} bytes of KV do not fit tiers.{near}, of which {capacity:,} are used"
        )
    if given and pool < least:
        raise ConfigError(f"serve.{given}: {pool:,} bytes are no page of {serving.page_tokens} tokens, {least:,} bytes")
    if pool < least:
        need = work.weight_bytes + int(physical * WORKSPACE)
        raise ConfigError(
            f"serve.model: {work.model} does not fit: weights and workspace take {need:,} of the {capacity:,} bytes of "
            f"tiers.{near}, of which it may use {serving.memory_share:.0%}; no page of KV is left"
        )


def check_tiers(machine: Machine, tiers: dict[str, TierRules], block: int, tokens: int) -> None:
    """Check that every tier holds a block.

    Args:
        machine: the machine.
        tiers: the managed tiers.
        block: bytes of a block; 0 where nothing is shared.
        tokens: of a block.

    Raises:
        ConfigError: one is too small for a single block.
    """
    for name, rules in tiers.items():
        capacity = rules.capacity or machine.tiers[name].capacity
        if block > capacity:
            raise ConfigError(
                f"tiers.{name}.capacity: {capacity:,} bytes hold no block of {tokens} tokens, {block:,} bytes"
            )
