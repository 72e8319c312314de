"""The process that draws: the same bytes as without it, whatever becomes of it, and gone in the end."""

from __future__ import annotations

import io
import subprocess
from contextlib import closing

import pytest
from report import samples

from hiersim.report import artist as artists
from hiersim.report.artist import Artist
from hiersim.report.pictures import FILES, drawn


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(artists, "_processors", lambda: 2)


def files_of(artist, result, intervals=None):
    found = {}
    for name, write in artist.contents(result, intervals).items():
        file = io.BytesIO()
        write(file)
        found[name] = file.getvalue()
    return found


@pytest.mark.usefixtures("two_processors")
def test_it_draws_the_same_bytes(monkeypatch):
    result = samples.with_timeline()
    known = {"elapsed_ps": (1, 10 * result.elapsed_ps)}
    here = drawn(result, intervals=known)
    assert tuple(here) == FILES
    monkeypatch.setattr(artists, "drawn", lambda *args: pytest.fail("drawn here"))
    with closing(Artist()) as artist:
        process = artist._process
        assert artist.helped
        assert files_of(artist, result, known) == here
    assert process.returncode is not None


@pytest.mark.usefixtures("two_processors")
def test_one_that_dies_is_replaced():
    result = samples.one_tier()
    with closing(Artist()) as artist:
        artist._process.kill()
        artist._process.wait()
        assert files_of(artist, result) == drawn(result)


@pytest.mark.usefixtures("two_processors")
@pytest.mark.parametrize("answer", ["pass", "import sys; sys.stdin.read(); print('nonsense')", "1 / 0"])
def test_one_that_answers_nonsense_is_replaced(monkeypatch, answer):
    monkeypatch.setattr(artists, "_START", answer)
    with closing(Artist()) as artist:
        assert files_of(artist, samples.one_tier()) == drawn(samples.one_tier())


@pytest.mark.usefixtures("two_processors")
def test_where_none_can_be_started_pictures_are_drawn_all_the_same(monkeypatch):
    def refuse(*args, **options):
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    with closing(Artist()) as artist:
        assert not artist.helped
        assert files_of(artist, samples.one_tier()) == drawn(samples.one_tier())


@pytest.mark.usefixtures("two_processors")
def test_it_is_gone_when_the_run_is_interrupted():
    artist = Artist()
    process = artist._process
    with pytest.raises(KeyboardInterrupt), closing(artist):
        raise KeyboardInterrupt
    assert process.returncode is not None
    assert process.stdin.closed
    assert process.stdout.closed


def test_one_processor_has_better_things_to_do(monkeypatch):
    monkeypatch.setattr(artists, "_processors", lambda: 1)
    monkeypatch.setattr(subprocess, "Popen", lambda *args, **options: pytest.fail("started"))
    with closing(Artist()) as artist:
        assert not artist.helped
