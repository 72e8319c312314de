"""Attention as tile loops on a chip: one file for each dataflow (`hiersim.traces.generators.operations` lists them)."""
