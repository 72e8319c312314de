"""The driver that executes operation traces: units, streams, copies, lifetimes (docs/model.md, section 14)."""
