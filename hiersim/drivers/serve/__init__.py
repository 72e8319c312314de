"""The driver that serves requests to a language model: batches, paged KV, prefix blocks in every tier."""
