"""From a click to a file on disk: the whole road, with the real engine in its real process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from nur_studio.core.mix import STEMS
from nur_studio.core.paths import Directories
from nur_studio.core.track import Status
from nur_studio.gui.main_window import MainWindow
from nur_studio.studio import Studio


def test_from_a_click_to_an_exported_file(tmp_path: Path, open_window: Callable[..., MainWindow], qtbot: QtBot) -> None:
    with Studio(Directories.below(tmp_path / "home")) as studio:
        window = open_window(studio)
        qtbot.keyClicks(window.compose.prompt, "Warm lo-fi with Rhodes and brushed drums, 84 bpm, A minor")
        window.compose.form.length.set_value(8)
        qtbot.mouseClick(window.compose.bar.button, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(
            lambda: window.stage.track is not None and window.stage.track.status is Status.COMPLETED, timeout=60_000
        )
        track = window.stage.track
        assert track is not None
        assert (track.tempo, track.key, track.genre) == (84, "A minor", "lo-fi")

        window.actions_on_takes.export_shown()
        dialog = window.exporter.dialog
        assert dialog is not None
        dialog.format.button("wav").click()
        dialog.folder.setText(str(tmp_path / "out"))
        with qtbot.waitSignal(window.exporter.exported, timeout=30_000) as exported:
            qtbot.mouseClick(dialog.go, Qt.MouseButton.LeftButton)
        (path,) = exported.args[0]
        assert path.name.endswith("_84bpm_Am.wav")
        audio, rate = soundfile.read(path, always_2d=True)
        assert (rate, audio.shape) == (44100, (8 * 44100, 2))
        assert np.sqrt(np.mean(audio**2)) > 0.02, "music, not silence"
        stems = [soundfile.read(track.folder / "stems" / f"{stem}.flac", always_2d=True)[0] for stem in STEMS]
        assert np.abs(sum(stems) - audio).max() < 1e-5, "the stems sum to the exported mix"
        window.close()
