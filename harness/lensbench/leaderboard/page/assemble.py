"""From values to one HTML file: style, code, data and plots in it, and leave to fetch nothing."""

from __future__ import annotations

import base64
import functools
import hashlib
import html
import json
import re
import zlib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

MODULES = (
    "dom",
    "format",
    "theme",
    "board",
    "ranking",
    "table",
    "plots",
    "curves",
    "pairs",
    "gallery",
    "overview",
    "tables",
    "entrant",
    "states",
    "about",
    "live",
    "app",
)
"""The page's modules; each imports only from those before it."""

_IMPORT = re.compile(r"^import .*? from \"\./.*?\";\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export (?=const|let|function|async|class)", re.MULTILINE)


def page(values: Mapping[str, Any], pictures: Mapping[str, Any], live: bool = False) -> str:
    """The page as HTML.

    It has a content security policy that names its own scripts by digest and lets nothing else
    run, and lets nothing be fetched from anywhere.

    Args:
        values: From `payload`.
        pictures: Images of the gallery, which are unpacked when they are looked at.
        live: Whether the page is served, and may ask its server for news.
    """
    style, code, plots = _file("page.css"), script(), _vega()
    policy = {
        "default-src": "'none'",
        "script-src": " ".join(_digest(text) for text in (code, plots)),
        "style-src": "'unsafe-inline'",  # Vega sets style attributes
        "img-src": "data:",
        "connect-src": "'self'" if live else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts = {
        "policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "title": html.escape(str(values["name"])),
        "summary": html.escape(str(values.get("summary", ""))),
        "style": style,
        "data": pack(values),
        "pictures": pack(pictures),
        "live": "yes" if live else "no",
        "plots": plots,
        "code": code,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], _file("page.html"))


def pack(values: Any) -> str:
    """JSON, deflated, in base64: letters that no HTML is made of."""
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    raw = text.encode("utf-8", errors="replace")
    return base64.b64encode(zlib.compress(raw, 9)).decode("ascii")


@functools.cache
def script() -> str:
    """All modules in one, without what joined them."""
    texts = (_EXPORT.sub("", _IMPORT.sub("", _file(f"{name}.js"))) for name in MODULES)
    return "\n".join(texts)


@functools.cache
def _vega() -> str:
    """Vega, Vega-Lite and vega-embed, which set `window.vegaEmbed`."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _file(name: str) -> str:
    return (files("lensbench.leaderboard.page") / "front" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
