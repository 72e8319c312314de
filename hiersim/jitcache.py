"""Compiled code on disk: one folder per digest of everything that it was compiled from, so nothing in it can be stale.

    <folder>/<digest of sources, versions, processor and settings>/<kernel>-<signature>.bin

Each file starts with a checksum. A file that is damaged, missing or unreadable is compiled again, silently; files are
written aside and renamed, so that processes may fill a folder together; a folder that cannot be written is not used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent
# Layers above the drivers: compiled code cannot import them, so their edits leave it valid.
ABOVE = frozenset({"api", "cli", "config", "report", "studies", "sweep"})
KEEP = 8  # digests kept when a new one appears; the least recently used go first
MAGIC = b"hiersim\x01"
CHECKSUM = 16  # bytes


@dataclass(frozen=True)
class CacheFolder:
    """The compiled code of one state of the sources.

    Attributes:
        digest: its name, which stands for sources, versions, processor and settings.
        path: where it is.
        files: how many compiled functions it holds.
        bytes: their size on disk.
        current: whether this installation would use it now; otherwise it is stale.
        used: when it was last written or opened by a process, in seconds since 1970.
    """

    digest: str
    path: Path
    files: int
    bytes: int
    current: bool
    used: float


def root() -> Path:
    """Return the folder of all compiled code: ``HIERSIM_CACHE_DIR``, else ``hiersim`` in the user's cache folder."""
    chosen = os.environ.get("HIERSIM_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "hiersim"


@functools.cache
def digest() -> str:
    """Return the name of the state of everything that compiled code depends on."""
    import llvmlite
    import numba
    import numpy as np
    from llvmlite import binding

    seen = hashlib.blake2b(digest_size=12)
    for part in (
        numba.__version__,
        llvmlite.__version__,
        np.__version__,
        sys.version,
        platform.platform(),
        binding.get_host_cpu_name(),
        binding.get_host_cpu_features().flatten(),
        *settings(),
    ):
        seen.update(part.encode() + b"\0")
    for path in sources():
        seen.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()


def settings() -> list[str]:
    """List the environment's settings that change what is compiled."""
    names = sorted(name for name in os.environ if name.startswith("NUMBA_") or name == "HIERSIM_REFCOUNT")
    return [f"{name}={os.environ[name]}" for name in names if name not in ("NUMBA_CACHE_DIR", "NUMBA_NUM_THREADS")]


def sources() -> list[Path]:
    """List the package's files that compiled code may come from."""
    found = [path for path in PACKAGE.iterdir() if path.suffix == ".py" and path.stem not in ABOVE]
    for folder in PACKAGE.iterdir():
        if folder.is_dir() and folder.name not in ABOVE:
            found += folder.rglob("*.py")
    return sorted(found)


@functools.cache
def folder() -> Path | None:
    """Return this process's folder, made if need be; ``None`` where nothing can be written."""
    home = root()
    mine = home / digest()
    try:
        if not mine.is_dir():
            mine.mkdir(parents=True, exist_ok=True)
            prune(KEEP)
        with tempfile.TemporaryFile(dir=mine):
            pass
        os.utime(mine)
    except OSError:
        return None
    return mine


def read(name: str) -> bytes | None:
    """Return the payload stored under ``name``; ``None`` if there is none, or if it is damaged (then it is deleted)."""
    home = folder()
    if home is None:
        return None
    try:
        content = (home / f"{name}.bin").read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + CHECKSUM
    payload = content[start:]
    if content[:start] == MAGIC + _checksum(payload):
        return payload
    forget(name)
    return None


def write(name: str, payload: bytes) -> None:
    """Store ``payload`` under ``name``, whole or not at all; do nothing where the folder cannot be written."""
    home = folder()
    if home is None:
        return
    with contextlib.suppress(OSError):
        home.mkdir(parents=True, exist_ok=True)  # another process may have cleared it
        handle, aside = tempfile.mkstemp(dir=home, suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(MAGIC + _checksum(payload) + payload)
            os.replace(aside, home / f"{name}.bin")
        except OSError:
            Path(aside).unlink(missing_ok=True)


def forget(name: str) -> None:
    """Delete what is stored under ``name``."""
    home = folder()
    if home is not None:
        with contextlib.suppress(OSError):
            (home / f"{name}.bin").unlink()


def entries() -> list[CacheFolder]:
    """List the folders of compiled code, the most recently used first."""
    now = digest()
    found = []
    with contextlib.suppress(OSError):
        for path in root().iterdir():
            if path.is_dir() and _is_digest(path.name):
                sizes = [file.stat().st_size for file in path.glob("*.bin")]
                found.append(
                    CacheFolder(path.name, path, len(sizes), sum(sizes), path.name == now, path.stat().st_mtime)
                )
    return sorted(found, key=lambda entry: (not entry.current, -entry.used))


def prune(keep: int = 1) -> int:
    """Delete all but the ``keep`` most recently used folders (the current one counts first); return how many went."""
    stale = entries()[max(keep, 0) :]
    for entry in stale:
        shutil.rmtree(entry.path, ignore_errors=True)
    return len(stale)


def clear() -> int:
    """Delete all compiled code, and nothing else in the folder; return the number of bytes freed."""
    freed = sum(entry.bytes for entry in entries())
    prune(0)
    return freed


def _checksum(payload: bytes) -> bytes:
    return hashlib.blake2b(payload, digest_size=CHECKSUM).digest()


def _is_digest(name: str) -> bool:
    return len(name) == 24 and set(name) <= set("0123456789abcdef")
