"""Codecs of tiers, from their settings."""

from __future__ import annotations

from hiersim.machine.serving import KvCodec
from hiersim.models.codec import Codec


def codec_of(given: KvCodec) -> Codec:
    """Return a codec with its sizes from its settings."""
    return Codec(given.bits, given.group, given.metadata_bits, given.full_share, given.entropy)
