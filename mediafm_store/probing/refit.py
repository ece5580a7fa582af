"""Probes after other vectors have gone live."""

import logging

from mediafm_store.encoding import DeviceChoice
from mediafm_store.errors import MediaFMError
from mediafm_store.probing.figures import OnStep
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.registry import Probe, newest_probe, reads_live, tasks
from mediafm_store.storage.storage import Storage

log = logging.getLogger("mediafm_store")


def refit_probes(
    store: Storage,
    *,
    device: DeviceChoice = "auto",
    on_step: OnStep = lambda what, done, total: None,
) -> list[Probe]:
    """Fit the probe of each task again, with its settings, if none reads the live vectors.

    Args:
        store: The store that has the probes.
        device: Device of the model.
        on_step: Called with the step, the number done and the total.

    Returns:
        The new versions. A probe that cannot be fitted, because its labels are gone, is left out
        with a warning.
    """
    fitted = []
    for task in tasks(store):
        before = newest_probe(store, task)
        if reads_live(store, before):
            continue
        try:
            one = fit_probe(
                store,
                task,
                ProbeOptions(
                    kind=before.kind,
                    pool=before.pool,
                    words=before.words is not None,
                    folds=before.facts["folds"],
                    seed=before.facts["seed"],
                ),
                device=device,
                on_step=on_step,
            )
        except MediaFMError as error:
            log.warning("probe %s does not read the live vectors: %s", before.name, error)
        else:
            fitted.append(one)
    return fitted
