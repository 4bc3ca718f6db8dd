"""Who asks: whether another web site is making somebody's browser ask, and under which name this server was found."""

from urllib.parse import urlsplit

OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "0.0.0.0", "::1"})
HARMLESS = {"GET", "HEAD", "OPTIONS"}


def host_of(text: str) -> str:
    """The host of an origin or a Host header, without its port; empty where there is none."""
    try:
        return urlsplit(text if "://" in text else f"//{text}").hostname or ""
    except ValueError:
        return ""


def is_known(host: str, hosts: frozenset[str]) -> bool:
    """Whether a Host header names one of ``hosts``; all do where that is empty.

    A page of another site whose name suddenly leads to this machine (DNS rebinding) still sends its own name.
    """
    return not hosts or host_of(host) in hosts


def is_from_elsewhere(method: str, headers: dict[str, str]) -> bool:
    """Whether a browser says that another web site makes it send this. Looking is harmless: nobody sees the answer."""
    if method in HARMLESS:
        return False
    origin = headers.get("origin")
    if host_of(origin or "") in OWN_MACHINE and host_of(headers.get("host", "")) in OWN_MACHINE:
        return False
    if "sec-fetch-site" in headers:
        return headers["sec-fetch-site"] == "cross-site"
    asked = (headers.get("x-forwarded-host"), headers.get("host"))
    return origin is not None and host_of(origin) not in {host_of(host) for host in asked if host}
