"""Where things are: the person's folders, injected once at the start, and the resources that come with the studio."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Directories:
    """The studio's folders. `data` holds the library, `cache` what can be made again, `log` the log files."""

    data: Path
    config: Path
    cache: Path
    log: Path

    @classmethod
    def of_person(cls) -> Directories:
        """This person's folders on this system; NUR_STUDIO_HOME puts all of them below one folder."""
        home = os.environ.get("NUR_STUDIO_HOME")
        if home:
            return cls.below(Path(home).expanduser())
        dirs = platformdirs.PlatformDirs("NUR Studio", appauthor=False)
        return cls(dirs.user_data_path, dirs.user_config_path, dirs.user_cache_path, dirs.user_log_path)

    @classmethod
    def below(cls, root: Path) -> Directories:
        return cls(root / "data", root / "config", root / "cache", root / "log")

    @property
    def library(self) -> Path:
        return self.data / "library"

    @property
    def drags(self) -> Path:
        """Files handed to other programs live on here: a DAW may read them long after the drop."""
        return self.data / "dragged"

    @property
    def models(self) -> Path:
        """The weights of the engines that have some."""
        return self.data / "models"

    @property
    def settings_file(self) -> Path:
        return self.config / "settings.json"


def resource(name: str) -> Path:
    """A file or folder of `resources/`: inside the package in a wheel, beside it in a checkout."""
    for root in (_PACKAGE / "resources", _PACKAGE.parent / "resources"):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"resources/{name} is missing from this installation")
