"""A stand-in for the Hugging Face hub: the part of its HTTP interface that a zoo uses.

The hub itself cannot run here. This server keeps one model repository in memory, with commits that
are complete or absent and that may name their parent.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

REPOSITORY = "our-lab/zoo"


@dataclass
class Hub:
    """The files of the repository, and the number of its last commit."""

    port: int = 0
    files: dict[str, bytes] = field(default_factory=dict)
    commits: int = 1
    tokens: set[str] = field(default_factory=set)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sha(self) -> str:
        return hashlib.sha1(str(self.commits).encode()).hexdigest()

    def tree(self, folder: str) -> list[dict[str, Any]] | None:
        """The files and folders in a folder; None if there is no such folder."""
        prefix = f"{folder}/" if folder else ""
        inside = [path for path in self.files if path.startswith(prefix)]
        found: dict[str, dict[str, Any]] = {}
        for path in inside:
            name, _, rest = path[len(prefix) :].partition("/")
            found[prefix + name] = self.about(prefix + name, is_folder=bool(rest))
        return list(found.values()) if inside or not folder else None

    def about(self, path: str, *, is_folder: bool = False) -> dict[str, Any]:
        if is_folder:
            return {"type": "directory", "path": path, "oid": "0" * 40, "size": 0}
        content = self.files[path]
        oid = hashlib.sha1(content).hexdigest()
        return {"type": "file", "path": path, "oid": oid, "size": len(content)}

    def commit(self, lines: list[dict[str, Any]]) -> bool:
        """Apply a commit; whether its parent was the newest."""
        parent = lines[0]["value"].get("parentCommit")
        if parent is not None and parent != self.sha:
            return False
        for line in lines[1:]:
            assert line["key"] == "file"
            self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
        self.commits += 1
        return True


@contextlib.contextmanager
def hub_stand_in() -> Iterator[Hub]:
    """Run the stand-in on a free port."""
    hub = Hub()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._note_token()
            path = unquote(urlsplit(self.path).path)
            if match := re.fullmatch(rf"/{REPOSITORY}/resolve/main/(.+)", path):
                self._file(match[1])
            elif match := re.fullmatch(rf"/api/models/{REPOSITORY}/tree/main/?(.*)", path):
                found = hub.tree(match[1])
                self._json(found, 200 if found is not None else 404)
            elif re.fullmatch(rf"/api/models/{REPOSITORY}(/revision/main)?", path):
                self._json({"id": REPOSITORY, "sha": hub.sha, "siblings": [], "tags": []})
            else:
                self._json(None, 404, "RepoNotFound")

        do_HEAD = do_GET

        def do_POST(self) -> None:
            self._note_token()
            path = unquote(urlsplit(self.path).path)
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if path.endswith("/preupload/main"):
                files = [
                    {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                    for one in json.loads(body)["files"]
                ]
                self._json({"files": files})
            elif path.endswith("/paths-info/main"):
                asked = re.findall(r"paths=([^&]+)", body.decode()) or json.loads(body)["paths"]
                known = [unquote(one) for one in asked if unquote(one) in hub.files]
                self._json([hub.about(one) for one in known])
            elif path.endswith("/commit/main"):
                lines = [json.loads(line) for line in body.splitlines() if line.strip()]
                done = hub.commit(lines)
                url = f"{hub.endpoint}/{REPOSITORY}/commit/{hub.sha}"
                self._json(
                    {"success": True, "commitOid": hub.sha, "commitUrl": url},
                    200 if done else 412,
                )
            else:
                self._json({})

        def _file(self, path: str) -> None:
            if path not in hub.files:
                self._json(None, 404)
                return
            content = hub.files[path]
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range") or "")
            start, end = (int(asked[1]), int(asked[2]) + 1) if asked else (0, len(content))
            part = content[start:end]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(part)))
            if asked:
                place = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
                self.send_header("Content-Range", place)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(part)

        def _json(self, data: Any, status: int = 200, error: str = "EntryNotFound") -> None:
            body = json.dumps({"error": error} if data is None else data).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            if status == 404:
                self.send_header("X-Error-Code", error)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _note_token(self) -> None:
            hub.tokens.add(self.headers.get("Authorization", ""))

        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
