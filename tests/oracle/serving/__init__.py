"""Naive twins of the serving driver: the pool of KV blocks, the step loop and the cost of a step, in plain Python."""
