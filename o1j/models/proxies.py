"""The proxy that requests to an address go through: what the environment says, as curl reads it."""

import os
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from o1j.errors import Unavailable
from o1j.models.faults import keep_secret, mask


class Proxy(NamedTuple):
    """url: with user and password, if there are any; variable: which one names it. As text it is without these."""

    url: str
    variable: str

    def __str__(self) -> str:
        return f"the proxy {mask(self.url)} of {self.variable}"


def proxy_of(address: str) -> Proxy | None:
    """`http_proxy`, `https_proxy` or `all_proxy`, in small or capital letters, unless `no_proxy` has the host.

    Raises `Unavailable` where the proxy is of a kind that can't be used: going past it is not for a program to decide.
    """
    parts, named = urlsplit(address), getproxies()
    kind = next((kind for kind in (parts.scheme, "all") if named.get(kind)), None)
    if kind is None or proxy_bypass(parts.netloc):
        return None
    url = named[kind] if "://" in named[kind] else f"http://{named[kind]}"
    names = (f"{kind}_proxy", f"{kind.upper()}_PROXY")
    proxy = Proxy(url, next((name for name in names if os.environ.get(name)), "the system's settings"))
    login = urlsplit(url)
    keep_secret(login.username, login.password)
    if not login.hostname:
        raise Unavailable(f"{address} is behind {proxy}, which is no address: it looks like http://127.0.0.1:3128")
    if login.scheme not in ("http", "https"):
        raise Unavailable(
            f"{address} is behind {proxy}, and o1j goes through HTTP proxies only: name one in {parts.scheme}_proxy, "
            f"or except the host from it (no_proxy={parts.hostname})"
        )
    return proxy
