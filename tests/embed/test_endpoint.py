"""Vectors from an OpenAI-compatible endpoint on loopback, and what it may do wrong."""

import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest

from digest.embed.endpoint import BATCH, EndpointModel
from digest.errors import EmbeddingError


@contextmanager
def endpoint(answer):
    """Serve `answer(texts) -> (status, bytes)` under /v1/embeddings; gives address and requests."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append((self.path, self.headers.get("Authorization"), body))
            status, content = answer(body["input"])
            self.send_response(status)
            if 300 <= status < 400:
                self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def lengths(texts):
    """Answer with (length of the text, 1), in backward order: only `index` tells which is which."""
    rows = [{"index": n, "embedding": [len(text), 1.0]} for n, text in enumerate(texts)]
    return 200, json.dumps({"data": rows[::-1], "model": "m"}).encode()


def model(url, **options):
    given = {"key": None, "timeout": timedelta(seconds=5)} | options
    return EndpointModel(url, "small", **given)


def test_vectors_come_in_the_order_of_the_texts_and_of_unit_length():
    with endpoint(lengths) as (url, asked):
        found = model(url, key="secret").embed(["aaa", "a" * 20])

    assert np.allclose(found[:, 0] / found[:, 1], [3, 20])
    assert np.allclose((found**2).sum(axis=1), 1.0)
    [(path, key, body)] = asked
    assert (path, key, body["model"]) == ("/v1/embeddings", "Bearer secret", "small")


def test_many_texts_are_asked_for_in_bounded_requests():
    with endpoint(lengths) as (url, asked):
        found = model(url).embed(["a", "\ud800", "", *["b" * 50_000] * BATCH])

    assert found.shape == (BATCH + 3, 2)
    assert len(asked) == 2
    assert max(len(text) for _, _, body in asked for text in body["input"]) == 8_000


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param((500, b"oops"), "HTTP 500", id="server error"),
        pytest.param((302, b""), "HTTP 302", id="redirect"),
        pytest.param((200, b"<html>"), "no answer of this kind", id="not JSON"),
        pytest.param((200, b'{"data": {}}'), "no answer of this kind|expected", id="not a list"),
        pytest.param((200, b'{"data": []}'), "expected 1 vectors", id="none"),
        pytest.param(
            (200, b'{"data": [{"index": 0, "embedding": ["x"]}]}'),
            "no answer of this kind",
            id="no numbers",
        ),
        pytest.param(
            (200, b'{"data": [{"index": 0, "embedding": [NaN]}]}'), "expected 1", id="not finite"
        ),
        pytest.param((200, b"[" * 100_000), "no answer of this kind", id="nested without end"),
    ],
)
def test_wrong_answers_are_one_kind_of_error(answer, message):
    with endpoint(lambda _: answer) as (url, _), pytest.raises(EmbeddingError, match=message):
        model(url).embed(["text"])


def test_endpoint_out_of_reach_is_an_error_that_may_pass():
    with pytest.raises(EmbeddingError) as caught:
        model("http://127.0.0.1:1/v1").embed(["text"])

    assert not caught.value.permanent


def test_endpoint_that_says_nothing_is_left_in_time():
    release = threading.Event()

    def late(texts):
        release.wait(5)
        return lengths(texts)

    with endpoint(late) as (url, _):
        with pytest.raises(EmbeddingError, match="timed out"):
            model(url, timeout=timedelta(seconds=0.2)).embed(["text"])
        release.set()
