"""Miss-ratio curves: the misses of a cache as a function of its capacity.

`lru` is exact, all capacities in one pass; `shards` estimates the same curve from a sample of the objects, with its
error; `miniature` estimates any policy's curve by replaying a sample through small caches. `curve` is what they give.
"""
