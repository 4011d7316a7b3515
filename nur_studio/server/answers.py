"""What a server says: JSON that any client can read, errors all of one form, and no path of this machine in them."""

from __future__ import annotations

import json
import math
import re
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from nur_studio.core.error_json import error_as_json, refusal
from nur_studio.core.errors import InvalidRequest, QueueFull, StudioError
from nur_studio.core.fields import MAX_PAGE
from nur_studio.core.paths import Directories

ALLOWED = {
    "limit": f"a whole number from 1 to {MAX_PAGE}",
    "wait": "true or false",
    "starred": "true or false",
    "force": "true or false",
}
"""What the parameters of an address may be, in words."""

REASONS = {
    400: "The request is malformed.", 404: "There is nothing at this address.",
    405: "This address takes no such method.", 416: "The file has no such range.",
}  # fmt: skip
"""What refusals say that come without words of their own."""

_PATH = re.compile(r"(?<![\w/:.])(?:/[^\s/“”\"',;:]+){2,}/?|\b[A-Za-z]:[\\/][^\s“”\"',;]+|\\\\[^\s“”\"',;]+")


class Words:
    """Takes the paths of this machine out of sentences. `directories` are the studio's, which may have blanks."""

    def __init__(self, directories: Directories) -> None:
        ours = {*map(Path, asdict(directories).values()), Path.home(), Path.cwd(), Path(tempfile.gettempdir()),
                Path(sys.prefix), Path(__file__).parents[2]}  # fmt: skip
        shown = {str(path) for path in ours} | {str(path.resolve()) for path in ours}
        self._ours = sorted((text for text in shown if len(text) > 1), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for path in self._ours:
            text = text.replace(path, "…")
        return _PATH.sub("…", text)

    def all(self, value: Any) -> Any:
        """JSON with the paths taken out of its sentences, and null for what JSON has no number for."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            return {self(str(name)): self.all(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.all(each) for each in value]
        return None if isinstance(value, float) and not math.isfinite(value) else value

    def error(self, error: StudioError) -> Response:
        """The answer that an error is."""
        status, told = error_as_json(error)
        for name in ("message", "hint", "allowed"):
            if name in told["error"]:
                told["error"][name] = self(told["error"][name])
        headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, QueueFull) else None
        return answer(told, status, headers)


def answer(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`value` as JSON. Half characters, which come from escapes in a request, go out as they came in."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Response(text.encode("utf-8", "backslashreplace"), status, headers, "application/json")


def refused(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """A no that is no `StudioError`."""
    return answer(refusal(status, message), status, headers)


def fault_of(error: RequestValidationError) -> InvalidRequest:
    """The first fault of an address's parameters, in the studio's own words."""
    first: Mapping[str, Any] = error.errors()[0]
    name = str(first["loc"][-1])
    return InvalidRequest(name, first.get("input"), ALLOWED.get(name, str(first["msg"]).lower()))


async def on_http_exception(_: Request, error: Exception) -> Response:
    """What the framework refuses: an unknown address, a method there is not."""
    assert isinstance(error, HTTPException)
    said = str(error.detail)
    if said == HTTPStatus(error.status_code).phrase:
        said = REASONS.get(error.status_code, said)
    return refused(error.status_code, said.rstrip(".") + ".", error.headers)


async def on_fault(_: Request, error: Exception) -> Response:
    """A fault of ours: its story goes to the log, not to the client."""
    return refused(500, "The studio met a fault of its own; its log has the details.")
