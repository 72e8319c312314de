"""The site of docs/: no link is dead, nothing is fetched, and what the program writes itself is current."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hiersim

ROOT = Path(__file__).parent.parent
FETCHING = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site; a dead link, a missing anchor or a page that is in no menu is an error of ``--strict``."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    told = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert told.returncode == 0, told.stdout + told.stderr
    return folder


class Fetched(HTMLParser):
    """Collects the addresses that a page loads by itself."""

    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in FETCHING and given.get("rel") != "canonical":
            self.addresses += [given.get(FETCHING[tag]) or ""]


def fetched(text):
    page = Fetched()
    page.feed(text)
    return page.addresses


def outside(address):
    return bool(re.match(r"(\w+:)?//", address)) and not address.startswith("data:")


def test_nothing_is_fetched_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 30
    for page in pages:
        assert [address for address in fetched(page.read_text()) if outside(address)] == [], page
    for sheet in site.rglob("*.css"):
        assert [a for a in re.findall(r"url\(['\"]?([^)'\"]+)", sheet.read_text()) if outside(a)] == [], sheet


def test_the_checker_finds_what_is_fetched():
    text = (
        '<script src="//a.b/c.js"></script><link href="https://a.b/c.css"><img src="x.png"><a href="http://d.e">f</a>'
    )
    assert [address for address in fetched(text) if outside(address)] == ["//a.b/c.js", "https://a.b/c.css"]


def test_the_api_is_there_in_full(site):
    page = (site / "reference" / "api.html").read_text()
    assert [name for name in hiersim.__all__ if f"hiersim.{name}" not in page] == []
    assert ":::" not in page


def test_the_reference_of_configuration_is_current():
    from hiersim.cli.schema import reference_page

    kept = (ROOT / "docs" / "reference" / "configuration.md").read_text()
    assert reference_page() == kept, "`hiersim schema --page docs/reference/configuration.md` renews it"


def test_the_reference_names_every_key_of_a_scenario():
    from hiersim.config import schema
    from hiersim.config.reference import reference

    text = reference(schema())
    for name, record in schema()["$defs"].items():
        for form in record.get("anyOf", [record]):
            keys = [key for key in form.get("properties", ()) if key != "provenance" and name != "Provenance"]
            assert [key for key in keys if f"| `{key}` |" not in text] == [], name


def test_the_reference_of_commands_is_current():
    from hiersim.cli.commands import commands_page

    kept = (ROOT / "docs" / "reference" / "commands.md").read_text()
    assert commands_page() == kept, "`hiersim commands --page docs/reference/commands.md` renews it"
