"""What `import hiersim` gives: what is listed, listed in order, described, and free of cost."""

import subprocess
import sys

import hiersim


def test_what_is_listed_is_what_is_visible():
    code = """
import hiersim
for name in hiersim.__all__:
    getattr(hiersim, name)
import types
helpers = ("annotations", "Any", "import_module", "TYPE_CHECKING")
seen = [name for name, value in vars(hiersim).items() if not name.startswith("_")
        and not isinstance(value, types.ModuleType) and name not in helpers]
print(sorted(seen) == sorted(hiersim.__all__) == [name for name in dir(hiersim) if not name.startswith("_")], seen)
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.startswith("True"), out


def test_the_list_is_sorted_and_described():
    names = list(hiersim.__all__)
    assert names == sorted(names)
    assert [name for name in names if not getattr(hiersim, name).__doc__] == []


def test_an_unknown_name_is_an_attribute_error():
    import pytest

    with pytest.raises(AttributeError, match="no attribute 'rnu'"):
        hiersim.rnu  # noqa: B018


def test_importing_is_free():
    heavy = "{'numpy', 'numba', 'polars', 'pydantic', 'matplotlib', 'rich', 'typer'}"
    code = f"import hiersim, sys; print({heavy} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "set()\n"
