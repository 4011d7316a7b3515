"""`nur-studio` and `python -m nur_studio`: the window without arguments, else a command.

Engine and player processes import this module again: nothing here may cost time or have an effect.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


def main(argv: Sequence[str] | None = None) -> int:
    """Open the window, or run a command; the exit code."""
    try:
        return _main(list(sys.argv[1:] if argv is None else argv))
    except KeyboardInterrupt:  # while modules are still loaded
        return 130


def _main(arguments: list[str]) -> int:
    import multiprocessing

    multiprocessing.freeze_support()
    try:
        from nur_studio import cli
        from nur_studio.console import open_streams
    except ImportError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"nur-studio: The studio cannot start: {error}. Set it up again: see its README.\n")
        return 1
    if arguments:
        return cli.main(arguments)
    open_streams()
    if sys.platform == "linux" and not any(map(os.environ.get, _DISPLAYS)):
        return cli.no_display()  # Qt would abort
    try:
        from nur_studio.gui.app import run_window
    except (ImportError, OSError) as error:
        return cli.window_unavailable(error)
    return run_window()


if __name__ == "__main__":
    sys.exit(main())
