"""Generators of decoding whose KV is held by layer and head somewhere else, or is attended to where it lies."""
