"""Run an ONNX graph."""

from functools import cache
from pathlib import Path

import numpy as np
import onnxruntime as ort

from mediafm_store.errors import InvalidInput
from mediafm_store.parallel import cores

_PROVIDERS: dict[str, tuple[str, dict[str, str]]] = {
    "cpu": ("CPUExecutionProvider", {}),
    # TF32 would move a cosine by 1e-3, and vectors of both devices belong to one space.
    "cuda": ("CUDAExecutionProvider", {"use_tf32": "0"}),
}
_BATCH: dict[str, int] = {"cpu": 1, "cuda": 32}
"""Rows a run. On a CPU one row at a time stays in the cache, and is the faster for it."""
_ERRORS_ONLY = 3


class Graph:
    """ONNX model on a device.

    Args:
        threads: Threads that share one run; None is a quarter of the cores.

    Raises:
        InvalidInput: If the device does not exist.
    """

    def __init__(self, path: Path, *, device: str = "cpu", threads: int | None = None) -> None:
        if device not in _PROVIDERS:
            raise InvalidInput(f"device {device!r} is not one of: {', '.join(_PROVIDERS)}")
        if _PROVIDERS[device][0] not in ort.get_available_providers():
            raise InvalidInput(
                f"no {device} in this onnxruntime; install onnxruntime-gpu or use cpu"
            )
        self._path, self._device, self._threads = path, device, threads
        self.batch = _BATCH[device]

    def run(self, **inputs: np.ndarray) -> list[np.ndarray]:
        """All outputs for one batch; may be called from several threads in parallel."""
        session = _open_session(self._path, self._device, self._threads)
        outputs: list[np.ndarray] = session.run(None, inputs)
        return outputs


@cache
def _open_session(path: Path, device: str, threads: int | None) -> ort.InferenceSession:
    """One for all encoders that use the same graph, opened when it is first needed."""
    options = ort.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    # Pictures, sound and words are encoded while the film is decoded: each may have its share.
    # On two cores, two threads a run made the ingest of a film take a tenth more time.
    options.intra_op_num_threads = threads or max(1, cores() // 4)
    # Our graphs keep weights as int8 to be small, not to compute with them: unpack them once,
    # when the session opens, instead of in every run (26 ms a picture against 5).
    options.add_session_config_entry("session.disable_quant_qdq", "1")
    provider = _PROVIDERS[device]
    # Idle threads that spin take the cores from decoding and BLAS: 480 ms for 16 pictures on
    # two busy cores, and 300 without.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = ort.InferenceSession(path, options, providers=[provider])
    if provider[0] not in session.get_providers():
        raise InvalidInput(f"{device} cannot be used on this machine; use cpu")
    return session
