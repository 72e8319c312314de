"""The naive twin of the execute driver (docs/model.md, section 14)."""
