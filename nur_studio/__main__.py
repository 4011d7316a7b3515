"""`nur-studio` and `python -m nur_studio`: the window without arguments, else a command.

Engine and player processes import this module again: nothing here may cost time or have an effect.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Sequence

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, or run a command; the exit code."""
    multiprocessing.freeze_support()
    arguments = list(sys.argv[1:] if argv is None else argv)
    from nur_studio import cli

    if arguments:
        return cli.main(arguments)
    if sys.platform == "linux" and not any(map(os.environ.get, _DISPLAYS)):
        return cli.no_display()  # Qt would abort
    try:
        from nur_studio.gui.app import run_window
    except ImportError as error:
        return cli.window_unavailable(error)
    return run_window()


if __name__ == "__main__":
    sys.exit(main())
