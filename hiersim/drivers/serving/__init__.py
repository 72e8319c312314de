"""Serving: what a step of a batch costs (docs/step_cost.md)."""
