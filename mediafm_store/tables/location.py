"""Location of a store: a folder, or an address in an object store."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pyarrow import fs

from mediafm_store.files import file_system, remote


@dataclass(frozen=True)
class StoreLocation:
    """Location of the tables, and of the folder for indexes and checkpoints on this machine.

    Both are the same for a local store. A remote store has a cache folder: indexes are built in it
    from the tables, checkpoints are copied between it and the address.
    """

    address: str
    local: Path
    remote: bool

    @classmethod
    def of(cls, path: Path | str) -> "StoreLocation":
        """A path, or an address such as s3://bucket/store."""
        if not remote(str(path)):
            local = Path(path).absolute()  # another folder may be the working one later on
            return cls(str(local), local, remote=False)
        address = str(path).rstrip("/")
        name = hashlib.sha256(address.encode()).hexdigest()[:16]
        return cls(address, _cache() / name, remote=True)

    def fetch(self, name: str, *, complete: str) -> None:
        """Copy the folders below `name` that are not here yet, if they have a file `complete`."""
        if not self.remote:
            return
        with file_system(self.address) as (system, root):
            there = fs.FileSelector(f"{root}/{name}", allow_not_found=True)
            for folder in system.get_file_info(there):
                to = self.local / name / folder.base_name
                mark = system.get_file_info(f"{folder.path}/{complete}")
                if to.exists() or mark.type != fs.FileType.File:
                    continue
                to.parent.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(dir=to.parent, prefix=".fetching-") as scratch:
                    copied = Path(scratch) / "folder"
                    copied.mkdir()
                    for file in system.get_file_info(fs.FileSelector(folder.path)):
                        with system.open_input_stream(file.path) as read:
                            (copied / file.base_name).write_bytes(read.read())
                    try:
                        copied.rename(to)
                    except OSError:
                        if not to.exists():  # else another process of this machine was first
                            raise

    def publish(self, folder: Path, *, complete: str) -> None:
        """Copy a folder below `local` to the address; `complete` is the file that comes last."""
        if not self.remote:
            return
        with file_system(self.address) as (system, root):
            to = f"{root}/{folder.relative_to(self.local).as_posix()}"
            system.create_dir(to)
            for file in sorted(folder.iterdir(), key=lambda f: f.name == complete):
                with file.open("rb") as read, system.open_output_stream(f"{to}/{file.name}") as out:
                    shutil.copyfileobj(read, out)


def _cache() -> Path:
    """Cache folder for remote stores: MEDIAFM_CACHE, else the user's cache folder."""
    if chosen := os.environ.get("MEDIAFM_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "mediafm-store"
