"""Where the person's things are."""

from pathlib import Path

import pytest

from nur_studio.core.paths import Directories, resource


def test_one_variable_moves_everything(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NUR_STUDIO_HOME", str(tmp_path / "home"))
    found = Directories.of_person()
    assert found == Directories.below(tmp_path / "home")
    for folder in (found.data, found.config, found.cache, found.log, found.library, found.drags, found.settings_file):
        assert folder.is_relative_to(tmp_path / "home")
    assert not (tmp_path / "home").exists(), "asking makes nothing"


def test_without_it_the_systems_places_are_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NUR_STUDIO_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    found = Directories.of_person()
    assert "NUR Studio" in str(found.data)
    assert len({found.data, found.config, found.cache}) >= 2
    assert found.data.is_absolute()


def test_dragged_files_live_with_the_data_not_in_a_cache(tmp_path: Path) -> None:
    found = Directories.below(tmp_path)
    assert found.drags.is_relative_to(found.data)
    assert not found.drags.is_relative_to(found.cache)


def test_resources_are_found_and_a_missing_one_is_named() -> None:
    assert resource("icons").is_dir()
    with pytest.raises(FileNotFoundError, match=r"resources/nothing\.json"):
        resource("nothing.json")
