"""What people read of an engine that is not offered any more: its name is all that is left of it."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from nur_studio.engines.remote.listing import PREFIX


def unlisted(name: str) -> str:
    """A title made of a name; of another studio's engine it says that it was one."""
    if name.startswith(PREFIX):
        own = name.removeprefix(PREFIX)
        return QCoreApplication.translate("engines", "{name} on another studio").format(name=_title(own))
    return _title(name)


def _title(name: str) -> str:
    return name[:1].upper() + name[1:]
