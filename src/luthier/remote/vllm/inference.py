"""A vLLM server as what ours asks: implements the server's `Inference` over HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import httpx

from luthier.answering import AnswerRequest, AskedModel, Delta, EngineLoad
from luthier.errors import DataError, LuthierError, ModelError, NotAnswered, PromptTooLong, TooBusy
from luthier.remote.vllm.bodies import chat_body, chat_deltas, echoed_deltas, text_body, text_deltas
from luthier.remote.vllm.process import VllmProcess, is_healthy

CONNECT_SECONDS = 10.0
LOAD_SECONDS = 120.0
WAIT_SECONDS = 2.0
TOO_LONG = ("maximum context length", "maximum model length", "longer than the maximum", "max_model_len")


class _NoSuchModel(LuthierError):
    """vLLM does not know the name: it was started again since the adapter was loaded."""


class VllmInference:
    """``url`` ends before /v1. ``weights_folder`` gives the folder of an adapter by its key; vLLM must see it under
    the same path. ``process`` is stopped on closing, where vLLM was started for us."""

    def __init__(
        self,
        url: str,
        weights_folder: Callable[[str], Path],
        process: VllmProcess | None = None,
        api_key: str | None = None,
    ):
        self.url = url.rstrip("/").removesuffix("/v1")
        self.weights_folder = weights_folder
        self.process = process
        self._headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client: httpx.AsyncClient | None = None
        self._loading: dict[str, asyncio.Lock] = {}
        self._loaded: set[str] = set()
        self._loads = 0
        self._names: dict[str, str] = {}

    async def answer(self, request: AnswerRequest) -> AsyncGenerator[Delta]:
        is_chat = request.messages is not None
        path = "/v1/chat/completions" if is_chat else "/v1/completions"
        read = chat_deltas if is_chat else echoed_deltas if request.echo else text_deltas
        for is_second in (False, True):
            name = await self._name(request.model)
            body = chat_body(request, name) if is_chat else text_body(request, name)
            try:
                async with aclosing(self._documents(path, body, request.deadline_seconds)) as documents:
                    async for document in documents:
                        for delta in read(document):
                            yield delta
                return
            except _NoSuchModel as error:
                if is_second:
                    raise ModelError(error.found, expected=error.expected, fix=error.fix) from None
                self._forget_name(request.model)

    async def embed(self, model: AskedModel, texts: Sequence[str | tuple[int, ...]]) -> tuple[list[list[float]], int]:
        """Only where vLLM serves a model for embeddings."""
        given = [text if isinstance(text, str) else list(text) for text in texts]
        response = await self._post("/v1/embeddings", {"model": await self._name(model), "input": given}, None)
        document = response.json()
        vectors = [entry["embedding"] for entry in sorted(document["data"], key=lambda entry: entry["index"])]
        return vectors, document["usage"]["prompt_tokens"]

    def is_ready(self) -> bool:
        return is_healthy(self.url)

    def load(self) -> EngineLoad:
        """vLLM tells its own at its /metrics."""
        return EngineLoad(adapter_loads=self._loads)

    def fingerprint(self, model: AskedModel) -> str:
        own = "" if model.weights is None else "_" + model.weights.replace("/", "_")[-16:]
        return f"fp_vllm{own}"

    async def models(self) -> list[str]:
        """What vLLM says that it serves, adapters included."""
        return [model["id"] for model in await self._listed()]

    async def open_adapter(self, key: str) -> None:
        """Load an adapter into the running vLLM, once, however many ask. Raises ModelError where it refuses."""
        async with self._loading.setdefault(key, asyncio.Lock()):
            if key in self._loaded:
                return
            folder = await asyncio.to_thread(self.weights_folder, key)
            try:
                await self._post("/v1/load_lora_adapter", {"lora_name": key, "lora_path": str(folder)}, LOAD_SECONDS)
            except DataError as error:
                if "already" not in error.found:
                    raise ModelError(
                        f"vLLM does not load the adapter: {error.found}",
                        expected="vLLM started with --enable-lora, and a rank within --max-lora-rank",
                        fix="start it so, with VLLM_ALLOW_RUNTIME_LORA_UPDATING=True",
                    ) from None
            except _NoSuchModel:
                raise ModelError(
                    "vLLM has no /v1/load_lora_adapter",
                    expected="VLLM_ALLOW_RUNTIME_LORA_UPDATING=True in its environment, and --enable-lora",
                    fix="start it so",
                ) from None
            self._loaded.add(key)
            self._loads += 1

    async def close_adapter(self, key: str) -> None:
        """After a model was deleted; one that vLLM does not know is closed already."""
        self._loaded.discard(key)
        try:
            await self._post("/v1/unload_lora_adapter", {"lora_name": key}, LOAD_SECONDS)
        except (DataError, _NoSuchModel):
            return

    async def close(self) -> None:
        if self._client is not None:
            with suppress(RuntimeError):  # its loop may have ended before it
                await self._client.aclose()
        if self.process is not None:
            await asyncio.to_thread(self.process.stop)

    async def _name(self, model: AskedModel) -> str:
        """What vLLM calls it; an adapter is loaded first. Raises ModelError for what it does not serve."""
        if model.weights is not None and model.kind == "model":
            raise ModelError(
                f"{model.id} is a whole model of its own, and vLLM serves one base with adapters",
                expected="a model tuned with an adapter (LoRA)",
                fix="start another vLLM on its folder, or set engine.kind=embedded",
            )
        if model.path not in self._names:
            self._names[model.path] = _name_among(await self._listed(), model)
        if model.weights is None:
            return self._names[model.path]
        await self.open_adapter(model.weights)
        return model.weights

    def _forget_name(self, model: AskedModel) -> None:
        self._names.pop(model.path, None)
        self._loaded.discard(model.weights or "")

    async def _listed(self) -> list[dict[str, Any]]:
        try:
            response = await self._http().get("/v1/models")
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from None
        await _check(response)
        return response.json()["data"]

    async def _post(self, path: str, body: Mapping[str, Any], seconds: float | None) -> httpx.Response:
        try:
            response = await self._http().post(path, json=body, timeout=httpx.Timeout(seconds, connect=CONNECT_SECONDS))
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from None
        await _check(response)
        return response

    async def _documents(
        self, path: str, body: Mapping[str, Any], seconds: float | None
    ) -> AsyncGenerator[Mapping[str, Any]]:
        """Chunks of a stream, or the one whole answer. Leaving it closes the connection, and vLLM stops writing."""
        timeout = httpx.Timeout(seconds, connect=CONNECT_SECONDS)
        try:
            async with self._http().stream("POST", path, json=body, timeout=timeout) as response:
                await _check(response)
                if not body.get("stream"):
                    yield json.loads(await response.aread())
                    return
                async for line in response.aiter_lines():
                    for document in _event(line):
                        yield document
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from None

    def _http(self) -> httpx.AsyncClient:
        """Made inside the loop that uses it."""
        if self._client is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
            self._client = httpx.AsyncClient(
                base_url=self.url, headers=self._headers, limits=limits, timeout=CONNECT_SECONDS
            )
        return self._client


def _event(line: str) -> Iterator[Mapping[str, Any]]:
    if not line.startswith("data:") or (data := line.removeprefix("data:").strip()) == "[DONE]":
        return
    document = json.loads(data)
    if document.get("error") or document.get("object") == "error":
        raise NotAnswered(f"vLLM broke off: {_message(document)}", expected="a whole answer", fix="send it again")
    yield document


def _name_among(listed: Sequence[Mapping[str, Any]], model: AskedModel) -> str:
    wanted = {model.base, model.path, Path(model.path).name}
    for served in listed:
        root = served.get("root") or ""
        if not served.get("parent") and wanted & {served["id"], root, Path(root).name}:
            return served["id"]
    names = ", ".join(served["id"] for served in listed if not served.get("parent")) or "nothing"
    raise ModelError(
        f"vLLM serves {names}, not {model.base}",
        expected="the folder that the model's id stands for, in models.folders and in vLLM's command alike",
        fix=f"start vLLM on {model.path}, or give it --served-model-name {model.base}",
    )


async def _check(response: httpx.Response) -> None:
    """Raises what a refusal of vLLM means."""
    if response.status_code < 400:
        return
    await response.aread()
    try:
        message = _message(response.json())
    except ValueError:
        message = response.text[:300]
    if response.status_code == 404:
        raise _NoSuchModel(f"vLLM: {message}", expected="a model that it serves", fix="look at its /v1/models")
    if response.status_code in (429, 503):
        wait = response.headers.get("retry-after", "")
        raise TooBusy(f"vLLM: {message}", float(wait) if wait.replace(".", "", 1).isdigit() else WAIT_SECONDS)
    if response.status_code >= 500 or response.status_code in (401, 403):
        raise NotAnswered(f"vLLM answers {response.status_code}: {message}", expected="200", fix="read its log")
    if any(words in message for words in TOO_LONG):
        raise PromptTooLong(message, expected="a prompt within the model's context", fix="shorten it")
    raise DataError(message, expected="a request that vLLM can serve", fix="correct it")


def _message(document: Any) -> str:
    inner = document.get("error", document) if isinstance(document, dict) else document
    return str(inner.get("message", inner) if isinstance(inner, dict) else inner)[:500]


def _unreachable(url: str, error: httpx.HTTPError) -> NotAnswered:
    return NotAnswered(
        f"vLLM at {url} does not answer ({type(error).__name__})", expected="a running vLLM", fix="look at its log"
    )
