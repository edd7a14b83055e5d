"""An embedder behind HTTP: any server that speaks OpenAI's `/v1/embeddings` (Ollama, vLLM, LM Studio, OpenAI)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from chatlog.embedders import Embedder, checked, unit
from chatlog.errors import NoVectorsError

if TYPE_CHECKING:
    from chatlog.embedders import Matrix

TIMEOUT_SECONDS = 60


class Endpoint(Embedder):
    """One model of one server; `url` is what comes before `/embeddings`."""

    batch = 64

    def __init__(self, url: str, model: str, key: str | None) -> None:
        base = url.rstrip("/").removesuffix("/embeddings")
        self.url = f"{base}/embeddings"
        self.model = model
        self.fingerprint = f"{self.url}#{model}"
        self._key = key

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:  # noqa: ARG002
        """Return the server's vectors, of length 1.  Raises NoVectorsError where it does not answer as it should."""
        body = json.dumps({"model": self.model, "input": list(texts)}).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        try:
            with urlopen(Request(self.url, body, headers), timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310  the user's own
                rows = _vectors(json.load(answer), len(texts))
        except (URLError, HTTPException, OSError, ValueError, RecursionError) as error:
            if isinstance(error, HTTPError):
                error.close()
            raise NoVectorsError(f"{self.url} gave no vectors: {_why(error)}", "is the server up?") from None
        return unit(rows)


def _vectors(answer: Any, count: int) -> Sequence[Any]:
    try:
        items = answer["data"]
        rows = [item["embedding"] for item in sorted(items, key=lambda item: item.get("index", 0))]
    except (KeyError, TypeError, AttributeError):
        raise ValueError("the answer is not of the form that /v1/embeddings has") from None
    return checked(rows, count)


def _why(error: Exception) -> str:
    return str(getattr(error, "reason", None) or error)[:200]
