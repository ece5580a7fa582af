"""Probes follow the vectors that are live."""

from typing import TYPE_CHECKING

from mediafm_cli.options import Device
from mediafm_cli.output import say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage


def refit(store: "Storage", device: Device) -> None:
    """Fit probes to the vectors that are live now, so that tagging goes on."""
    from mediafm_store.probing.refit import refit_probes

    with progress_bar("") as update:
        fitted = refit_probes(store, device=device, on_step=update)
    for probe in fitted:
        say(f"Fitted probe {probe.name}, to {probe.space}.")
