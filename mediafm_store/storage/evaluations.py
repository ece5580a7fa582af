"""Keep every figure that was measured, with what it was measured on and by which software."""

import json
import logging
import math
import subprocess
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Literal, NamedTuple

from mediafm_store.errors import InvalidInput
from mediafm_store.storage.storage import Storage

log = logging.getLogger("mediafm_store")

What = Literal["model", "probe", "index", "search", "space"]


class Metric(NamedTuple):
    """A measured value."""

    measure: str
    value: float
    of: str = ""
    """Variant that was measured, where there are several: context, isolated, chance."""
    label: str = ""
    """The tag; empty: over all."""
    low: float | None = None
    high: float | None = None
    """The 95 % interval."""
    better: Literal["higher", "lower"] = "higher"
    detail: Mapping[str, Any] = {}
    """Curves and counts, as JSON can hold them."""
    own: bool = True
    """True for a result of this project, False for a baseline beside it."""


def record(
    store: Storage,
    what: What,
    figures: Sequence[Metric],
    *,
    name: str,
    version: str,
    fingerprint: str,
) -> str:
    """Write values that were measured together.

    Args:
        store: Store to write to.
        what: Kind of thing that was measured.
        figures: Values; NaNs are left out.
        name: Name of the thing.
        version: Version of a checkpoint, a probe or a space.
        fingerprint: Fingerprint of the vectors.

    Returns:
        The id of the run.

    Raises:
        InvalidInput: If the store cannot be written to.
    """
    run = uuid.uuid4().hex
    same = {
        "run": run,
        "at": datetime.now(UTC),
        "what": what,
        "name": name,
        "version": version,
        "fingerprint": fingerprint,
        "software": _software(),
    }
    rows = [
        {**same, **f._asdict(), "detail": json.dumps(f.detail) if f.detail else ""}
        for f in figures
        if not math.isnan(f.value)
    ]
    if rows:
        store.put("evaluations", rows)
    return run


def record_if_writable(
    store: Storage,
    what: What,
    figures: Sequence[Metric],
    *,
    name: str,
    version: str,
    fingerprint: str,
) -> None:
    """Record figures; a store that cannot be written to is a warning."""
    try:
        store.check_writable()
        record(store, what, figures, name=name, version=version, fingerprint=fingerprint)
    except InvalidInput as error:
        log.warning("what was measured is not kept: %s", error)


@cache
def _software() -> str:
    """The installed version, with the commit where it is used from a checkout of the sources."""
    release = installed("mediafm-store")
    here = Path(__file__).parents[2]
    if not (here / ".git").exists():
        return release
    command = ["git", "-C", str(here), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return release
    return f"{release}+{found.stdout.strip()}"
