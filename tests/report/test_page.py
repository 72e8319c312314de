"""The HTML report: it says what the result says, needs nothing else, and works in a real browser."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import warnings
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from report import samples

from hiersim.cli.main import execute
from hiersim.config.text import read_text
from hiersim.insight.explain import explain
from hiersim.report import gallery
from hiersim.report.format import duration
from hiersim.report.outputs import write_all
from hiersim.report.page import words
from hiersim.report.page.write import html
from hiersim.report.reading import read_result

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on the path")


class Page(HTMLParser):
    """Ids, references and tables of a page."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.fetched, self.links, self.tables, self.text = [], [], [], {}, []
        self._table = self._cell = None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if "id" in found:
            self.ids.append(found["id"])
        if found.get("src") or tag in ("link", "iframe", "object", "base"):
            self.fetched.append((tag, found))
        if "href" in found or "xlink:href" in found:
            self.links.append(found.get("href") or found["xlink:href"])
        if tag == "table":
            self._table = self.tables.setdefault(found.get("id"), [])
        elif tag == "tr" and self._table is not None:
            self._table.append([])
        elif tag in ("td", "th"):
            self._cell = ["", found.get("data-value")]
            self._table[-1].append(self._cell)

    def handle_endtag(self, tag):
        self._cell = None if tag in ("td", "th") else self._cell

    def handle_data(self, data):
        self.text.append(data)
        if self._cell is not None:
            self._cell[0] += data

    def column(self, table, name):
        """The numbers of a column, else its texts."""
        heads = [head for head, _ in self.tables[table][0]]
        cells = [row[heads.index(name)] for row in self.tables[table][1:]]
        return [text if value is None else float(value) for text, value in cells]


@pytest.fixture
def saved(tmp_path):
    def save(*results):
        for i, result in enumerate(results):
            write_all(result, tmp_path / str(i), pictures=False)
        return [read_result(tmp_path / str(i)) for i in range(len(results))]

    return save


def test_it_says_what_the_result_says(saved):
    result = samples.four_tiers()
    page = Page(html(saved(result)))
    assert page.column("run1-tiers", "tier") == list(result.tiers)
    assert page.column("run1-tiers", "read") == [tier.read_total for tier in result.tiers.values()]
    assert page.column("run1-tiers", "hits") == [tier.hits for tier in result.tiers.values()]
    assert sum(page.column("run1-stalls", "time")) == result.units["gpu0"].stalled_ps
    assert sum(page.column("run1-energy", "energy")) == pytest.approx(result.total_energy_j)
    assert result.machine in "".join(page.text)


@pytest.mark.parametrize("name", ["four_tiers", "two_units", "empty", "extreme"])
def test_it_is_one_file_whose_references_lead_somewhere(name, saved):
    text = html(saved(samples.ALL[name]()))
    page = Page(text)
    assert page.fetched == []
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if not link.startswith("#")} == set()
    assert {link[1:] for link in page.links} <= set(page.ids)
    assert set(re.findall(r"url\(#([^)]*)\)", text)) <= set(page.ids)
    assert "default-src 'none'" in text


def test_short_tables_beside_the_result_are_shown_too(saved):
    import polars as pl

    found = saved(samples.four_tiers())
    folder = found[0].path.parent / "tables"
    pl.DataFrame({"request": ["a", "b"], "ttft_ps": [5 * 10**9, 10**9]}).write_parquet(folder / "requests.parquet")
    pl.DataFrame({"x": range(501)}).write_parquet(folder / "long.parquet")
    page = Page(html(found))
    assert page.column("run1-requests", "ttft") == [5e9, 1e9]
    assert page.tables["run1-requests"][1][1][0] == "5 ms"
    assert "run1-long" not in page.tables


def test_two_runs_are_compared(saved):
    first = samples.four_tiers("a")
    second = samples.four_tiers("b", first.elapsed_ps * 2)
    page = Page(html(saved(first, second)))
    assert page.column("compared-runs", "run") == ["a", "b"]
    assert page.column("compared-runs", "simulated") == [first.elapsed_ps, second.elapsed_ps]
    assert "(2x)" in page.tables["compared-runs"][2][1][0]
    assert "b took 100% more time than a" in "".join(page.text)
    assert "compared-stall_stack" in page.ids


def test_runs_of_one_name_are_told_apart(saved):
    text = html(saved(samples.four_tiers(), samples.four_tiers()))
    page, name = Page(text), samples.four_tiers().name
    assert f"<!-- {name} (0) -->" in text, "pictures call them as the table does"
    assert page.column("compared-runs", "run") == [f"{name} (0)", f"{name} (1)"]
    assert "took exactly as long as" in "".join(page.text)


def test_what_comes_from_outside_is_escaped(saved):
    bad = "<script>alert(1)</script>"
    text = html(saved(replace(samples.four_tiers(), name=bad, machine=bad, provenance={bad: bad})))
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert") >= 4


def test_names_in_any_script_are_drawn_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"<svg" in gallery.STALLS.file(samples.four_tiers("\u540d\u524d"), "svg")


def test_an_empty_result_is_said_to_be_empty(saved, capsys, tmp_path):
    found = saved(samples.empty())
    page = Page(html(found))
    assert "Nothing happened" in "".join(page.text)
    assert not [name for name in page.ids if name.startswith("run1-")]
    assert execute(["report", str(found[0].path)]) == 0
    assert "nothing happened in this run" in capsys.readouterr().err
    both = Page(html(saved(samples.empty(), samples.four_tiers())))
    assert "run2-tiers" in both.tables


def test_the_sentences_are_true():
    result = samples.four_tiers()
    text = " ".join(words.told(result))
    unit = result.units["gpu0"]
    largest = max(unit.stalls, key=lambda stall: stall.ps)
    assert largest.cause in text
    assert f"{100 * unit.stalled_ps / result.elapsed_ps:.1f}% of the time stalled" in text
    assert f"{result.accesses:,} accesses" in text
    for sample in samples.ALL.values():
        assert all(line.endswith((".", "?")) and "nan" not in line for line in words.told(sample()))


def test_what_is_known_of_the_numbers_is_in_the_report(tmp_path):
    result = samples.four_tiers()
    elapsed, joules = result.elapsed_ps, result.total_energy_j
    ends = {"elapsed_ps": [elapsed // 2, 2 * elapsed], "energy_j.total": [joules, joules], "miss_ratio": [0.1, 0.2]}
    known = {"draws": 19, "rate": 0.9, "intervals": ends, "figures": {"tiers.hbm.read_latency": {}}}
    write_all(result, tmp_path, pictures=False, more={"uncertainty": known},
              files={"tables/draws.parquet": b"not shown"})  # fmt: skip
    saved = read_result(tmp_path)
    text = html([saved])
    page = Page(text)
    assert page.column("run1-intervals", "number") == ["elapsed_ps", "miss_ratio"]
    assert page.column("run1-intervals", "high") == [2 * elapsed, 0.2]
    assert page.tables["run1-intervals"][1][4][0] == "-50% to +100%"
    told = (
        "On 19 machines drawn from the ranges of 1 figure it took between 30.7 s and 123 s: intervals that cover 90%."
    )
    assert told in "".join(page.text)
    assert len(set(page.ids)) == len(page.ids)
    plain = html([replace(saved, document=saved.document | {"uncertainty": None})])
    assert "run1-intervals" not in plain
    first = re.compile(r"<svg.*?</svg>", re.DOTALL)
    assert first.findall(text)[0] != first.findall(plain)[0], "the picture has the interval"


def kept(config, folder, *changes):
    import hiersim as hs

    what = hs.load(Path(__file__).parents[2] / "configs" / config, list(changes))
    result = what.run()
    write_all(result, folder, pictures=False, scenario=what.scenario)
    return result, read_result(folder)


def test_a_report_of_requests_is_about_requests(tmp_path):
    result, found = kept("vllm_rtx4090.yaml", tmp_path, "trace.limit=120", "serve.kv_pages=600")
    whole = html([found])
    page = Page(whole)
    text = "".join(page.text)
    requests = result.requests
    assert (
        f"120 requests took {duration(result.elapsed_ps)} of simulated time: {requests.output_total:,} output" in text
    )
    assert f"{requests.preemptions.sum():,} times a request that ran had to give its room" in text
    assert "0 accesses" not in text
    each = [(duration(times.mean()), duration(np.quantile(times, 0.99, method="inverted_cdf")))
            for times in (requests.ttft_ps, requests.tpot_ps)]  # fmt: skip
    first = f"The first token came after {each[0][0]} on average, for 99% within {each[0][1]}"
    assert f"{first}; each further one took {each[1][0]}, for 99% at most {each[1][1]}." in text
    assert page.column("run1-times", "mean")[0] == pytest.approx(requests.ttft_ps.mean(), rel=1e-9)
    assert page.column("run1-times", "max")[2] == requests.latency_ps.max()
    assert sum(page.column("run1-waits", "time")) == requests.waits_ps.sum()
    assert page.column("run1-waits", "what")[0] == "waiting for a turn"
    assert page.column("run1-requests", "preemptions") == requests.preemptions.tolist()
    assert "run1-occupancy" not in page.tables
    long = re.findall(r'<div class="more">\s*<h3>(.*?)</h3>', whole)
    assert long == ["Requests", "Scenario"], "what is too long for paper stays on the screen"


def test_a_report_of_operations_is_about_operations(tmp_path):
    """On a card that does not compute in bf16, in which accesses are where a scenario says nothing else."""
    result, found = kept("flexgen_t4.yaml", tmp_path, "trace.generate.params.gpu_batches=1")
    assert "bf16" not in read_text(found.scenario).machine.units["gpu0"].flops
    page = Page(html([found]))
    text = "".join(page.text)
    assert f"{result.operations.count:,} operations took {duration(result.operations.makespan_ps)} of" in text
    assert "Most work was `cpu_attention`" in text
    assert "0 accesses" not in text
    assert "run1-roofline" in page.ids
    kinds = result.operations.kinds
    assert dict(zip(page.column("run1-operations", "operation"), page.column("run1-operations", "flops"),
                    strict=True)) == {name: kind.flops for name, kind in kinds.items()}  # fmt: skip


def test_the_command_writes_it_and_says_where(tmp_path, capsys, monkeypatch):
    write_all(samples.four_tiers(), tmp_path / "run", pictures=False)
    assert execute(["report", str(tmp_path / "run")]) == 0
    assert capsys.readouterr().out == f"wrote {tmp_path / 'run' / 'report.html'}\n"
    result, text = samples.four_tiers(), "".join(Page((tmp_path / "run" / "report.html").read_text()).text)
    assert "What bounds it" in text
    assert all(sentence in text for sentence in explain(result))
    monkeypatch.chdir(tmp_path)
    write_all(samples.four_tiers("b", 44 * 10**12), tmp_path / "b", pictures=False)
    assert execute(["report", "run", "b", "--quiet"]) == 0
    text = "".join(Page((tmp_path / "report.html").read_text()).text)
    assert f"b takes 44 s, 17.4 s (28.3%) less than {result.name}." in text
    assert execute(["report", "nowhere"]) == 2
    assert "nowhere  is not there" in capsys.readouterr().err
    assert execute(["report", "run", "--out", "no/such\0name.html"]) == 2


def browse(page, folder, *options):
    """Run the browser on a page until it has drawn; return its output and its log."""
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    command += ["--enable-logging=stderr", "--virtual-time-budget=3000", *options, page.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    return run.stdout, run.stderr


CLICKS = """<script>
const press = (id, column) => document.querySelectorAll(`#${id} th button`)[column].click();
press("run1-tiers", 0); press("run1-energy", 1); press("run1-stalls", 6); press("run1-stalls", 6);
press("run1-links", 0); press("run1-links", 0); press("run1-links", 0); press("run1-links", 0);
</script></body>"""


@needs_browser
def test_in_a_browser_tables_sort_and_nothing_is_fetched(saved, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(html(saved(samples.four_tiers())).replace("</body>", CLICKS))
    before = Page(page.read_text())
    log = tmp_path / "net.json"
    dom, console = browse(page, tmp_path, "--dump-dom", f"--log-net-log={log}")
    after = Page(dom)
    assert after.column("run1-tiers", "tier") == sorted(before.column("run1-tiers", "tier"))
    assert after.column("run1-energy", "energy") == sorted(before.column("run1-energy", "energy"), reverse=True)
    assert after.column("run1-links", "link") == sorted(before.column("run1-links", "link"), reverse=True)
    assert after.column("run1-stalls", "time") == sorted(before.column("run1-stalls", "time"))
    assert 'aria-sort="ascending"' in dom
    assert ":CONSOLE" not in console
    assert asked(log) == []
    page.write_text('<img src="http://127.0.0.1:9/x.png">')  # that the test would see it
    browse(page, tmp_path, "--dump-dom", f"--log-net-log={log}")
    assert asked(log) == ["http://127.0.0.1:9/x.png"]


def asked(log):
    """What the page asked the network for; the browser itself looks for updates and the like, with no origin."""
    found = [event.get("params") for event in json.loads(log.read_text())["events"]]
    from_page = [
        each for each in found if isinstance(each, dict) and each.get("initiator", "").startswith(("null", "file"))
    ]
    return sorted({each["url"] for each in from_page if each["url"].startswith(("http:", "https:", "ws:"))})


@needs_browser
def test_in_a_browser_it_is_drawn_and_prints(saved, tmp_path):
    from matplotlib.image import imread

    page = tmp_path / "report.html"
    page.write_text(html(saved(samples.four_tiers())))
    picture, pages = tmp_path / "page.png", tmp_path / "page.pdf"
    browse(page, tmp_path, f"--screenshot={picture}", "--window-size=1000,1400", "--hide-scrollbars")
    seen = imread(picture)
    assert seen.shape[:2] == (1400, 1000)
    blue = (abs(seen[..., :3] - [0x0B / 255, 0x4F / 255, 0x8A / 255]) < 0.02).all(axis=2)
    assert blue.mean() > 0.001, "the colour of HBM is to be seen"
    browse(page, tmp_path, f"--print-to-pdf={pages}")
    content = pages.read_bytes()
    assert content.startswith(b"%PDF")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", content)) <= 6


def test_the_parts_of_the_page_are_in_the_package():
    here = Path(words.__file__).parent
    assert {path.name for path in here.iterdir()} >= {"report.html", "style.css", "script.js"}
