"""Files that are whole or not there."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from nur_studio.audio import whole
from nur_studio.audio.whole import replacing
from nur_studio.core.errors import Cancelled, FileProblem


def _open_full_disk(_: Path, buffering: int) -> BinaryIO:
    return Path("/dev/full").open("wb")


def test_the_new_file_takes_the_place_only_when_it_is_done(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with replacing(path) as file:
        file.write(b"new, ")
        file.write(b"and longer")
        assert path.read_text() == "old"
        assert len(list(tmp_path.iterdir())) == 2
    assert path.read_text() == "new, and longer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("fault", [Cancelled(), ValueError("ours"), KeyboardInterrupt()])
def test_whoever_stops_it_the_old_file_stays(tmp_path: Path, fault: BaseException) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(fault)), replacing(path) as file:
        file.write(b"new")
        raise fault
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (errno.ENOSPC, "The disk is full"), (errno.EDQUOT, "quota"), (errno.EFBIG, "larger than this disk takes"),
        (errno.EROFS, "read-only"), (errno.EACCES, "no permission"), (errno.EIO, "cannot be written"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_a_sentence(tmp_path: Path, number: int, sentence: str) -> None:
    with pytest.raises(FileProblem, match=sentence), replacing(tmp_path / "a.txt"):
        raise OSError(number, os.strerror(number))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_a_disk_that_turns_out_full_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    monkeypatch.setattr(whole, "_create", _open_full_disk)
    with pytest.raises(FileProblem, match="The disk is full"), replacing(path) as file:
        file.write(b"a few bytes, which wait in a buffer")
    assert path.read_text() == "old"
