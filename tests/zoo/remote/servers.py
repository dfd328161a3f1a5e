"""Servers on loopback: a web server with ranges that can cut, redirect and falsify; S3 by moto.

The web server serves a folder. What it does wrong is set on it before a request.
"""

from __future__ import annotations

import contextlib
import http.server
import os
import re
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote


@dataclass
class Answer:
    """What is sent: status, headers, body. ``cut`` closes the connection after so many bytes."""

    status: int
    headers: dict[str, str]
    body: bytes
    cut: int | None = None


Fault = Callable[[str, Answer], Answer]


@dataclass
class WebServer:
    """A running server. ``fault`` changes answers; ``requests`` are the paths and ranges asked."""

    folder: Path
    port: int = 0
    fault: Fault | None = None
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    has_ranges: bool = True

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str, asked: str | None) -> Answer:
        """The correct answer to a request."""
        file = self.folder / unquote(path).lstrip("/")
        if not file.is_file():
            return Answer(404, {}, b"not found")
        content = file.read_bytes()
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", asked or "")
        if not (self.has_ranges and match):
            return Answer(200, {}, content)
        start = int(match[1])
        if start >= len(content):
            return Answer(416, {"Content-Range": f"bytes */{len(content)}"}, b"")
        end = min(int(match[2] or len(content)), len(content) - 1)
        about = {"Content-Range": f"bytes {start}-{end}/{len(content)}"}
        return Answer(206, about, content[start : end + 1])


@contextlib.contextmanager
def web_server(folder: Path) -> Iterator[WebServer]:
    """Serve a folder on a free port."""
    state = WebServer(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            state.requests.append((self.path, asked))
            state.headers.append(dict(self.headers))
            answer = state.answer(self.path, asked)
            if state.fault is not None:
                answer = state.fault(self.path, answer)
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(answer.body)), **answer.headers}.items():
                self.send_header(name, value)
            self.send_header("Connection", "close")
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(answer.body[: answer.cut])
            self.close_connection = True

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    state.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextlib.contextmanager
def s3_server(log: Path) -> Iterator[str]:
    """moto's S3 server in a process of its own; its endpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    endpoint = f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=output, env={**os.environ, "PYTHONWARNINGS": "ignore"}
        )
        try:
            _wait(endpoint, process)
            yield endpoint
        finally:
            process.terminate()
            process.wait(30)


def _wait(endpoint: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("the S3 server ended")
        with contextlib.suppress(OSError), urllib.request.urlopen(endpoint, timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the S3 server does not answer")
