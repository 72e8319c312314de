"""``hiersim schema``: the JSON Schema of scenario files."""

from __future__ import annotations

from hiersim.cli.console import put_json


def schema() -> None:
    """Print the JSON Schema of scenario files, for editors."""
    from hiersim.config import schema as make

    put_json(make(), "-")
