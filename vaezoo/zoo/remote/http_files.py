"""A zoo on a web server: read only, in ranges of bytes, without redirects to other hosts.

It uses ``requests`` and not fsspec's HTTP file system, which reads an answer of any length into
memory and follows every redirect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import requests
from requests.auth import HTTPBasicAuth

from vaezoo.zoo.remote.remote_files import Missing, Refused, RemoteFiles, Unavailable, translated

#: Seconds to connect, and to wait for the next bytes.
_TIMEOUT = (10.0, 30.0)
_MOST_REDIRECTS = 3
_BLOCK = 2**18
_REDIRECTS = (301, 302, 303, 307, 308)
_DENIED = (401, 403, 407)
_ONLINE = "check the address and the network; what was pulled before works offline"


class HttpFiles(RemoteFiles):
    """Reads with GET and Range. A proxy and ``~/.netrc`` are used as requests does."""

    @property
    def read_only(self) -> str | None:
        return (
            "a web server can only be read; copy a zoo of file:// to it, or push to s3:// or hf://"
        )

    def blocks(self, path: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        left = None if size is None else size - start + 1
        with translated(path), self._answer(path, start) as answer:
            skip = 0 if answer.status_code == 206 else start  # the server ignored the range
            while left is None or left > 0:
                # as sent: what is compressed here is not the file, and may unpack to any size
                block = answer.raw.read(_BLOCK, decode_content=False)
                if not block:
                    return
                block, skip = block[skip:], max(0, skip - len(block))
                if left is not None:
                    block = block[:left]
                    left -= len(block)
                if block:
                    yield block

    def write(
        self,
        files: Mapping[str, Path | bytes],
        advance: Callable[[int], object] = lambda done: None,
    ) -> None:
        raise Unavailable(self.read_only)

    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        raise Unavailable(self.read_only)

    def _answer(self, path: str, start: int) -> requests.Response:
        url = f"{self.address}/{path}"  # neither has a character to escape
        for _ in range(_MOST_REDIRECTS):
            answer = self._get(url, start)
            if answer.status_code not in _REDIRECTS:
                _check_status(answer, path, start)
                return answer
            answer.close()
            url = _followed(url, answer.headers.get("Location", ""))
        raise Refused(f"{path} is redirected again and again")

    def _get(self, url: str, start: int) -> requests.Response:
        headers = {"Accept-Encoding": "identity", "User-Agent": "vaezoo"}
        if start:
            headers["Range"] = f"bytes={start}-"
        user, _, password = (self.address.secret or "").partition(":")
        login = HTTPBasicAuth(user, password) if self.address.secret else None
        options: dict[str, Any] = {"stream": True, "allow_redirects": False, "timeout": _TIMEOUT}
        try:
            return requests.get(url, headers=headers, auth=login, **options)
        except requests.exceptions.SSLError as error:
            raise Unavailable(f"no secure connection to {self.address}: {error}") from None
        except requests.Timeout:
            raise Unavailable("the server does not answer", _ONLINE, again=True) from None
        except requests.ConnectionError:
            raise Unavailable("the server cannot be reached", _ONLINE, again=True) from None


def _followed(url: str, location: str) -> str:
    """The address that a server redirects to. Raises Refused for another host or a downgrade."""
    target = urljoin(url, location)
    before, after = urlsplit(url), urlsplit(target)
    same_host = before.hostname == after.hostname
    same_port = before.port == after.port or (before.scheme, after.scheme) == ("http", "https")
    if not (same_host and same_port) or after.scheme not in (before.scheme, "https"):
        raise Refused(f"the server redirects to another host, {after.scheme}://{after.hostname}")
    if after.username or after.password:
        raise Refused("the server redirects to an address with a password")
    return target


def _check_status(answer: requests.Response, path: str, start: int) -> None:
    """Raise unless the answer is the file, or the part that was asked for."""
    code = answer.status_code
    if code == 206 and start and _begins_at(answer.headers.get("Content-Range", ""), start):
        return
    if code == 200 or (code == 416 and start):
        if code == 416:
            answer.close()
            raise Unavailable(f"{path} is shorter than expected", again=True)
        return
    answer.close()
    if code == 206:
        raise Refused(f"{path} was answered with another range of bytes")
    if code in (404, 410):
        raise Missing(f"there is no {path}")
    if code in _DENIED:
        advice = "write user and password to ~/.netrc, or ask the owner for access"
        raise Unavailable(f"access to {path} is denied (HTTP {code})", advice)
    again = code == 429 or code >= 500
    raise Unavailable(f"the server answered {path} with HTTP {code}", again=again)


def _begins_at(content_range: str, start: int) -> bool:
    return content_range.startswith(f"bytes {start}-")
