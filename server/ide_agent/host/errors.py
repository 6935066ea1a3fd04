"""Every error leaves the host in one shape: ``{"error": {"message", "type", "code", "params"}}``."""

from __future__ import annotations

import logging
import traceback
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ide_agent.errors import IdeAgentError
from ide_agent.locale import choose

log = logging.getLogger(__name__)


class BadRequest(IdeAgentError):
    """The request does not fit the route."""

    key = "error.request.invalid"
    http_status = 422


class NoSuchRoute(BadRequest):
    """Nothing here by that path or method."""

    http_status = 404


class ClientGone(Exception):
    """The caller closed the connection before its answer was ready."""


def error_response(error: IdeAgentError, status: int | None = None, *, language: str = "en") -> JSONResponse:
    """`error` as an HTTP answer, in words of `language`."""
    return JSONResponse({"error": error.as_wire(language)}, status_code=status or error.http_status)


def language_of(scope: Scope) -> str:
    """The language that a request asks for by ``?language=``; English unless we have it."""
    return choose(parse_qs(scope["query_string"].decode("latin-1")).get("language", [""])[0])


def install(app: FastAPI) -> None:
    """Make `app` answer all errors in our shape."""

    async def ours(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, IdeAgentError)
        return error_response(error, language=language_of(request.scope))

    async def invalid(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        found = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        return error_response(BadRequest(problem=found), language=language_of(request.scope))

    async def http(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        problem = f"{request.method} {request.url.path}: {error.detail}"
        kind = NoSuchRoute if error.status_code == 404 else BadRequest
        return error_response(kind(problem=problem), error.status_code, language=language_of(request.scope))

    async def gone(_: Request, error: Exception) -> Response:
        return Response(status_code=408)  # nobody reads it

    async def unexpected(request: Request, error: Exception) -> JSONResponse:
        # It is raised on after that, and logged by `Unexpected`.
        return error_response(IdeAgentError(), language=language_of(request.scope))

    app.add_exception_handler(Exception, unexpected)
    app.add_exception_handler(ClientGone, gone)
    app.add_exception_handler(IdeAgentError, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


class Unexpected:
    """ASGI middleware, outside of all else: what nobody foresaw becomes a 500 that tells nothing of us.

    The log gets the place, never the text of the exception: it may hold somebody's code.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app and catch what it throws."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = complete = False

        async def watched(message: Message) -> None:
            nonlocal started, complete
            started = True
            complete = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as failure:
            log_failure(f"{scope['method']} {scope['path']}", failure)
            if not started:
                await error_response(IdeAgentError(), language=language_of(scope))(scope, receive, send)
            elif not complete:
                raise Aborted() from None


class Aborted(Exception):
    """Makes the server cut a connection whose answer cannot be finished."""


def log_failure(where: str, failure: BaseException) -> None:
    """Log type and place of `failure` without its text."""
    frames = "".join(traceback.format_tb(failure.__traceback__))
    log.error("%s failed with %s\n%s", where, type(failure).__name__, frames.rstrip())
