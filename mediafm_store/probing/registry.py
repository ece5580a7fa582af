"""Probes as the store keeps them: numbers in safetensors and JSON, nothing that is run."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from mediafm_store.errors import InvalidInput, NotFound, SpaceMismatch
from mediafm_store.linear.linear_model import Kind, LinearLayer, LinearModel
from mediafm_store.linear.tfidf import TfIdf
from mediafm_store.probing.dataset import Level
from mediafm_store.probing.pooling import POOLS
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from mediafm_store.tables.sql import quoted

VECTOR, WORDS = "vector", "words"
"""The inputs of a probe."""


@dataclass(frozen=True)
class Probe:
    """Linear layer on the vectors of one version of a space."""

    task: str
    version: int
    level: Level
    """Kind of the items that it was fitted to, and is applied to."""
    pool: str
    space: str
    """The table of the vectors, such as context_v2."""
    fingerprint: str
    labels: tuple[str, ...]
    linear: LinearModel
    words: TfIdf | None
    """Words of names and synopses that count, if it reads them."""
    facts: dict[str, Any]
    """Training data, and metrics on held-out titles."""

    @property
    def name(self) -> str:
        """Display name, such as `genre v2`."""
        return f"{self.task} v{self.version}"

    @property
    def kind(self) -> Kind:
        """Kind of the target."""
        return self.linear.kind


def write_probe(store: Storage, probe: Probe) -> None:
    """Write a probe."""
    linear = probe.linear
    tensors = {
        "mix": linear.mix,
        "offset": linear.offset,
        "thresholds": linear.thresholds,
        **{f"{name}.weights": layer.weights for name, layer in linear.layers.items()},
        **{f"{name}.bias": layer.bias for name, layer in linear.layers.items()},
    }
    facts = probe.facts | {"level": probe.level, "alphas": dict(linear.alphas)}
    if probe.words:
        tensors["idf"] = probe.words.idf
        facts["vocabulary"] = probe.words.vocabulary
    row = {
        "name": probe.task,
        "version": probe.version,
        "kind": probe.kind,
        "pool": probe.pool,
        "space": probe.space,
        "fingerprint": probe.fingerprint,
        "labels": list(probe.labels),
        "weights": save({n: np.ascontiguousarray(t) for n, t in tensors.items()}),
        "facts": json.dumps(facts),
        "fitted_at": datetime.now(UTC),
    }
    store.put("probes", [row])


def probes(store: Storage) -> list[Probe]:
    """All probes, the newest version of each task last."""
    return [_probe_of(row) for row in store.rows("probes").sort("name", "version").to_dicts()]


def tasks(store: Storage) -> list[str]:
    """The tasks that have probes."""
    return store.rows("probes")["name"].unique().sort().to_list()


def newest_probe(store: Storage, task: str, version: int | None = None) -> Probe:
    """Newest probe of a task that reads the live vectors, else the newest; or one version of it.

    Raises:
        NotFound: There is no such probe.
    """
    rows = store.rows("probes", f"name = {quoted(task)}").sort("version").to_dicts()
    found = [row for row in rows if version in (None, row["version"])]
    if rows and not found:
        there = ", ".join(str(row["version"]) for row in rows)
        raise NotFound(f"probe {task!r} has no version {version}; there are {there}")
    if not found:
        raise NotFound(
            f"no probe {task!r} in {store.path}; `mediafm probes list` shows them,"
            f" `mediafm probes fit {task}` makes one"
        )
    probes = [_probe_of(row) for row in reversed(found)]
    return next((probe for probe in probes if reads_live(store, probe)), probes[0])


def next_version(store: Storage, task: str) -> int:
    """1 for the first."""
    versions = store.rows("probes", f"name = {quoted(task)}")["version"].to_list()
    return 1 + max(versions, default=0)


def reads_live(store: Storage, probe: Probe) -> bool:
    """True if a probe was fitted to the vectors that are live."""
    space = POOLS[probe.pool]
    return store.has(space) and store.live(space).fingerprint == probe.fingerprint


def by_chance(probe: Probe) -> str:
    """Comparison of a probe with guessing, in words; empty if the probe is better.

    By the first of its figures, on titles that were held out: the mean over labels.
    """
    for name, (value, _, _) in probe.facts["figures"].items():
        measure, _, of = name.partition(" ")
        if of == probe.pool:
            guess = probe.facts["figures"][f"{measure} chance"][0]
            return "" if value > guess else f"{measure} {value:.2f}, chance {guess:.2f}"
    return ""


def space_of(store: Storage, probe: Probe) -> Space:
    """Live space that a probe reads.

    Raises:
        SpaceMismatch: The probe was fitted to other vectors.
    """
    live = store.live(POOLS[probe.pool])
    if live.fingerprint != probe.fingerprint:
        raise SpaceMismatch(
            f"probe {probe.name} was fitted to {probe.space} (fingerprint {probe.fingerprint}),"
            f" live is {live.table} ({live.fingerprint}); fit it anew with `mediafm probes fit"
            f" {probe.task}`"
        )
    return live


def _probe_of(row: dict[str, Any]) -> Probe:
    """A row of the table as a probe; raise InvalidInput if it is damaged."""
    name = f"probe {row['name']} v{row['version']}"
    try:
        facts, tensors = json.loads(row["facts"]), load(row["weights"])
        alphas = facts.pop("alphas")
        layers = {n: LinearLayer(tensors[f"{n}.weights"], tensors[f"{n}.bias"]) for n in alphas}
        vocabulary = facts.pop("vocabulary", None)
        words = TfIdf(vocabulary, tensors["idf"]) if vocabulary is not None else None
        linear = LinearModel(
            row["kind"], layers, tensors["mix"], tensors["offset"], tensors["thresholds"], alphas
        )
        return Probe(
            task=row["name"],
            version=row["version"],
            level=facts.pop("level"),
            pool=row["pool"],
            space=row["space"],
            fingerprint=row["fingerprint"],
            labels=tuple(row["labels"]),
            linear=linear,
            words=words,
            facts=facts,
        )
    except (KeyError, ValueError, SafetensorError) as error:
        raise InvalidInput(f"{name} is damaged ({error}); fit it anew") from error
