"""Every public name says what it is, and every physical quantity says its unit."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "hiersim"

QUANTITY = re.compile(
    r"(^|_)(bandwidth|latency|energy|power|capacity|overhead|duration|elapsed|makespan|bytes|flops|ps|ns|us)$"
)
UNIT_IN_NAME = re.compile(r"_(ps|ns|us|ms|s|bytes|b|w|watts|pj|joules?|j|flops?|gib|mib|share|ops|per_[a-z]+)$|^bytes$")
UNIT_IN_TEXT = re.compile(
    r"\b([Bb]ytes?|B|GiB|MiB|KiB|[Pp]icoseconds?|ps|[Nn]anoseconds?|ns|[Ss]econds?|s|pJ|[Jj]oules?|J|[Ww]atts?|W|FLOPs?|FLOP/s|bytes/s"
    r"|operations|tokens|slots|share|number of|how many|objects|a text|unit)\b"
)
UNIT_IN_TYPE = re.compile(
    r"\b(Bytes|PositiveBytes|BytesPerSecond|Picoseconds|PicojoulesPerBit|OpsPerSecond|Watts|FlopsPerSecond|Flops|Share"
    r"|PositiveShare|Count)\b"
)
NUMBER = re.compile(r"\b(int|float|ndarray|Fraction|Decimal)\b")


def public(name):
    return not name.startswith("_")


def nodes(tree):
    """Yield (owner, node) for every public class and function, and for every field of a public class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and public(node.name):
            yield None, node
        elif isinstance(node, ast.ClassDef) and public(node.name):
            yield None, node
            for child in node.body:
                is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) and public(child.name)
                is_field = isinstance(child, ast.AnnAssign) and isinstance(child.target, ast.Name)
                if is_function or (is_field and public(child.target.id)):
                    yield node, child


def overloaded(node):
    """Setters and overloads are described by the function that they belong to."""
    return any(ast.unparse(each).endswith((".setter", "overload")) for each in node.decorator_list)


def faults(text):
    """Return what is missing in a module's docstrings, one line each."""
    tree = ast.parse(text)
    lines = text.splitlines()
    found = [] if ast.get_docstring(tree) else ["1: the module has no docstring"]
    for owner, node in nodes(tree):
        if isinstance(node, ast.AnnAssign):
            if not field_has_unit(owner, node, lines):
                found.append(f"{node.lineno}: {owner.name}.{node.target.id} does not say its unit")
            continue
        doc = ast.get_docstring(node) or ""
        if not doc and not (isinstance(node, ast.FunctionDef) and overloaded(node)):
            found.append(f"{node.lineno}: {node.name} has no docstring")
        elif isinstance(node, ast.FunctionDef):
            names = [arg.arg for arg in (*node.args.args, *node.args.kwonlyargs) if not typed(arg.annotation)]
            names += [] if typed(node.returns) else [node.name]
            unsaid = [name for name in names if physical(name) and not UNIT_IN_TEXT.search(doc)]
            found += [f"{node.lineno}: {node.name} does not say the unit of {name}" for name in unsaid]
    return found


def physical(name):
    return bool(QUANTITY.search(name)) and not UNIT_IN_NAME.search(name)


def typed(annotation):
    """Whether a type says the unit, or is not a number at all."""
    text = "" if annotation is None else ast.unparse(annotation)
    return bool(UNIT_IN_TYPE.search(text)) or not NUMBER.search(text)


def field_has_unit(owner, node, lines):
    """Look for a field's unit in its name, its type, its comment, the text below it and the class's docstring."""
    name = node.target.id
    if not physical(name) or typed(node.annotation):
        return True
    comment = lines[node.lineno - 1].partition("#")[2] + (lines[node.lineno - 2] if node.lineno > 1 else "")
    position = owner.body.index(node)
    below = owner.body[position + 1 : position + 2]
    if below and isinstance(below[0], ast.Expr) and isinstance(below[0].value, ast.Constant):
        comment += str(below[0].value.value)
    described = re.search(rf"\b{name}\b[^\n]*:(.*)", ast.get_docstring(owner) or "")
    return bool(UNIT_IN_TEXT.search(comment + (described[1] if described else "")))


FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", FILES)
def test_public_names_are_described(path):
    assert faults((ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("x = 1", "the module has no docstring"),
        ('"""M."""\ndef run(): ...', "run has no docstring"),
        ('"""M."""\nclass Tier: ...', "Tier has no docstring"),
        ('"""M."""\nclass Tier:\n    """T."""\n    def route(self): ...', "route has no docstring"),
        ('"""M."""\nclass Tier:\n    """T."""\n    latency: int', "Tier.latency does not say its unit"),
        (
            '"""M."""\nclass Tier:\n    """T."""\n    read_bandwidth: float\n    """Peak."""',
            "read_bandwidth does not say",
        ),
        ('"""M."""\ndef energy(x) -> float:\n    """Return the energy."""', "energy does not say the unit of energy"),
        ('"""M."""\ndef f(capacity: int):\n    """Do."""', "f does not say the unit of capacity"),
    ],
)
def test_the_checker_finds_it(text, what):
    assert len(faults(text)) == 1
    assert what in faults(text)[0]


@pytest.mark.parametrize(
    "text",
    [
        '"""M."""\nclass Tier:\n    """T."""\n    latency: int\n    """Of a read, in picoseconds."""',
        '"""M."""\nclass Tier:\n    """T.\n\n    Attributes:\n      latency: a read, in ps.\n    """\n    latency: int',
        '"""M."""\nclass Tier:\n    """T."""\n    latency: Picoseconds\n    power: float  # in watts',
        '"""M."""\ndef _f(capacity: int): ...',
        '"""M."""\ndef energy(result: Result) -> pl.DataFrame:\n    """Return a row per part."""',
        '"""M."""\ndef f(capacity: int):\n    """Do with a capacity in bytes."""',
        '"""M."""\ndef f(size_bytes: int) -> int:\n    """Do."""',
    ],
)
def test_the_checker_lets_pass(text):
    assert faults(text) == []
