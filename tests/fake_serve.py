"""`nur-studio` with fake engines, to be run as a program of its own: `python tests/fake_serve.py serve --port 0`."""

from __future__ import annotations

import sys

import fake_server

from nur_studio import cli
from nur_studio.core.paths import Directories
from nur_studio.studio import Studio


def make_studio(directories: Directories) -> Studio:
    return fake_server.make_studio(directories.data.parent)


if __name__ == "__main__":
    sys.exit(cli.main(sys.argv[1:], make_studio))
