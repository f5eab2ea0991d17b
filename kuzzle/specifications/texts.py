"""Which texts are e-mail addresses and URLs, and how long a text is. All take time in proportion to the text."""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

_MAX_EMAIL: Final = 254
_MAX_LOCAL: Final = 64
_MAX_HOST: Final = 253
# As browsers' own limits and the usual checkers have it.
_MAX_URL: Final = 2083
_SCHEMES: Final = frozenset({"http", "https", "ftp"})

_LOCAL: Final = re.compile(r"[^\s@\"(),:;<>\[\\\]\x00-\x1f\x7f]+")
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_LAST_LABEL: Final = re.compile(r"xn--[a-z0-9-]{1,59}|[^\W\d_]{2,63}", re.IGNORECASE)


def text_length(text: str) -> int:
    """Return the length of a text as clients in JavaScript count it: in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def is_email(text: str) -> bool:
    """Tell whether a text is an e-mail address with a full domain."""
    local, _, domain = text.rpartition("@")
    if len(text) > _MAX_EMAIL or not 0 < len(local) <= _MAX_LOCAL:
        return False
    if not _LOCAL.fullmatch(local) or local.startswith(".") or local.endswith(".") or ".." in local:
        return False
    return is_domain(domain)


def is_domain(text: str) -> bool:
    """Tell whether a text is a domain name with a top-level domain."""
    labels = text.split(".")
    return (
        len(labels) > 1
        and len(text) <= _MAX_HOST
        and all(_LABEL.fullmatch(label) for label in labels)
        and _LAST_LABEL.fullmatch(labels[-1]) is not None
    )


def is_url(text: str) -> bool:
    """Tell whether a text is a URL of the web; the scheme may be left out before a full domain."""
    if len(text) > _MAX_URL or re.search(r"[\s<>\x00-\x1f\x7f]", text):
        return False
    has_scheme = "://" in text.partition("?")[0]
    try:
        parts = urlsplit(text if has_scheme else f"http://{text}")
        return parts.scheme in _SCHEMES and _has_host(parts, has_scheme)
    except ValueError:  # a wrong port, or brackets around no address
        return False


def _has_host(parts: SplitResult, has_scheme: bool) -> bool:
    host, port = parts.hostname or "", parts.port
    if port == 0 or parts.netloc.rpartition("@")[2].endswith(":"):
        return False
    if is_domain(host.removesuffix(".")):
        return True
    if has_scheme and host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
