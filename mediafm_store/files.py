"""Files that appear when they are complete."""

from pathlib import Path

from mediafm_store.errors import BadInput


def write_beside(path: Path, text: str) -> None:
    """Write a file so that it appears, or replaces an older one, when it is complete."""
    if not path.parent.is_dir():
        raise BadInput(f"cannot write {path}: there is no folder {path.parent}; make it first")
    if path.is_dir():
        raise BadInput(f"cannot write {path}: it is a folder; name a file in it")
    part = path.with_name(f".{path.name}.part")
    try:
        # A file name may hold bytes that are not text; they become question marks.
        part.write_text(text, encoding="utf-8", errors="replace")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
