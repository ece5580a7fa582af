"""Features that were computed elsewhere in, titles with shots and fused vectors in the store."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from mediafm_store.arrays import MODALITIES
from mediafm_store.encoders.encoder import Encoder
from mediafm_store.encoding import DEFAULTS, load_encoder
from mediafm_store.errors import InvalidInput
from mediafm_store.files import path_list
from mediafm_store.importing.arrays import ArrayFile, frame_rate
from mediafm_store.importing.declared_features import declare
from mediafm_store.importing.files import FeatureFile, check_found, find_files, give_ids
from mediafm_store.importing.job import ImportJob
from mediafm_store.importing.options import ImportOptions
from mediafm_store.importing.tables import TableFile
from mediafm_store.ingestion.ingest import IngestResult, failure
from mediafm_store.ingestion.worker import check_name
from mediafm_store.sources.ids import check_id
from mediafm_store.sources.videos import id_of_file
from mediafm_store.storage.storage import Storage


def import_features(
    store: Storage,
    files: str | Path | Iterable[str | Path],
    options: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
    *,
    encoder: Encoder | None = None,
    on_title: Callable[[IngestResult, int, int], None] = lambda result, done, total: None,
) -> list[IngestResult]:
    """Import titles from `.npz`, `.parquet` and `.lance`; one that fails does not stop the others.

    A `.npz` is a title: arrays `visual`, `audio`, `text` [shots, width], one or more of them;
    `start_s` and `end_s` in seconds, or `shots` [shots, 2], first and last frame, with `fps`;
    perhaps `words`, and `scene`, a number a shot, -1 where there is none. In a table rows are
    shots, with a column `title`. A row of zeros is a shot without that modality. Metadata are taken
    from beside the file, as `film.json`.

    A store keeps to the encoders of its first titles: titles that come later may lack a modality,
    but bring no others. Titles that have not changed are left alone.

    Args:
        store: Where titles are written.
        files: Files, and folders that are searched for files.
        options: What arrays and columns are called, and what made them.
        encoder: What reads words and metadata; default: the default text encoder.
        on_title: Called with each result, how many titles are done, and of how many.

    Returns:
        A result for each title.

    Raises:
        InvalidInput: The files do not go together, or not into this store; nothing is written.
        SpaceMismatch: The store's vectors were made by something else; nothing is written.
    """
    paths = find_files(path_list(files))
    if options.title is not None:
        check_id(options.title)
        if [path.suffix.lower() for path in paths] != [".npz"]:
            raise InvalidInput(f"--title belongs to one .npz file, {len(paths)} files are given")
    store.check_writable()
    given = {m: name for m, name in options.arrays.items() if name is not None}
    rate = None if options.fps is None else frame_rate(options.fps)
    options = replace(options, arrays={m: given.get(m, m) for m in MODALITIES}, fps=rate)
    opened = [_open(path, options, rate) for path in paths]
    usable = [file for file in opened if not isinstance(file, IngestResult)]
    features = declare(store, usable, {**options.arrays, **options.made_by})
    check_found(usable, given, features)
    if options.title is None:
        give_ids(store, usable)
    reader = encoder or load_encoder(DEFAULTS["text"], "auto")
    job = ImportJob(store, options, features, reader)
    results: list[IngestResult] = []
    total = sum(1 if isinstance(file, IngestResult) else len(file.ids) for file in opened)
    for result in job.run(opened):
        results.append(result)
        on_title(result, len(results), total)
    return results


def _open(path: Path, options: ImportOptions, fps: Fraction | None) -> FeatureFile | IngestResult:
    """A file as far as its headers tell, or why it cannot be read."""
    try:
        check_name(path)
        if path.suffix.lower() == ".npz":
            return ArrayFile(
                path, options.arrays, fps=fps, title=options.title, scenes=options.scenes
            )
        return TableFile(path, options.arrays, options.scenes)
    except Exception as error:
        return failure(options.title or id_of_file(path), path, error)
