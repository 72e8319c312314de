"""What the documents say is true: their commands print what they show, their Python runs, their YAML is right.

``python tests/test_docs.py`` writes the real output of every command, and every picture, into the documents; names of
documents after it take those alone. A block of Python or YAML with a ``title`` is a file that the text goes on to use.
"""

import contextlib
import io
import os
import pkgutil
import re
import shlex
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import pytest

ROOT = Path(__file__).parent.parent
GENERATED = {"configuration.md", "commands.md", "api.md"}
WRITTEN = [
    path
    for path in sorted((ROOT / "docs").rglob("*.md"))
    if path.name != "model.md" and not (path.parent.name == "reference" and path.name in GENERATED)
]
DOCUMENTS = [ROOT / "README.md", *WRITTEN]
PICTURES = ROOT / "docs" / "pictures"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
REGISTRIES = (
    "hiersim.traces.formats:FORMATS",
    "hiersim.traces.generators:GENERATORS",
    "hiersim.policies:TABLE",
)
VOLATILE = [
    (re.compile(r" in \S+ m?s( \(.*(accesses|requests|operations)/s\))"), " in ... s"),
    (re.compile(r"(?m), in [\d.]+ (s|ms|min)$"), ", in ..."),  # of a sweep or a search
    (re.compile(r"(?m)(?<=%)( +)[\d.]+$"), " ..."),  # the speed of a replay
    (re.compile(r"(?m)^hash +\w{16}$"), "hash ..."),
    (re.compile(r'"(seconds|accesses_per_second)": [\d.e+-]+'), r'"\1": ...'),
]


def blocks(text):
    """Return (language, title, content) of each block of code."""
    return [(match[1], match[2], match[3]) for match in BLOCK.finditer(text)]


def stable(text):
    """Leave out what differs from run to run: wall times and speeds."""
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


def commands(block):
    """Return (command, the output shown below it) for each command of a console block."""
    parts = re.split(r"(?m)^\$ (.*)\n", block)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def output_of(command):
    from hiersim.cli.main import execute

    words = shlex.split(command)
    assert words[0] == "hiersim", f"documents only show hiersim: {command}"
    both = io.StringIO()
    with contextlib.redirect_stdout(both), contextlib.redirect_stderr(both):
        execute(words[1:])
    lines = [line.rstrip() for line in both.getvalue().splitlines() if not line.startswith("compiling for this")]
    return "\n".join(lines) + "\n"


@contextlib.contextmanager
def workplace():
    """A folder with the samples, in which commands may write what they like and registries may be added to."""
    here, columns = Path.cwd(), os.environ.get("COLUMNS")
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for registry in REGISTRIES:
            stack.enter_context(patch.dict(pkgutil.resolve_name(registry)))
        for name in ("configs", "traces"):
            shutil.copytree(ROOT / name, Path(folder) / name)
        os.chdir(folder)
        os.environ["COLUMNS"] = "110"
        try:
            yield Path(folder)
        finally:
            os.chdir(here)
            os.environ.pop("COLUMNS") if columns is None else os.environ.update(COLUMNS=columns)


def told(path, check):
    """Go through a document in its order, doing what it shows.

    ``check(command, shown)`` is told of every command. Returns the pictures that it has drawn, by name.
    """
    names = {}
    with workplace() as folder:
        for kind, title, block in blocks(path.read_text()):
            if title:
                (folder / title).write_text(block)
            elif kind == "python":
                if "def victim" in block:
                    (folder / "worth.py").write_text(block)
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(block, path.name, "exec"), names)
            elif kind == "yaml":
                from hiersim.config import load

                name = "s.yaml" if "extends: s.yaml" not in block else "t.yaml"
                kind = re.search(r"(?m)^(vary|space):", block)  # of a sweep or of a search, else a scenario
                if kind:
                    from hiersim import sweep

                    name = f"{kind[1]}.yaml"
                    load = {"vary": sweep.load, "space": sweep.load_search}[kind[1]]
                (folder / name).write_text(block)
                load(name)
            elif kind == "console":
                for command, shown in commands(block):
                    check(command, shown)
        return {drawn.name: drawn.read_bytes() for drawn in folder.glob("pictures/*")}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_the_document_is_true(path):
    def check(command, shown):
        assert stable(output_of(command)) == stable(shown), (
            f"{path.name}: $ {command}; python tests/test_docs.py renews"
        )

    drawn = told(path, check)
    shown = re.findall(r"\]\(pictures/([^)]+)\)", path.read_text())
    assert sorted(shown) == sorted(drawn), "the pictures that a document shows are those that it draws"
    assert [name for name in shown if not (PICTURES / name).exists()] == []


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    shell = [block for kind, _, block in blocks((ROOT / "README.md").read_text()) if kind == "sh"]
    targets = [line.split()[1] for block in shell for line in block.splitlines()]
    assert targets == ["run", "test"]
    assert [target for target in targets if not re.search(rf"(?m)^{target}:", makefile)] == []


def test_links_lead_somewhere():
    for path in [*DOCUMENTS, ROOT / "docs" / "model.md", ROOT / "traces" / "README.md"]:
        for link in re.findall(r"\]\(([^)#:]+)\)", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_files_that_are_named_exist():
    named = re.compile(r"`((?:hiersim|tests|configs|traces|benchmarks|notebooks|docs)/[\w./-]+)`")
    for path in [*DOCUMENTS, ROOT / "docs" / "model.md"]:
        gone = [name for name in named.findall(path.read_text()) if not (ROOT / name).exists()]
        assert gone == [], path.name


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "extend").glob("*.md")), ids=lambda path: path.name)
def test_names_of_registries_exist(path):
    found = re.findall(r"`([A-Z_]+)`\s+(?:in|of)\s+`hiersim/([\w/]+)\.py`", path.read_text())
    assert found or path.name in ("index.md", "device.md")
    for name, module in found:
        assert hasattr(import_module("hiersim." + module.replace("/", ".").removesuffix(".__init__")), name), name


@pytest.mark.parametrize("text", ["simulated 3 s in 0.31 s (99,998 accesses/s)", "lru  44.8%  12.5"])
def test_only_the_volatile_is_left_out(text):
    assert stable(text)[0].endswith("...") or "in ... s" in stable(text)[0]
    assert stable("hbm  42.6%  3.8%   2.5 TB") == ["hbm  42.6%  3.8%   2.5 TB"]


def renew(names):
    """Write the real output of every command, and every picture, into the documents."""
    for path in [path for path in DOCUMENTS if not names or path.name in names]:
        real = {}
        drawn = told(path, lambda command, shown, real=real: real.setdefault(command, output_of(command)))
        for name, content in drawn.items():
            PICTURES.mkdir(exist_ok=True)
            (PICTURES / name).write_bytes(content)

        def renewed(match, real=real):
            if match[1] != "console":
                return match[0]
            shown = "".join(f"$ {command}\n{real[command]}" for command, _ in commands(match[3]))
            return f"```console\n{shown}```"

        path.write_text(BLOCK.sub(renewed, path.read_text()))


if __name__ == "__main__":
    renew(sys.argv[1:])
