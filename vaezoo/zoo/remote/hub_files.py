"""A zoo in a repository of the Hugging Face hub: ``hf://user/repo``.

Files are read through huggingface_hub's file system for fsspec. They are written in commits, each
of which is complete or absent; the index is replaced only on top of the commit that was read.
The token is the one of ``hf auth login`` or ``$HF_TOKEN``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from huggingface_hub import CommitOperationAdd

from vaezoo.zoo.remote.fsspec_files import FsspecFiles
from vaezoo.zoo.remote.remote_files import ChangedMeanwhile, Unavailable, translated
from vaezoo.zoo.remote.zoo_index import LARGEST_INDEX

#: What the hub answers to a commit on top of another one than the newest.
_NOT_NEWEST = ("412", "Precondition", "409", "Conflict")


class HubFiles(FsspecFiles):
    """Files of a model repository."""

    def write(
        self,
        files: Mapping[str, Path | bytes],
        advance: Callable[[int], object] = lambda done: None,
    ) -> None:
        self._commit(files, "Add files of a vaezoo entry", None)
        advance(sum(len(c) if isinstance(c, bytes) else c.stat().st_size for c in files.values()))

    def switch(self, path: str, content: bytes, before: bytes | None) -> None:
        with translated(str(self.address)):
            repository = self._repository("")
            info = self.system._api.repo_info(repository.repo_id, revision=repository.revision)
            newest = str(info.sha)
        self.require_unchanged(path, before, LARGEST_INDEX)
        try:
            self._commit({path: content}, f"Update {path}", newest)
        except Unavailable as error:
            if any(word in error.reason for word in _NOT_NEWEST):
                raise ChangedMeanwhile(f"{self.address} was changed by another commit") from None
            raise

    def _commit(self, files: Mapping[str, Path | bytes], message: str, parent: str | None) -> None:
        with translated(str(self.address)):
            repository = self._repository("")
            operations = [
                CommitOperationAdd(
                    self._repository(path).path_in_repo,
                    content if isinstance(content, bytes) else os.fspath(content),
                )
                for path, content in files.items()
            ]
            self.system._api.create_commit(
                repository.repo_id,
                operations,
                commit_message=message,
                revision=repository.revision,
                parent_commit=parent,
            )
            self.system.invalidate_cache()

    def _repository(self, path: str) -> Any:
        """The repository, its branch, and the path in it."""
        return self.system.resolve_path(self.at(path).rstrip("/"))
