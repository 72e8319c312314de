"""Compiled code on disk: one folder per digest of everything that it was compiled from, so nothing in it can be stale.

    <folder>/<digest of sources, versions, processor and settings>/<kernel>-<what it depends on>.bin

A file's name tells the modules that its kernel can depend on, so a kernel that an edit does not concern is taken over
from the folder of another state of the sources. Each file starts with a checksum. A file that is damaged, missing or
unreadable is compiled again, silently; files are written aside and renamed, so that processes may fill a folder
together; a folder that cannot be written is not used.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = Path(__file__).parent
# Layers above the drivers: compiled code cannot import them, so their edits leave it valid.
ABOVE = frozenset({"api", "cli", "config", "insight", "report", "studies", "sweep", "workloads"})
KEEP = 8  # digests kept when a new one appears; the least recently used go first
MAGIC = b"hiersim\x01"
CHECKSUM = 16  # bytes
IMPORT = re.compile(r"^[ \t]*(?:from (hiersim[\w.]*) import (\([^)]*\)|[^\n]*)|import (hiersim[\w.]*))", re.MULTILINE)


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
    seen = hashlib.blake2b(environment(), digest_size=12)
    for path in sources():
        seen.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return seen.hexdigest()


@functools.cache
def environment() -> bytes:
    """Return what stands for versions, processor and settings."""
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
    return seen.digest()


@functools.cache
def digest_of(modules: frozenset[str]) -> str:
    """Return the name of the state of some of the package's modules and of all that they import.

    Args:
        modules: full names; imports inside functions and for type checkers count, too.
    """
    seen, found = hashlib.blake2b(environment(), digest_size=12), set[str]()
    line = list(modules | {"hiersim.jit"})
    while line:
        name = line.pop()
        if name not in found:
            found.add(name)
            line += _imports(name)
    for name in sorted(found):
        seen.update(name.encode() + b"\0" + _text(name) + b"\0")
    return seen.hexdigest()


@functools.cache
def _text(module: str) -> bytes:
    """Return a module's source; nothing if there is none, as of a name that is no module."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file.read_bytes()
    return b""


@functools.cache
def _imports(module: str) -> frozenset[str]:
    """Return what a module imports of the package: modules, and their names, which may be modules, too."""
    found = set()
    for match in IMPORT.finditer(_text(module).decode()):
        owner = match[1] or match[3]
        if owner.split(".")[1:2] and owner.split(".")[1] in ABOVE:
            continue
        names = re.findall(r"(\w+)(?: as \w+)?", match[2] or "")
        found |= {owner} | {f"{owner}.{name}" for name in names if _text(f"{owner}.{name}")}
    return frozenset(found - {"hiersim"})


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
    file = home / f"{name}.bin"
    if not file.exists():
        _take_over(file)
    try:
        content = file.read_bytes()
    except OSError:
        return None
    start = len(MAGIC) + CHECKSUM
    payload = content[start:]
    if content[:start] == MAGIC + _checksum(payload):
        return payload
    forget(name)
    return None


def _take_over(file: Path) -> None:
    """Fetch a file from the folder of another state of the sources, which has it if it did not depend on the change."""
    with contextlib.suppress(OSError):
        for other in root().iterdir():
            if _is_digest(other.name) and (other / file.name).exists():
                with contextlib.suppress(FileExistsError):
                    os.link(other / file.name, file)
                return


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
