"""The processes that train together: one, unless `torchrun` started more."""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import NamedTuple, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from mediafm_store.errors import InvalidInput

T = TypeVar("T")
_LOST = timedelta(minutes=10)
"""After so long a process that does not answer is taken to be gone, and the others end too."""


class ProcessGroup(NamedTuple):
    """Rank and size of a process group; all take the same steps, each on its share of titles."""

    rank: int = 0
    size: int = 1

    def share(self, items: Sequence[T]) -> list[T]:
        """This process's part of what all have: some that follow each other."""
        first, last = (len(items) * rank // self.size for rank in (self.rank, self.rank + 1))
        return list(items[first:last])

    def tell(self, what: T) -> T:
        """Broadcast a value of the first process to all."""
        said = [what]
        if self.size > 1:
            dist.broadcast_object_list(said, src=0)
        return said[0]

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum over all processes, the same in each; `tensor` is changed."""
        if self.size > 1:
            dist.all_reduce(tensor)
        return tensor

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Add up the gradients of all processes, in one message."""
        if self.size == 1:
            return
        grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
        total = self.sum(torch.cat([g.flatten() for g in grads]))
        parts = total.split([g.numel() for g in grads])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def agree(self, model: nn.Module) -> None:
        """Give all processes the first one's weights: machines round differently."""
        if self.size > 1:
            for tensor in model.state_dict().values():
                dist.broadcast(tensor, src=0)


ALONE = ProcessGroup()


def _check_restarts() -> None:
    """Raise InvalidInput if processes that start again would look for those that have ended.

    Unless it is told otherwise, torchrun keeps one store of addresses over all restarts (seen in
    torch 2.13), so that a process may find the address that another had before.
    """
    restarts = int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0"))
    if restarts and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True":
        raise InvalidInput(
            f"torchrun --max-restarts={restarts} needs TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in its"
            " environment and --rdzv-backend=c10d, or processes would not meet after a restart"
        )


@contextmanager
def process_group(device: str | torch.device) -> Iterator[ProcessGroup]:
    """Join the process group of this training, and leave it at the end.

    Raises:
        InvalidInput: If `torchrun` is set to restart processes in a way that fails.
    """
    _check_restarts()
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield ALONE
        return
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    dist.init_process_group("nccl" if on_gpu else "gloo", timeout=_LOST)
    try:
        yield ProcessGroup(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
