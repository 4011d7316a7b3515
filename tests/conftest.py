"""Fixtures for everything that is to be heard: sound cards of paper."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from paper_sound_card import PaperSoundCard, PulseCapture, alsa_config, has_pulse


@pytest.fixture
def paper_sound_card(tmp_path: Path) -> Iterator[PaperSoundCard]:
    """The only sound card there is: as fast as it gets, captured bit for bit."""
    folder = tmp_path / "paper"
    folder.mkdir()
    card = PaperSoundCard(folder)
    with alsa_config(card.config):
        yield card


@pytest.fixture
def pulse_capture(tmp_path: Path) -> Iterator[PulseCapture]:
    """The only sound card there is: a private PulseAudio in real time. Mark such tests `realtime`."""
    if not has_pulse():
        pytest.skip("needs pulseaudio, pulseaudio-utils and libasound2-plugins")
    folder = tmp_path / "pulse"
    folder.mkdir()
    capture = PulseCapture(folder)
    capture.plug_in()
    try:
        with alsa_config(capture.config):
            yield capture
    finally:
        capture.unplug()
