"""Which studio on the network makes music for this one: its address, its token, and what it says of itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from nur_studio.core.errors import InvalidRequest

ADDRESS_VARIABLE, TOKEN_VARIABLE = "NUR_STUDIO_SERVER", "NUR_STUDIO_SERVER_TOKEN"
"""Variables of the environment that say it in place of the settings."""

PORT = 8765


@dataclass(frozen=True, slots=True)
class About:
    """A studio: its `version`, which `library` it keeps (a word that only tells libraries apart), and its engines, also
    those that cannot run (`why_not`): name, title, licence, can …
    """

    version: str
    library: str
    engines: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Server:
    """A studio somewhere else. `address` is whole (`http://studio.local:8765`); the token never shows in a text."""

    address: str
    token: str = field(default="", repr=False)

    @classmethod
    def at(cls, address: str, token: str = "") -> Server:
        """The server a person means: `studio.local` does. Raises `InvalidRequest`."""
        from nur_studio.remote.http import Http  # here, or its network parts would slow the window's start

        address, token = address.strip(), token.strip()
        if "://" not in address:
            address = f"http://{address}"
            try:
                if urlsplit(address).port is None:
                    address = f"{address.rstrip('/')}:{PORT}"
            except ValueError:
                pass  # said below
        try:
            Http(address, token or None)
        except InvalidRequest as error:
            if error.field == "token":
                raise
            raise InvalidRequest("address", address, "one such as studio.local or http://192.168.1.20:8765") from error
        return cls(address, token)

    @property
    def host(self) -> str:
        """What people call it."""
        return urlsplit(self.address).hostname or self.address


def chosen_server(address: str, token: str, environment: Mapping[str, str] = os.environ) -> tuple[str, str]:
    """Address and token in force: the environment's where it names a server, else these."""
    named = environment.get(ADDRESS_VARIABLE, "").strip()
    return (named, environment.get(TOKEN_VARIABLE, "").strip()) if named else (address, token)
