"""Settings of the index of a space, stored with each of its shards."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import inf
from pathlib import Path

from mediafm_indexes import EXACT, KINDS, IndexTarget, Train, read_metadata, trainers
from mediafm_store import plugins
from mediafm_store.errors import InvalidInput

_SHARD_ROWS = 4_000_000
"""Rows of a shard at most. Fewer make building linear and bound what it takes in memory and what
a dead worker costs; each shard is one more to look into."""
_CONFIG = "config.json"


@dataclass(frozen=True)
class IndexConfig:
    """Settings with which an index is built and refreshed.

    Raises:
        InvalidInput: A number is out of range.
    """

    kind: str | None = None
    """None: chosen by the number of rows, by memory and by device."""
    target: float = IndexTarget.target
    """The recall@10."""
    memory_gb: float = IndexTarget.memory_bytes / 1e9
    """That all of it may take in searches."""
    shard_rows: int = _SHARD_ROWS

    def __post_init__(self) -> None:
        if not 0 < self.target <= 1:
            raise InvalidInput(
                f"the target is a share of the answers, between 0 and 1, is {self.target}"
            )
        if not 0 <= self.memory_gb < inf:
            raise InvalidInput(f"memory is in gigabytes, 0 or more, is {self.memory_gb}")
        if not 1 <= self.shard_rows < inf:
            raise InvalidInput(f"a shard has 1 row or more, is to have {self.shard_rows}")

    def kinds(self) -> Mapping[str, Train | None] | None:
        """Factories of this kind of index: FAISS, or a plug-in; None if any may be used.

        Raises InvalidInput or NotFound for a kind that there is not.
        """
        if self.kind is None:
            return None
        if self.kind == EXACT or self.kind in KINDS:
            return trainers([self.kind])
        if ":" in self.kind:
            raise InvalidInput(
                f"{self.kind!r} is a path, and an index is opened again by the name of its plug-in:"
                " no file may say what is imported; give the plug-in an entry point of the group"
                " mediafm_store.indexes"
            )
        if self.kind not in plugins.names("indexes"):
            kinds = sorted({EXACT, *KINDS, *plugins.names("indexes")} - {"faiss"})
            raise InvalidInput(f"no index kind {self.kind!r}; there are {', '.join(kinds)}")
        plugin = plugins.load("indexes", self.kind)
        if not (hasattr(plugin, "train") and hasattr(plugin, "load")):
            raise InvalidInput(f"plug-in {self.kind!r} is no index: it has no train, or no load")
        return {self.kind: plugin.train}


def write_config(folder: Path, config: IndexConfig) -> None:
    """To the folder of a shard."""
    (folder / _CONFIG).write_text(json.dumps(asdict(config)), encoding="utf-8")


def read_config(folder: Path) -> IndexConfig:
    """Read what `write_config` wrote; a shard that was built before there was any has a target."""
    if not (folder / _CONFIG).exists():
        return IndexConfig(target=read_metadata(folder).target)
    told = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    if ":" in (told["kind"] or ""):  # of versions that built what they could not open
        told["kind"] = None
    return IndexConfig(**told)
