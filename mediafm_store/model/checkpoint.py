"""Models to and from checkpoints, which are folders; `facts` reads what stands in them."""

import dataclasses
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mediafm_store.disk import writing
from mediafm_store.errors import InvalidInput, NotFound, first_line
from mediafm_store.model.metadata import CONFIG, WEIGHTS, read_config
from mediafm_store.model.transformer import ModelConfig, ShotTransformer


def save_checkpoint(
    model: ShotTransformer,
    folder: Path,
    *,
    extra: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> None:
    """Save a model to a new folder, which appears when it is complete.

    Args:
        model: Model to save.
        folder: Folder that does not exist yet.
        extra: Metadata as JSON values, for `read_facts`.
        files: Texts to write beside them, by file name.

    Raises:
        InvalidInput: If `folder` exists, or cannot be written.
    """
    if folder.exists():
        raise InvalidInput(f"checkpoint {folder} exists already; save to another folder")
    with writing(folder, also=(SafetensorError,)), _folder_beside(folder) as beside:
        weights = {name: w.detach().cpu().contiguous() for name, w in model.state_dict().items()}
        save_file(weights, beside / WEIGHTS)
        content = {"model": dataclasses.asdict(model.config), "facts": dict(extra)}
        (beside / CONFIG).write_text(json.dumps(content, indent=1))
        for name, text in (files or {}).items():
            (beside / name).write_text(text)


@contextmanager
def _folder_beside(folder: Path) -> Iterator[Path]:
    """A folder to write to, which gets its name when it is complete, or goes."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        yield beside
        beside.chmod(0o755)  # mkdtemp's folders are for their owner alone
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def load_checkpoint(folder: Path) -> ShotTransformer:
    """Load a model, on the CPU.

    Raises:
        NotFound: If there is no checkpoint.
        InvalidInput: If its files are not as saved.
    """
    config = read_config(folder)
    try:
        with torch.device("meta"):
            model = ShotTransformer(ModelConfig(**config["model"]))
        weights = load_file(folder / WEIGHTS)
        if not all(bool(torch.isfinite(weight).all()) for weight in weights.values()):
            raise InvalidInput("some of its weights are no finite numbers")
        model.load_state_dict(weights, assign=True)
    except FileNotFoundError as error:
        raise NotFound(f"no {WEIGHTS} in checkpoint {folder}; train again") from error
    except (InvalidInput, KeyError, TypeError, RuntimeError, SafetensorError, OSError) as error:
        reason = first_line(error)
        raise InvalidInput(
            f"checkpoint {folder} cannot be loaded ({reason}); train again"
        ) from error
    return model.requires_grad_(True).eval()
