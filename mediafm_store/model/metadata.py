"""A checkpoint is a folder: model.safetensors and config.json: sizes, and how it was made.

What is read here needs no model, and so no torch, which takes more than a second to import.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from mediafm_store.errors import InvalidInput, NotFound
from mediafm_store.text_files.json_text import read_json

WEIGHTS, CONFIG = "model.safetensors", "config.json"


def read_facts(folder: Path) -> dict[str, Any]:
    """Metadata that were saved as `extra`."""
    facts = read_config(folder).get("facts", {})
    if not isinstance(facts, dict):
        raise InvalidInput(f"{folder / CONFIG} holds no facts of a training; train again")
    return facts


def checkpoint_fingerprint(folder: Path) -> str:
    """Fingerprint of sizes and weights, without metadata: 16 hex digits that identify the model."""
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
        content = read_json(folder / CONFIG)
    except FileNotFoundError as error:
        raise NotFound(f"no checkpoint at {folder}; train one with `mediafm train`") from error
    except ValueError as error:
        raise InvalidInput(f"{folder / CONFIG} is not JSON ({error}); train again") from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{folder / CONFIG} holds no sizes of a model; train again")
    return content
