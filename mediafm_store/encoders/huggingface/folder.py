"""A model as `transformers` saves it: its configuration at once, its network when it is needed."""

import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from mediafm_store.encoders.torch_eval import ready
from mediafm_store.errors import InvalidInput, first_line

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
_MADE_OF = ("*.safetensors", "*.json", "*.txt", "*.model", "1_Pooling/*.json")
"""Files of a model that are fetched and read. Never pickles: they can run code."""


class ModelFolder:
    """A model folder, or a hub name, on a device. Raises InvalidInput if it cannot be used."""

    def __init__(self, model: str, device: str) -> None:
        transformers = _import_transformers()
        self.name = f"hf={Path(model).name}"
        self.device = device
        with short_errors(model):
            self.path = _find(model)
            self.config: Any = transformers.AutoConfig.from_pretrained(self.path)
        if not list(self.path.glob("*.safetensors")):
            raise InvalidInput(
                f"{model} holds no .safetensors; save the model again with transformers"
            )
        self._model, self._lock, self._network = model, Lock(), None

    def fingerprint(self, *constants: object) -> str:
        """Hash of everything that the folder says and weighs, and of the constants of its use."""
        digest = hashlib.sha256(repr(constants).encode())
        for pattern in _MADE_OF:
            for file in sorted(self.path.glob(pattern)):
                with file.open("rb") as stream:
                    content = hashlib.file_digest(stream, "sha256").hexdigest()
                digest.update(f"{file.relative_to(self.path)}={content}".encode())
        return digest.hexdigest()[:16]

    def load(self, auto: str, **options: Any) -> Any:
        """A part of the model by the name of its auto class, such as AutoTokenizer."""
        with short_errors(self._model):
            return getattr(_import_transformers(), auto).from_pretrained(self.path, **options)

    def network(self) -> Any:
        """The network, in float32 on every device so that vectors agree; loaded once."""
        with self._lock:
            if self._network is None:
                import torch

                network = self.load("AutoModel", use_safetensors=True, dtype=torch.float32)
                self._network = ready(network, self.device)
            return self._network

    def run(self, call: Callable[[Any], Any]) -> Any:
        """Call the network with `call` and return the result as a float32 array."""
        import torch

        with short_errors(self._model), torch.inference_mode():
            out = call(self.network())
        # Versions differ in whether features come as they are or as one of several outputs.
        found = out if isinstance(out, torch.Tensor) else out.pooler_output
        return found.float().cpu().numpy()


def _import_transformers() -> Any:
    """The package, without its warnings and progress bars.

    Raises InvalidInput if it is not there.
    """
    try:
        import transformers
    except ImportError as error:
        raise InvalidInput("encoders hf=... need: pip install 'mediafm-store[hf]'") from error
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    return transformers


def _find(model: str) -> Path:
    """The folder of a model, fetched from the hub unless it is here."""
    if Path(model).is_dir():
        return Path(model)
    if model.startswith((".", "/", "~")) or model.count("/") > 1:
        raise InvalidInput(f"{model} is not a folder; give a model folder or a hub name")
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=list(_MADE_OF)))


@contextmanager
def short_errors(model: str) -> Iterator[None]:
    """Errors of the package are pages long, and of many kinds."""
    try:
        yield
    except InvalidInput:
        raise
    except Exception as error:
        raise InvalidInput(f"model {model} cannot be used: {first_line(error)}") from error
