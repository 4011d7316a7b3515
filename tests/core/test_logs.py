"""The log file: written, bounded, and never in the way."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nur_studio.core import logs


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = logging.getLogger().level
    yield
    logs.stop_log()
    logging.getLogger().setLevel(before)


def test_records_and_tracebacks_are_in_the_file(tmp_path: Path) -> None:
    logs.start_log(tmp_path / "log" / "studio.log")
    try:
        raise ZeroDivisionError("oh")
    except ZeroDivisionError:
        logging.getLogger("x").exception("it broke")
    text = (tmp_path / "log" / "studio.log").read_text("utf-8")
    assert "ERROR x: it broke" in text
    assert "ZeroDivisionError: oh" in text


def test_a_second_start_moves_the_log(tmp_path: Path) -> None:
    logs.start_log(tmp_path / "a.log")
    logs.start_log(tmp_path / "b.log")
    logging.getLogger("x").info("hello")
    assert not (tmp_path / "a.log").exists()
    assert (tmp_path / "b.log").read_text().count("hello") == 1


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "MAX_BYTES", 2000)
    logs.start_log(tmp_path / "studio.log")
    for number in range(200):
        logging.getLogger("x").info("line %s %s", number, "." * 50)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["studio.log", "studio.log.1"]
    assert sum(p.stat().st_size for p in tmp_path.iterdir()) <= 4000


def test_a_folder_that_cannot_be_written_costs_only_the_log(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    logs.start_log(tmp_path / "file" / "studio.log")
    logging.getLogger("x").error("nobody hears this")


def test_what_cannot_be_written_later_is_not_told_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "studio.log").mkdir()
    logs.start_log(tmp_path / "studio.log")
    logging.getLogger("x").error("nobody hears this")
    assert capsys.readouterr() == ("", "")
