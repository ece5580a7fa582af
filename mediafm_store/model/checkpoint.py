"""A checkpoint is a folder: model.safetensors and config.json: sizes, and how it was made."""

import dataclasses
import hashlib
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from mediafm_store.errors import BadInput, NotFound
from mediafm_store.model.transformer import ModelConfig, ShotTransformer

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def save_checkpoint(
    model: ShotTransformer,
    folder: Path,
    *,
    extra: Mapping[str, Any],
    files: Mapping[str, str] | None = None,
) -> None:
    """Write to a new folder beside `folder`, then rename: never a half-written checkpoint.

    `extra` are facts that JSON can hold, for `read_facts`; `files` are texts to put beside them, by
    name. Raises BadInput if `folder` is there.
    """
    if folder.exists():
        raise BadInput(f"checkpoint {folder} exists already; save to another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        weights = {name: w.detach().cpu().contiguous() for name, w in model.state_dict().items()}
        save_file(weights, beside / WEIGHTS)
        content = {"model": dataclasses.asdict(model.config), "facts": dict(extra)}
        (beside / CONFIG).write_text(json.dumps(content, indent=1))
        for name, text in (files or {}).items():
            (beside / name).write_text(text)
        beside.chmod(0o755)  # mkdtemp's folders are for their owner alone
        beside.rename(folder)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def load_checkpoint(folder: Path) -> ShotTransformer:
    """Rebuild a model, on the CPU. Raises NotFound or BadInput if its files are not as saved."""
    config = read_config(folder)
    try:
        with torch.device("meta"):
            model = ShotTransformer(ModelConfig(**config["model"]))
        model.load_state_dict(load_file(folder / WEIGHTS), assign=True)
    except FileNotFoundError as error:
        raise NotFound(f"no {WEIGHTS} in checkpoint {folder}; train again") from error
    except (KeyError, TypeError, RuntimeError, SafetensorError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise BadInput(f"checkpoint {folder} cannot be loaded ({reason}); train again") from error
    return model.requires_grad_(True).eval()


def read_facts(folder: Path) -> dict[str, Any]:
    """What was saved as `extra`."""
    facts = read_config(folder).get("facts", {})
    if not isinstance(facts, dict):
        raise BadInput(f"{folder / CONFIG} holds no facts of a training; train again")
    return facts


def checkpoint_fingerprint(folder: Path) -> str:
    """Of sizes and weights: 16 hex digits that say which model made a vector. Facts don't count."""
    sizes = json.dumps(read_config(folder).get("model"), sort_keys=True)
    digest = hashlib.sha256(sizes.encode())
    try:
        with (folder / WEIGHTS).open("rb") as weights:
            while chunk := weights.read(1 << 20):
                digest.update(chunk)
    except FileNotFoundError as error:
        raise NotFound(f"no {WEIGHTS} in checkpoint {folder}; train again") from error
    return digest.hexdigest()[:16]


def read_config(folder: Path) -> dict[str, Any]:
    """The content of config.json."""
    try:
        content = json.loads((folder / CONFIG).read_text())
    except FileNotFoundError as error:
        raise NotFound(f"no checkpoint at {folder}; train one with `mediafm train`") from error
    except ValueError as error:
        raise BadInput(f"{folder / CONFIG} is not JSON ({error}); train again") from error
    if not isinstance(content, dict):
        raise BadInput(f"{folder / CONFIG} holds no sizes of a model; train again")
    return content
