"""The generators of operation traces: one file each, one line each in ``OPERATIONS``."""

from __future__ import annotations

from hiersim.traces.generators.attention import block_sparse, cascades, chunked, flash1, flash2, relay, standard
from hiersim.traces.generators.generator import Generator
from hiersim.traces.generators.near import headwise, in_memory, in_storage, pool

OPERATIONS: dict[str, Generator] = {
    "standard_attention": standard.GENERATOR,
    "flash_attention": flash1.GENERATOR,
    "flash_attention_2": flash2.GENERATOR,
    "block_sparse_attention": block_sparse.GENERATOR,
    "chunked_attention": chunked.GENERATOR,
    "relay_attention": relay.GENERATOR,
    "attention_passes": cascades.GENERATOR,
    "headwise_kv": headwise.GENERATOR,
    "in_storage_attention": in_storage.GENERATOR,
    "in_memory_decode": in_memory.GENERATOR,
    "attention_pool": pool.GENERATOR,
}
