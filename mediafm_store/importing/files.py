"""Files of features, and the ids that their titles get."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mediafm_store.arrays import MODALITIES, Modality
from mediafm_store.errors import InvalidInput
from mediafm_store.importing.arrays import ArrayFile
from mediafm_store.importing.declared_features import Features
from mediafm_store.importing.tables import TableFile
from mediafm_store.ingestion.ingest import IngestResult
from mediafm_store.sources.ids import is_gone, name_ids, title_ids
from mediafm_store.storage.storage import Storage

_SUFFIXES = (".npz", ".parquet", ".lance")


FeatureFile = ArrayFile | TableFile


def find_files(files: Iterable[Path]) -> list[Path]:
    """Files to import, each once.

    Raises:
        InvalidInput: A path does not exist or is not an array or table file.
    """
    found: dict[Path, None] = {}
    for path in files:
        if not path.exists():
            raise InvalidInput(f"{path} does not exist")
        if path.suffix.lower() not in _SUFFIXES:
            raise InvalidInput(
                f"{path} cannot be imported; give files called {' '.join(_SUFFIXES)}"
            )
        found[Path(os.path.abspath(path))] = None
    return list(found)


def check_found(
    files: Iterable[FeatureFile], asked: Mapping[Modality, str], features: Features
) -> None:
    """Raise InvalidInput for an array that was asked for by name, but is nowhere."""
    holds = dict.fromkeys(name for file in files for name in file.holds)
    for modality, name in asked.items():
        if features and modality not in features:
            raise InvalidInput(
                f"--{modality} {name!r} is in none of the files; they have {', '.join(holds)}"
            )


def give_ids(store: Storage, files: Sequence[FeatureFile]) -> None:
    """Say which title of the store each title of the files is."""
    single = [file for file in files if isinstance(file, ArrayFile)]
    ids = title_ids(store, [file.path for file in single], is_gone(store))
    for file in files:
        if isinstance(file, ArrayFile):
            file.ids = {file.path.stem: ids[file.path]}
        else:
            file.ids = name_ids(store, file.path, file.ids)


def unchanged(row: Mapping[str, Any], file: Path) -> IngestResult:
    """Result for a title whose file has not changed since it was imported."""
    return IngestResult(row["id"], file, "unchanged", row["shots"], film_s=row["duration_s"])


def nothing_in(file: FeatureFile, arrays: Mapping[Modality, str]) -> str:
    """Why a file cannot be imported that has no vectors."""
    wanted = ", ".join(arrays[m] for m in MODALITIES)
    return (
        f"{file.path} has none of {wanted}, but {', '.join(file.holds)}; say which holds vectors,"
        " as --visual NAME"
    )
