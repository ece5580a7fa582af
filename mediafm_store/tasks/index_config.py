"""What is asked of the index of a space, kept beside it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mediafm_indexes import EXACT, KINDS, Train, Wanted, trainers
from mediafm_store import plugins
from mediafm_store.errors import BadInput, MediaFMError
from mediafm_store.files import write_beside

log = logging.getLogger("mediafm_store")
SHARD_ROWS = 4_000_000
"""Rows of a shard at most. Fewer make building linear and bound what it takes in memory and what
a dead worker costs; each shard is one more to look into."""
FILE = "config.json"


@dataclass(frozen=True)
class IndexConfig:
    """What is asked of an index when it is built; its refreshes keep to it.

    Raises BadInput for values that no index can have.
    """

    kind: str | None = None
    """None: chosen by the number of rows, by memory and by device."""
    target: float = Wanted.target
    """The recall@10."""
    memory_gb: float = Wanted.memory_bytes / 1e9
    """That all of it may take in searches."""
    shard_rows: int = SHARD_ROWS

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise BadInput(
                f"the target is a share of the answers, between 0 and 1, is {self.target}"
            )
        if self.shard_rows < 1:
            raise BadInput(f"a shard has 1 row or more, is to have {self.shard_rows}")
        if not self.memory_gb >= 0:
            raise BadInput(f"memory is in gigabytes, 0 or more, is {self.memory_gb}")
        self.kinds()

    def kinds(self) -> Mapping[str, Train | None] | None:
        """What makes an index of the kind: FAISS, or a plug-in of that name; None: any may."""
        if self.kind is None:
            return None
        if self.kind == EXACT or self.kind in KINDS:
            return trainers([self.kind])
        if ":" not in self.kind and self.kind not in plugins.names("indexes"):
            kinds = sorted({EXACT, *KINDS, *plugins.names("indexes")} - {"faiss"})
            raise BadInput(f"no index kind {self.kind!r}; there are {', '.join(kinds)}")
        return {self.kind: plugins.load("indexes", self.kind).train}


def write_config(base: Path, config: IndexConfig) -> None:
    """Beside the indexes of a space."""
    write_beside(base / FILE, json.dumps(asdict(config), indent=1))


def read_config(base: Path) -> IndexConfig:
    """What the newest index was built with; where nothing tells, what is asked by default."""
    path = base / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if ":" in (told["kind"] or ""):  # no file may say what is to be imported
            told["kind"] = None
        return IndexConfig(**told)
    except FileNotFoundError:
        return IndexConfig()
    except (OSError, ValueError, TypeError, KeyError, MediaFMError) as error:
        log.warning("%s cannot be read (%s); indexed as by default", path, error)
        return IndexConfig()
