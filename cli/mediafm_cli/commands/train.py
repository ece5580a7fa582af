"""mediafm train."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Device, StorePath, open_store
from mediafm_cli.output import emit_one, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.training.train import TrainReport

app = typer.Typer()
_SLOW = ("base", "large")


@app.command(epilog="Example: mediafm train --preset small --store my-store")
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
    seed: Annotated[int, typer.Option(min=0, help="The same seed trains the same model.")] = 0,
    tensorboard: Annotated[
        Path | None, typer.Option(help="Also write loss and rates for TensorBoard to this folder.")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Fit the contextual model on the store, by masked shot modelling.

    The loss is the cosine distance at masked shots of titles held out of training, lower is
    better. Beside it stand the trivial predictors, and the model before any training; best_step 0
    means that training did not improve on that. The checkpoint's history.csv has a row a step. A
    training that was cut off goes on where it was. For several GPUs: torchrun --nproc-per-node 4 -m
    mediafm_cli train --store my-store; for several machines see the README.
    """
    from dataclasses import replace

    from mediafm_cli.tensorboard import board
    from mediafm_store.encoding import resolve_device
    from mediafm_store.training.run import Step, TrainConfig
    from mediafm_store.training.train import train as train_model

    config = TrainConfig(seed=seed)
    if steps is not None:
        config = replace(config, steps=steps)
    opened = open_store(store)
    first = os.environ.get("RANK", "0") == "0"  # of those that torchrun started
    if first and preset in _SLOW and resolve_device(device) == "cpu":
        say(f"Preset {preset} takes hours on a CPU; --preset small takes minutes.")
    taken = 0
    with progress_bar(" steps/s") as update, board(tensorboard if first else None) as log:

        def on_step(step: Step) -> None:
            nonlocal taken
            taken += 1
            if first and taken == 1 and step.step > 1:
                say(f"Going on at step {step.step}, where the last training was cut off.")
            detail = f"{step.shots_per_s:,.0f} shots/s, loss {step.loss:.3f}"
            update("training", step.step, step.steps, detail)
            log(step)

        trained = train_model(opened, preset=preset, config=config, device=device, on_step=on_step)
    if first:
        _print(trained, preset, as_json)


def _print(trained: "TrainReport", preset: str, as_json: bool) -> None:
    """Print the figures of a training beside trivial predictors."""
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
