"""mediafm train."""

from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import emit_one, say
from mediafm_cli.progress import progress_bar

EXAMPLE = "Example: mediafm train --preset small --store my-store"
SLOW = ("base", "large")


def train(
    store: StorePath = DEFAULT_STORE,
    preset: Annotated[
        str,
        typer.Option(
            help="tiny and small train in minutes on a CPU; base (12 layers) and large want a GPU."
        ),
    ] = "base",
    steps: Annotated[
        int | None, typer.Option(min=0, help="At most so many steps; 0 keeps the start.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed trains the same model.")] = 0,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Fit the contextual model on the store, by masked shot modelling.

    The loss is the cosine distance at masked shots of titles held out of training, lower is
    better. Beside it stand the trivial predictors, and the model before any training; best_step 0
    means that training did not improve on that.
    """
    from dataclasses import replace

    from mediafm_store import TrainConfig
    from mediafm_store import train as train_model
    from mediafm_store.model.train import Step
    from mediafm_store.tasks.encoding import resolve_device

    config = TrainConfig(seed=seed)
    if steps is not None:
        config = replace(config, steps=steps)
    opened = open_store(store)
    if preset in SLOW and resolve_device(device) == "cpu":
        say(f"Preset {preset} takes hours on a CPU; --preset small takes minutes.")
    with progress_bar(" steps/s") as update:

        def on_step(step: Step) -> None:
            update("training", step.step, step.steps, f"loss {step.loss:.3f}")

        trained = train_model(opened, preset=preset, config=config, device=device, on_step=on_step)
    result = trained.result
    row = {
        "checkpoint": str(trained.checkpoint),
        "preset": preset,
        "validation": result.validation,
        **result.baselines,
        "steps": len(result.history),
        "best_step": result.best_step,
        "stopped": result.stopped,
    }
    emit_one(row, as_json=as_json)
