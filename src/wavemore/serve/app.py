"""The application: which paths there are, what each asks the workers, and how errors are said.

Whatever goes wrong is one sentence: {"error": "..."}.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import FastAPI, Query, Request, Response
from fastapi import HTTPException as Refusal
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from wavemore._version import __version__
from wavemore.serve.answers import LINES, Explanations, Health, Info, Models, Samples, Scores, responses
from wavemore.serve.asks import Ask, ExplainAsk, InfoAsk, SampleAsk, ScoreAsk, UnreadableError, read, sentence
from wavemore.serve.crew import Crew, Job, NoAnswerError
from wavemore.serve.limits import TooMuchError
from wavemore.serve.pages import page_answer
from wavemore.serve.service import Service

__all__ = ["api_of"]

_GUARDED = (400, 401, 403, 404)
_ASKED = (*_GUARDED, 408, 413, 415, 422, 429, 503)
_INFO = responses(*_GUARDED, 408, 413, 422, 429, 503, done="What it holds.")
_SAID = {404: "there is nothing at this path; see /openapi.json for what there is"}


def api_of(service: Service) -> FastAPI:
    """The paths of a server, without the guards that stand before them."""

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        await service.crew.start()
        try:
            yield
        finally:
            await service.crew.close()

    api = FastAPI(
        title="wavemore",
        version=__version__,
        description="Strings like those of a list: sampled, scored and explained.",
        docs_url=None,  # they would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        lifespan=running,
    )
    api.router.route_class = _Route
    _add_errors(api)
    _add_pages(api, service)
    _add_work(api, service)
    return api


def _add_work(api: FastAPI, service: Service) -> None:
    @api.get("/v1/models", response_model=Models, responses=responses(*_GUARDED, done="The models."))
    async def models() -> Response:
        """The models of this server, the first one being asked where none is named."""
        return JSONResponse({"models": service.listed})

    @api.get("/v1/info", response_model=Info, responses=_INFO)
    async def info(ask: Annotated[InfoAsk, Query()], request: Request) -> Response:
        """What a model file holds."""
        told = {"model": service.named(ask.model), "memory": ask.memory}
        job = service.take("info", told, small=not ask.memory)
        return Response(await _whole(job, service.crew, request), media_type="application/json")

    @api.post("/v1/sample", response_model=Samples, responses=responses(*_ASKED, lines="a record for each string"))
    async def sample(ask: SampleAsk, request: Request) -> Response:
        """Strings like those of the model's list, under conditions if there are some."""
        return await answer("sample", "strings", ask, request)

    @api.post("/v1/score", response_model=Scores, responses=responses(*_ASKED, lines="a record for each string"))
    async def score(ask: ScoreAsk, request: Request) -> Response:
        """How well each string fits: its log-likelihood, and what follows from it."""
        return await answer("score", "scores", ask, request)

    @api.post("/v1/explain", response_model=Explanations, responses=responses(*_ASKED, lines="an explanation"))
    async def explain(ask: ExplainAsk, request: Request) -> Response:
        """Why each string is likely or odd: what the model expected at each of its characters and at its end."""
        return await answer("explain", "explanations", ask, request)

    async def answer(do: str, name: str, ask: Ask, request: Request) -> Response:
        """In lines as they come, or whole as JSON with the records under a name."""
        if request.url.query:
            raise NoAnswerError(422, "this path takes no words after a question mark; write them into the body")
        job = service.ask(do, ask)
        if LINES in request.headers.get("accept", "").lower():
            parts = job.answer()
            first = await _while_connected(anext(parts, b""), job, service.crew, request)
            return StreamingResponse(_lines(first, parts), media_type=LINES)
        records = await _whole(job, service.crew, request)
        body = b'{"%s": [%s]}' % (name.encode(), records.rstrip(b"\n").replace(b"\n", b",\n"))
        return Response(body, media_type="application/json")


def _add_pages(api: FastAPI, service: Service) -> None:
    @api.get("/", include_in_schema=False)
    async def page() -> Response:
        return page_answer(service.pages[service.named(None)])

    @api.get("/models/{name}", include_in_schema=False)
    async def page_of(name: str) -> Response:
        return page_answer(service.pages[service.named(name)])

    @api.get("/healthz", response_model=Health, responses=responses(400, 403, 503, done="It works."))
    async def health() -> Response:
        """Whether the server works; without a token, too."""
        if not service.crew.alive:
            return JSONResponse({"error": "no workers are there"}, 503, {"Retry-After": "1"})
        return JSONResponse({"status": "ok"})

    @api.get("/metrics", response_class=Response, responses=_METRICS | responses(400, 401, 403))
    async def metrics() -> Response:
        """Figures of the server in Prometheus' text format."""
        return Response(service.metrics.text(), media_type=service.metrics.media_type)


_METRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The figures.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


def _add_errors(api: FastAPI) -> None:
    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return JSONResponse({"error": sentence(error.errors())}, 422)

    @api.exception_handler(HTTPException)
    async def refused(request: Request, error: HTTPException) -> Response:
        said = _SAID.get(error.status_code, error.detail) if error.detail == "Not Found" else error.detail
        if error.status_code == 405:
            said = f"{request.method} is not what this path takes; it takes {(error.headers or {}).get('Allow', 'GET')}"
        return JSONResponse({"error": said}, error.status_code, error.headers)

    @api.exception_handler(NoAnswerError)
    async def no_answer(_: Request, error: NoAnswerError) -> Response:
        retry = {"Retry-After": "1"} if error.status in (429, 503) else None
        return JSONResponse({"error": str(error)}, error.status, retry)

    @api.exception_handler(TooMuchError)
    async def too_much(_: Request, error: TooMuchError) -> Response:
        return JSONResponse({"error": str(error)}, 422)

    @api.exception_handler(Exception)
    async def bug(_: Request, error: Exception) -> Response:
        return JSONResponse({"error": "the server made a mistake; its log says more"}, 500)


class _Read(Request):
    """A request whose body is read as strictly as its words."""

    async def json(self) -> Any:
        try:
            return read(await self.body())
        except UnreadableError as error:
            raise Refusal(error.status, str(error)) from error


class _Route(APIRoute):
    """A path whose bodies are read so."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def read_and_handle(request: Request) -> Response:
            return await handle(_Read(request.scope, request.receive))

        return read_and_handle


async def _whole(job: Job, crew: Crew, request: Request) -> bytes:
    async def joined() -> bytes:
        return b"".join([part async for part in job.answer()])

    return await _while_connected(joined(), job, crew, request)


async def _while_connected(answer: Awaitable[bytes], job: Job, crew: Crew, request: Request) -> bytes:
    """The answer; where the client goes away before, the job is dropped, and any answer serves."""
    leaving = asyncio.ensure_future(_left(request, job, crew))
    try:
        return await answer
    finally:
        leaving.cancel()


async def _left(request: Request, job: Job, crew: Crew) -> None:
    """End the job once the client has gone away; of its body nothing is left to read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    crew.drop(job)
    job.parts.put_nowait(NoAnswerError(503, "the client has gone away"))


async def _lines(first: bytes, parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    try:
        async for part in parts:
            yield part
    except NoAnswerError as error:
        yield json.dumps({"error": str(error)}).encode() + b"\n"
