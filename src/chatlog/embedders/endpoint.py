"""An embedder behind HTTP: any server that speaks OpenAI's `/v1/embeddings` (Ollama, vLLM, LM Studio, OpenAI)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chatlog.embedders import Embedder, checked, unit
from chatlog.endpoint import Unanswered, ask, located
from chatlog.errors import NoVectorsError

if TYPE_CHECKING:
    from chatlog.embedders import Matrix

_SECONDS = 60.0
_MOST_BYTES = 100_000_000


class Endpoint(Embedder):
    """One model of one server, ``URL#MODEL``; the URL is what comes before `/embeddings`."""

    batch = 64

    def __init__(self, name: str, key: str | None) -> None:
        url, self.model = located(name)
        base = url.rstrip("/").removesuffix("/embeddings")
        self.url = f"{base}/embeddings"
        self.fingerprint = f"{self.url}#{self.model}"
        self._key = key

    def embed(self, texts: Sequence[str], weights: bytes | None) -> Matrix:  # noqa: ARG002
        """Return the server's vectors, of length 1.  Raises NoVectorsError where it does not answer as it should."""
        question = {"model": self.model, "input": list(texts)}
        try:
            answer = ask(self.url, question, self._key, seconds=_SECONDS, most=_MOST_BYTES)
            return unit(_vectors(answer, len(texts)))
        except Unanswered as error:
            raise NoVectorsError(f"{self.url} gave no vectors: {error.reason}", error.hint) from None
        except ValueError as error:
            raise NoVectorsError(f"{self.url} gave no vectors: {error}", "check the address and the model") from None


def _vectors(answer: Any, count: int) -> Sequence[Any]:
    try:
        items = answer["data"]
        rows = [item["embedding"] for item in sorted(items, key=lambda item: item.get("index", 0))]
    except (KeyError, TypeError, AttributeError):
        raise ValueError("the answer is not of the form that /v1/embeddings has") from None
    return checked(rows, count)
