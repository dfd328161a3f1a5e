"""A zoo on what fsspec reaches: memory, S3 buckets."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import fsspec

from vaezoo.zoo.remote.address import Address
from vaezoo.zoo.remote.remote_files import (
    BLOCK,
    ChangedMeanwhile,
    RemoteFiles,
    Unavailable,
    translated,
)
from vaezoo.zoo.remote.zoo_index import LARGEST_INDEX

#: What S3 answers to a conditional write of an object that has changed.
_PRECONDITION = ("pre-condition", "PreconditionFailed", "conditional request")
#: Seconds to connect and to wait for the next bytes; botocore's own limits add up to minutes.
_TIMEOUTS = {"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 2}}


class FsspecFiles(RemoteFiles):
    """Files of any file system of fsspec, without its caches."""

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        with translated(str(address)):
            self.system: Any = fsspec.filesystem(address.scheme, **self.options())

    def options(self) -> dict[str, Any]:
        """Options of the file system."""
        return {"use_listings_cache": False}

    def at(self, path: str) -> str:
        """The path for the file system."""
        return f"{self.address.place}/{path}"

    def blocks(self, path: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
        left = None if size is None else size - start + 1
        with translated(path):
            self.system.invalidate_cache()
            with self.system.open(self.at(path), "rb", block_size=BLOCK, cache_type="none") as file:
                file.seek(start)
                while block := file.read(BLOCK if left is None else min(BLOCK, left)):
                    if left is not None:
                        left -= len(block)
                    yield block

    def write(
        self,
        files: Mapping[str, Path | bytes],
        advance: Callable[[int], object] = lambda done: None,
    ) -> None:
        for path, content in files.items():
            with translated(path):
                if isinstance(content, bytes):
                    self.system.pipe_file(self.at(path), content)
                else:
                    self.system.put_file(os.fspath(content), self.at(path))
            advance(len(content) if isinstance(content, bytes) else content.stat().st_size)

    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        self.require_unchanged(path, before, LARGEST_INDEX)
        with translated(path):
            self.system.pipe_file(self.at(path), content)


class BucketFiles(FsspecFiles):
    """An S3 bucket; s3fs reads credentials and endpoint as the AWS tools do."""

    def options(self) -> dict[str, Any]:
        return {**super().options(), "config_kwargs": _TIMEOUTS}

    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        """Replace an object by a conditional write, so that no other push is lost."""
        if before is None:
            condition = {"IfNoneMatch": "*"}
        else:
            condition = {"IfMatch": self._etag(path)}
            self.require_unchanged(path, before, LARGEST_INDEX)
        try:
            with translated(path):
                self.system.pipe_file(self.at(path), content, **condition)
        except Unavailable as error:
            if any(word in error.reason for word in _PRECONDITION):
                raise ChangedMeanwhile(f"{path} was changed by another push") from None
            raise

    def _etag(self, path: str) -> str:
        with translated(path):
            self.system.invalidate_cache()
            return str(self.system.info(self.at(path))["ETag"])
