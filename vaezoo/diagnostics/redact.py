"""Remove passwords and tokens from texts that are shown or stored."""

from __future__ import annotations

import re

#: A user and password in an address, and a query, which may be signed.
_SECRET = re.compile(
    r"(?<=://)(?:[^/\s]+|[^\s/@:]+:(?![0-9]{1,5}/)[^\s@]*)@"  # a password may contain a slash
    r"|(?<=\S)\?[^\s'\"]*=[^\s'\"]*"
)
#: Tokens of the hub and of AWS.
_TOKEN = re.compile(r"\bhf_[A-Za-z0-9]{8,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}")


def redacted(text: str) -> str:
    """A text without passwords in addresses, signed queries and tokens.

    >>> redacted("https://me:secret@host/zoo")
    'https://***@host/zoo'
    """
    return _TOKEN.sub("***", _SECRET.sub(lambda m: "?***" if m[0][0] == "?" else "***@", text))
