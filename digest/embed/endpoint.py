"""An embedding model behind an OpenAI-compatible endpoint: POST {url}/embeddings.

Synchronous: composing runs in a thread of its own, and waits for nothing else.
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

import numpy as np
from numpy.typing import NDArray

from digest.errors import EmbeddingError

BATCH = 64  # texts a request
MOST_CHARACTERS = 8_000  # of a text; abstracts are shorter, and models take some 512 tokens
MOST_BYTES = 64 * 1024 * 1024  # of an answer: 64 vectors of 4,096 numbers take some 6 MB


class _NoRedirect(HTTPRedirectHandler):
    """The key goes to the address that the operator named, and to no other."""

    def redirect_request(self, *_: object) -> None:
        return None


class EndpointModel:
    """A model named at an endpoint.

    Args:
        url: base address, such as `http://127.0.0.1:8080/v1`.
        model: its name there.
        key: sent as a bearer token, None = none is needed.
        timeout: of one request.
    """

    def __init__(self, url: str, model: str, *, key: str | None, timeout: timedelta) -> None:
        self.name = f"{model} at {url}"
        self._url = f"{url.rstrip('/')}/embeddings"
        self._model = model
        self._key = key
        self._seconds = timeout.total_seconds()
        self._opener = build_opener(_NoRedirect)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Give texts as rows of unit length: [n, d].

        Raises:
            EmbeddingError: the endpoint did not answer, or not with n vectors of one length.
        """
        parts = [
            self._ask([text[:MOST_CHARACTERS] or " " for text in texts[start : start + BATCH]])
            for start in range(0, len(texts), BATCH)
        ]
        if not parts:
            return np.zeros((0, 0), dtype=np.float32)
        if len({part.shape[1] for part in parts}) > 1:
            raise EmbeddingError(f"embeddings {self.name}: vectors of different lengths")
        return np.concatenate(parts)

    def _ask(self, texts: Sequence[str]) -> NDArray[np.float32]:
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        asked = json.dumps({"model": self._model, "input": texts, "encoding_format": "float"})
        request = Request(self._url, asked.encode("utf-8", "replace"), headers)  # noqa: S310
        try:
            with self._opener.open(request, timeout=self._seconds) as answer:
                body = answer.read(MOST_BYTES + 1)
        except HTTPError as error:
            error.close()
            raise EmbeddingError(f"embeddings {self.name}: HTTP {error.code}") from error
        except (OSError, HTTPException) as error:
            raise EmbeddingError(f"embeddings {self.name}: {error}") from error
        if len(body) > MOST_BYTES:
            raise EmbeddingError(f"embeddings {self.name}: an answer above {MOST_BYTES} bytes")
        return self._vectors(body, len(texts))

    def _vectors(self, body: bytes, count: int) -> NDArray[np.float32]:
        try:
            rows = sorted(json.loads(body)["data"], key=lambda row: row["index"])
            found = np.array([row["embedding"] for row in rows], dtype=np.float32)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise EmbeddingError(
                f"embeddings {self.name}: no answer of this kind: {error!r:.100}"
            ) from error
        if found.ndim != 2 or len(found) != count or not np.isfinite(found).all():
            raise EmbeddingError(f"embeddings {self.name}: expected {count} vectors of numbers")
        length = np.sqrt((found**2).sum(axis=1, keepdims=True))
        return np.asarray(found / np.maximum(length, 1e-12), dtype=np.float32)
