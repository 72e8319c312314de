"""Drivers turn a kind of trace into work: each merges its own cursor with the core's events."""
