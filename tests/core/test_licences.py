"""The licence people agree to is the one that came with the model's code."""

import importlib.util
from importlib import metadata

import pytest

from nur_studio.core.licences import weights_licence


@pytest.mark.skipif(importlib.util.find_spec("audiocraft") is None, reason="audiocraft brings the text")
def test_the_whole_text_is_there() -> None:
    text = weights_licence()
    assert "NonCommercial" in text
    assert len(text) > 10_000


def test_without_its_package_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "files", absent)
    assert weights_licence() == ""
