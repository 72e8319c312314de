"""Device effects in a run, one small file each (docs/model.md, sections 1 and 4).

An effect is a function of what is on a hop: what a byte costs there (`packets`, `dies`), how far the rates on it may
rise (`turnaround`, `smooth`, `write_cache`), how long its latency is (`loaded`, `dies`) or what else it counts
(`activation`). `tables` fills the arrays that they read; a hop without the effect costs a run nothing.
"""
