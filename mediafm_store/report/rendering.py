"""Templates, and which scripts a page may run: its own by their hash, none that a file brings."""

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mediafm_store.charts.charts import figure
from mediafm_store.likeness.scale import PARTS
from mediafm_store.report import form, views
from mediafm_store.report.timecode import timecode, timespan

PLAYER = "player.js"
"""The script of served pages that plays films."""


def render(template: str, *, scripts: Sequence[str] = (), **values: Any) -> str:
    """A page. `scripts` names those files of templates/ that it runs, all others are refused."""
    sources = [_script(name) for name in scripts]
    return (
        _environment()
        .get_template(template)
        .render(policy=policy(scripts), scripts=[Markup(s) for s in sources], **values)
    )


@cache
def _script(name: str) -> str:
    """The text of a script, as it stands between its tags."""
    return files(__package__).joinpath("templates", name).read_text(encoding="utf-8")


def policy(scripts: Sequence[str], *, served: bool = False) -> str:
    """Content-Security-Policy of a page: what it may load and run; more for a served page."""
    hashes = [b64encode(sha256(_script(name).encode()).digest()).decode() for name in scripts]
    parts = {
        "default-src": "'none'",
        "img-src": "data: 'self'" if served else "data:",
        "style-src": "'unsafe-inline'",
        "script-src": " ".join(f"'sha256-{h}'" for h in hashes) or "'none'",
        "base-uri": "'none'",
        "form-action": "'self'" if served else "'none'",
    }
    if served:
        parts |= {"media-src": "'self'", "frame-ancestors": "'none'"}
    return "; ".join(f"{name} {value}" for name, value in parts.items())


@cache
def _environment() -> Environment:
    """The templates, with everything that they print escaped."""
    made = Environment(
        loader=PackageLoader("mediafm_store.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "timecode": timecode,
        "number": views.two_decimals,
        "figure": figure,
        "signed": views.signed,
        "tooltip": views.tooltip,
        "chance": views.chance,
        "clock": views.clock,
    }
    made.globals |= {
        "timespan": timespan,
        "bars": views.bars,
        "heading": views.heading,
        "PARTS": PARTS,
        "COUNTS": form.COUNTS,
        "MOST_COUNT": form.MOST_COUNT,
        "MOST_HITS": form.MOST_HITS,
        "USUAL": form.USUAL,
        "options_set": form.options_set,
    }
    return made
