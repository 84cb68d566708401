"""Every HTTP error as a problem document (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from media.errors import MediaError
from qa_queue.errors import QueueError
from server.faults import in_wire_terms
from signaling.errors import Problem, SignalingError, to_problem
from store.errors import StoreUnavailable

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class ApiError(HTTPException):
    """An error of the HTTP API alone, with a code that no WebSocket message has."""

    def __init__(self, status: HTTPStatus, code: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(status.value, detail, headers)
        self.problem = Problem(title=status.phrase, status=status.value, detail=detail, code=code)


class ProblemModel(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="`about:blank`: the title says it.")
    title: str = Field(description="What kind of problem, the same for every occurrence.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="This occurrence, in English, for logs.")
    code: str = Field(description="The kind of problem, for programs; the codes of the wire protocol, and a few more.")


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """What OpenAPI is told about the errors of a route."""
    # A `model` would be listed as application/json too.
    content = {MEDIA_TYPE: {"schema": ProblemModel.model_json_schema()}}
    return {status.value: {"description": status.phrase, "content": content} for status in statuses}


def problem_response(error: Exception) -> Response:
    """The response for any exception."""
    if isinstance(error, ApiError):
        return _respond(error.problem, dict(error.headers or {}))
    return _respond(*to_problem(in_wire_terms(error)))


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""

    async def known(_: Request, error: Exception) -> Response:
        return problem_response(error)

    async def http(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        status = HTTPStatus(error.status_code)
        code = status.phrase.lower().replace(" ", "_")
        problem = Problem(title=status.phrase, status=status.value, detail=str(error.detail), code=code)
        return _respond(problem, dict(error.headers or {}))

    async def validation(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        where = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())

        return _respond(Problem(title="Invalid request", status=422, detail=where, code="invalid_request"), {})

    async def ours(request: Request, error: Exception) -> Response:
        logger.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem_response(error)

    for cls in (ApiError, SignalingError, QueueError, MediaError, StoreUnavailable):
        app.add_exception_handler(cls, known)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, validation)
    app.add_exception_handler(Exception, ours)


def _respond(problem: Problem, headers: dict[str, str]) -> Response:
    return Response(msgspec.json.encode(problem), problem.status, headers, media_type=MEDIA_TYPE)
