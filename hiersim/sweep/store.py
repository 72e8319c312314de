"""Results of points on disk, by address; written aside and renamed, with a checksum, so that nothing is half-written.

<folder>/<first two digits>/<address>.json      one line of schema and checksum, then the document as JSON
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hiersim import jitcache

NAME, VERSION = "hiersim-point", 1
"""What the first line of an entry says; a change of the document's layout counts the version up."""
STALE = 24 * 3600.0
"""Seconds after which a file that was never renamed is taken for what a killed process left."""


def default_folder() -> Path:
    """Return the user's own folder of results, beside the compiled code."""
    return jitcache.root() / "points"


@dataclass(frozen=True)
class Found:
    """What the store has at an address.

    Attributes:
        document: what was stored; ``None`` if there is nothing that can be used.
        note: why something that is there cannot be used; empty otherwise.
    """

    document: dict[str, Any] | None = None
    note: str = ""


@dataclass(frozen=True)
class Store:
    """A folder of results; several processes, and several users, may use it at once."""

    folder: Path

    def path(self, address: str) -> Path:
        """Return the file of an address."""
        return self.folder / address[:2] / f"{address}.json"

    def read(self, address: str) -> Found:
        """Return what is stored; an entry that is damaged or of another schema is none, and the note says so."""
        try:
            content = self.path(address).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return Found()
        except OSError as why:
            return Found(note=f"cannot be read ({why.strerror})")
        return decoded(content)

    def write(self, address: str, document: dict[str, Any]) -> str:
        """Store a document, whole or not at all; return why it could not be stored, or an empty text."""
        path = self.path(address)
        aside = ""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, aside = tempfile.mkstemp(dir=path.parent, suffix=".part")
            with os.fdopen(handle, "wb") as file:
                file.write(encoded(document))
            os.chmod(aside, 0o644)  # others may use what is there
            os.replace(aside, path)
        except OSError as why:
            with contextlib.suppress(OSError):
                Path(aside).unlink() if aside else None
            return f"cannot be kept in {self.folder} ({why.strerror})"
        return ""

    def entries(self) -> list[Path]:
        """Return the files of all results, in no order."""
        return list(self.folder.glob("??/*.json"))

    def clear(self) -> int:
        """Delete all results, and nothing else in the folder; return the bytes that are free now."""
        freed = 0
        for path in self.entries():
            with contextlib.suppress(OSError):
                size = path.stat().st_size
                path.unlink()
                freed += size
        return freed

    def tidy(self) -> None:
        """Delete what processes that were killed left half-written."""
        before = time.time() - STALE
        with contextlib.suppress(OSError):
            for path in self.folder.glob("*/*.part"):
                if path.stat().st_mtime < before:
                    path.unlink()


def encoded(document: dict[str, Any]) -> bytes:
    """Return an entry's bytes."""
    payload = json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return f"{NAME}/{VERSION} {_checksum(payload)}\n".encode() + payload + b"\n"


def decoded(content: bytes) -> Found:
    """Return what an entry's bytes hold, or why they cannot be used."""
    first, _, payload = content.partition(b"\n")
    schema, _, checksum = first.decode("ascii", "replace").partition(" ")
    name, _, version = schema.partition("/")
    if name == NAME and version.isdecimal() and int(version) != VERSION:
        age = "older" if int(version) < VERSION else "newer"
        return Found(note=f"has the {age} schema {schema}; this version reads {NAME}/{VERSION}")
    if name != NAME or checksum != _checksum(payload.removesuffix(b"\n")):
        return Found(note="is damaged")
    return Found(json.loads(payload))


def _checksum(payload: bytes) -> str:
    return hashlib.blake2b(payload, digest_size=16).hexdigest()
