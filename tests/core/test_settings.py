"""What was chosen once survives; what is damaged costs no more than itself."""

import json
import os
from pathlib import Path

import pytest

from nur_studio.core.settings import Settings, load_settings, save_settings


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "new" / "settings.json"
    chosen = Settings(theme="light", volume_db=-12.5, output_device="Högtalare")
    save_settings(chosen, path)
    assert load_settings(path) == chosen
    assert [p.name for p in path.parent.iterdir()] == ["settings.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "\x00\xff"])
def test_a_damaged_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode("latin-1"))
    assert load_settings(path) == Settings()
    assert load_settings(tmp_path / "missing") == Settings()


def test_what_is_unknown_or_of_another_type_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"theme": 3, "ruler": "seconds", "from_the_future": True}))
    assert load_settings(path) == Settings(ruler="seconds")


def test_a_choice_there_is_not_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(
        json.dumps({"device": "tpu", "precision": "double", "sample_rate": 12345, "master": 0, "sellable_only": True})
    )
    assert load_settings(path) == Settings(sellable_only=True)
    path.write_text(json.dumps({"device": "cpu", "sample_rate": 48000}))
    assert load_settings(path) == Settings(device="cpu", sample_rate=48000)


def test_a_token_is_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.with_suffix(".new").write_text("left by a crash, for all to read")
    chosen = Settings(server="studio.local", server_token="a-token-of-the-tests")
    save_settings(chosen, path)
    assert load_settings(path) == chosen
    assert "a-token" not in repr(chosen)
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
