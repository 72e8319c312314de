"""Timelines for Perfetto: a track per unit, tier port and link, arrows from stalls to what they waited for."""
