"""Training as TensorBoard shows it; an extra."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mediafm_store.errors import InvalidInput

if TYPE_CHECKING:
    from mediafm_store.training.run import Step

_SHOWN = ("loss", "validation", "lr", "grad_norm", "shots_per_s")


@contextmanager
def board(folder: Path | None) -> Iterator[Callable[["Step"], None]]:
    """A writer of training steps for TensorBoard; None without a folder."""
    if folder is None:
        yield lambda step: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise InvalidInput(
            "--tensorboard needs the package tensorboard; install mediafm-store[tensorboard]"
        ) from error
    with SummaryWriter(str(folder)) as writer:

        def log(step: "Step") -> None:
            for name in _SHOWN:
                value = getattr(step, name)
                if value is not None:
                    writer.add_scalar(name, value, step.step)

        yield log
