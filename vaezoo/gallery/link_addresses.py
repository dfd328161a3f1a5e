"""Turn the web addresses in untrusted text into links."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

from vaezoo.diagnostics.printable import in_one_line

#: http and https only, in ordinary characters, without a user name, up to a blank or mark.
_ADDRESS = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::\d{1,5})?(?:/[\w./~%=+#?&:-]*)?"
    r"(?=[\s,;)\]]|[.]?$|[.]\s)",
    re.ASCII,
)
#: ugc: written by others; noreferrer: the page is not named to the other site.
_ATTRIBUTES = Markup('rel="nofollow ugc noopener noreferrer"')


def with_links(text: str) -> Markup:
    """One line of escaped text in which http and https addresses are links to themselves."""
    line = in_one_line(text)
    parts, end = [], 0
    for match in _ADDRESS.finditer(line):
        address = match[0].rstrip(".")
        parts.append(escape(line[end : match.start()]))
        parts.append(Markup('<a href="{0}" {1}>{0}</a>').format(address, _ATTRIBUTES))
        end = match.start() + len(address)
    return Markup("").join([*parts, escape(line[end:])])
