"""Networks give the same numbers on every device."""

from typing import Any


def ready(network: Any, device: str) -> Any:
    """Move a torch network to a device, in evaluation mode and full float32.

    cuDNN's convolutions would take TF32, of 10 bits, which moves cosines by 1e-3. It is switched
    off for the process: a switch for each call would not be safe with threads.
    """
    import torch

    torch.backends.cudnn.allow_tf32 = False
    return network.eval().requires_grad_(False).to(device)
