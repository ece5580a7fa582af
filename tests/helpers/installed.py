"""Plug-ins as pip installs them."""

from pathlib import Path


def install(folder: Path, kind: str, **values: str) -> None:
    """Register plug-ins, each `name="module:attribute"`, in a folder that is on `sys.path`."""
    info = folder / f"own_{kind}-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: own-{kind}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in values.items()]
    (info / "entry_points.txt").write_text("\n".join([f"[mediafm_store.{kind}]", *lines, ""]))
