"""The headers of every answer: what a browser may do with it, and who may keep it."""

SHOWN_ON = "https://huggingface.co https://*.hf.space"  # a Space is a frame in a page of the Hub

# 'unsafe-inline' and 'unsafe-eval' are Gradio's: its page configures itself in inline scripts and runs js_on_load
# through new Function. data: in connect-src is how the page turns base64 into files. No other host is named.
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self' data:; connect-src 'self' data:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors {frames}"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'none'"
UNUSED = ("microphone", "geolocation", "display-capture", "payment", "usb", "serial", "hid", "midi", "browsing-topics")
FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": ", ".join(["camera=(self)", *(f"{name}=()" for name in UNUSED)]),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
KEPT_BY_BROWSERS = ("/assets/", "/static/", "/svelte/", "/theme.css", "/favicon.ico", "/robots.txt", "/manifest.json")
FILES = "/gradio_api/file="


def headers_for(path: str, on_space: bool, program: bool = False, kept: bool = False) -> dict[str, str]:
    """The headers for the answer at ``path``. ``program``: the file there is part of the page, not something made here.
    ``kept``: it never changes at that address (``kept.KeptFile``).

    The page itself is asked for anew each time, but may be gone back to; what is made for one visitor is not stored.
    """
    if path.startswith(FILES):
        policy = FILE_POLICY
    else:
        policy = POLICY.format(frames=f"'self' {SHOWN_ON}" if on_space else "'self'")
    headers = {**FIXED, "Content-Security-Policy": policy}
    if kept:
        return headers | {"Cache-Control": "public, max-age=31536000, immutable"}
    if path == "/" or program:
        return headers | {"Cache-Control": "no-cache"}
    return headers if path.startswith(KEPT_BY_BROWSERS) else headers | {"Cache-Control": "no-store"}
