"""Puts the server together: addresses, guard, errors, document."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from nur_studio.core.errors import StudioError
from nur_studio.server.answers import Words, answer, fault_of, on_fault, on_http_exception
from nur_studio.server.document import document, page
from nur_studio.server.guard import Access, Guard
from nur_studio.server.music import Music
from nur_studio.studio.desk import Desk


def make_app(desk: Desk, access: Access) -> ASGIApp:
    """The reference over `desk`, for those whom `access` lets in."""
    words = Words(desk.studio.directories)
    app = FastAPI(title="NUR Studio", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(Music(desk, words).router)

    @lru_cache(maxsize=1)
    def told() -> dict[str, Any]:
        return document(app, token=access.token is not None)

    async def openapi() -> Response:
        return answer(told())

    async def docs() -> Response:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(page(told()), headers=policy)

    async def root() -> Response:
        return RedirectResponse("/docs")

    for path, call in (("/", root), ("/docs", docs), ("/openapi.json", openapi)):
        app.add_api_route(path, call, methods=["GET", "HEAD"], include_in_schema=False)

    async def on_studio_error(_: Request, error: Exception) -> Response:
        assert isinstance(error, StudioError)
        return words.error(error)

    async def on_bad_address(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return words.error(fault_of(error))

    app.add_exception_handler(StudioError, on_studio_error)
    app.add_exception_handler(RequestValidationError, on_bad_address)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(Exception, on_fault)
    guarded: ASGIApp = Guard(app, access)
    if access.origins:
        guarded = CORSMiddleware(
            guarded,
            allow_origins=sorted(access.origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
            expose_headers=["Content-Disposition", "Retry-After", "Location"],
            allow_private_network=True,
        )
    return guarded
