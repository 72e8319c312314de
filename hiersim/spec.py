"""What a user writes in one word with parameters: ``name:param=value,param=value``."""

from __future__ import annotations


def split(spec: str) -> tuple[str, dict[str, str]]:
    """Split ``name:param=value,param=value`` into the name or path and its parameters.

    Raises:
        ValueError: a parameter is given twice.
    """
    head, colon, tail = spec.rpartition(":")
    if not colon or "=" not in tail:
        return spec, {}
    chosen: dict[str, str] = {}
    for key, _, value in (part.partition("=") for part in tail.split(",")):
        if key.strip() in chosen:
            raise ValueError(f"`{spec}`: {key.strip()} is given twice")
        chosen[key.strip()] = value.strip()
    return head, chosen
