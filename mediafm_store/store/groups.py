"""What a store has of each kind, beside titles: labels, probes, tags, spaces, indexes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.indexing.build import build_indexes, refresh_indexes
from mediafm_store.indexing.config import IndexConfig
from mediafm_store.indexing.status import IndexStatus, index_status, searchable, spaces_to_index
from mediafm_store.ingestion.backfill import BackfillOptions, BackfillResult, backfill
from mediafm_store.labels.labels import TaskLabels, import_labels, labelled, remove_labels
from mediafm_store.probing.figures import OnStep
from mediafm_store.probing.fit import fit_probe
from mediafm_store.probing.options import ProbeOptions
from mediafm_store.probing.predict import Prediction, apply_probe
from mediafm_store.probing.refit import refit_probes
from mediafm_store.probing.registry import Probe, newest_probe, probes
from mediafm_store.releases.spaces import PromotionResult, promote, retire, rollback
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import Space
from mediafm_store.tags.apply import OnTitles, apply_tags, tag_by_name
from mediafm_store.tags.review import Feedback, ReviewOutcome, answer_tags, uncertain_tags
from mediafm_store.tags.tag import Tag, read_tags


class Labels:
    """Labels that people give to titles, shots and segments: `store.labels`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def add(self, file: str | Path, *, task: str | None = None) -> list[TaskLabels]:
        """Add the labels of a file, CSV, JSON lines or Parquet.

        Args:
            file: Rows name a title, a shot or a segment, and a label; perhaps a value.
            task: What the labels are about; default: the column `task`, or the file's name.

        Returns:
            The counts of each task that the file labels.

        Raises:
            InvalidInput: A row cannot be used; nothing is added.
            NotFound: A row names something that is not in the store.
        """
        return import_labels(self._storage, file, task=task)

    def __iter__(self) -> Iterator[TaskLabels]:
        """The counts of each task."""
        return iter(labelled(self._storage))

    def remove(self, task: str, titles: Sequence[str] | None = None) -> TaskLabels:
        """Remove the labels of a task, of some titles or of all; return their counts.

        Raises:
            NotFound: The task has no labels.
        """
        return remove_labels(self._storage, task, titles)


class Probes:
    """Light classifiers over the vectors of a store: `store.probes`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def fit(
        self,
        task: str,
        options: ProbeOptions = ProbeOptions(),  # noqa: B008 - frozen
        *,
        device: DeviceChoice = "auto",
        on_step: OnStep = lambda what, done, total: None,
    ) -> Probe:
        """Fit a probe to the labels of a task, measure it and save it: see `fit_probe`."""
        return fit_probe(self._storage, task, options, device=device, on_step=on_step)

    def refit(self, *, device: DeviceChoice = "auto") -> list[Probe]:
        """Fit those probes again whose vectors are no longer live; return the new ones."""
        return refit_probes(self._storage, device=device)

    def __iter__(self) -> Iterator[Probe]:
        """Every version of every probe."""
        return iter(probes(self._storage))

    def get(self, task: str, version: int | None = None) -> Probe:
        """A probe; default: the newest version.

        Raises:
            NotFound: There is none.
        """
        return newest_probe(self._storage, task, version)

    def apply(
        self, task: str, titles: Sequence[str] | None = None, *, version: int | None = None
    ) -> list[Prediction]:
        """Predict labels of titles, or of their labelled segments, with a probe.

        Raises:
            NotFound: There is no such probe, or no such title.
        """
        return apply_probe(self._storage, task, titles, version=version)


class Tags:
    """Tags of titles, with what speaks for each: `store.tags`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def apply(
        self,
        titles: Sequence[str] | None = None,
        *,
        task: str | None = None,
        top: int = 5,
        workers: int | None = None,
        engine: str = "threads",
        on_titles: OnTitles = lambda source, done, total: None,
    ) -> list[Tag]:
        """Write tags of titles that lack them, by probes or similar titles: see `apply_tags`."""
        return apply_tags(
            self._storage,
            titles,
            task=task,
            top=top,
            workers=workers,
            engine=engine,
            on_titles=on_titles,
        )

    def apply_names(
        self,
        names: Sequence[str],
        titles: Sequence[str] | None = None,
        *,
        device: DeviceChoice = "auto",
    ) -> list[Tag]:
        """Write tags of titles that have shots which a name describes: see `tag_by_name`."""
        return tag_by_name(self._storage, names, titles, device=device)

    def __iter__(self) -> Iterator[Tag]:
        """The proposed tags of all titles."""
        return iter(read_tags(self._storage))

    def uncertain(self, *, task: str | None = None, n: int = 20) -> list[Tag]:
        """The `n` tags nearest to their threshold, for a person to judge."""
        return uncertain_tags(self._storage, task=task, n=n)

    def answer(
        self, answers: Sequence[Feedback], *, device: DeviceChoice = "auto"
    ) -> list[ReviewOutcome]:
        """Learn from a person's judgements: they become labels, and probes are fitted again.

        Raises:
            NotFound: Nobody proposed such a tag.
            InvalidInput: A tag is both accepted and rejected.
        """
        return answer_tags(self._storage, answers, device=device)


class Spaces:
    """Versions of vectors, and which of them is live: `store.spaces`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def __iter__(self) -> Iterator[Space]:
        """Every version of every space, oldest first."""
        return iter(self._storage.spaces())

    def live(self, name: str) -> Space:
        """The version in use.

        Raises:
            NotFound: The space has none.
        """
        return self._storage.live(name)

    def promote(
        self, name: str, version: int | None = None, *, force: bool = False
    ) -> PromotionResult:
        """Make a version live if it passes its gates.

        Args:
            name: "fused" or "context".
            version: Default: the newest.
            force: Make it live even if a gate fails, and record that.

        Raises:
            GateFailed: A gate failed; the version before stays live.
            NotFound: There is no such version.
        """
        return promote(self._storage, name, version, force=force)

    def rollback(self, name: str) -> PromotionResult:
        """Make the version live that was live before.

        Raises:
            NotFound: There is none.
        """
        return rollback(self._storage, name)

    def retire(self, name: str, version: int) -> list[Space]:
        """Delete the vectors of a version that is not live; return what was retired.

        Raises:
            InvalidInput: It is live.
        """
        return retire(self._storage, name, version)

    def backfill(
        self,
        encoders: Sequence[str],
        options: BackfillOptions = BackfillOptions(),  # noqa: B008 - frozen
        *,
        device: DeviceChoice = "auto",
        workers: int | None = None,
        engine: str = "threads",
    ) -> BackfillResult:
        """Write the vectors of other encoders for all titles: see `backfill`."""
        loaded = load_encoders(encoders, device=device, store=self._storage)
        return backfill(self._storage, loaded, options, workers=workers, engine=engine)


class Indexes:
    """Approximate indexes, which make searches of large stores fast: `store.indexes`."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def build(
        self,
        config: IndexConfig | None = None,
        *,
        space: str | None = None,
        device: DeviceChoice = "auto",
        engine: str = "threads",
        workers: int | None = None,
        on_vectors: Callable[[int, int], None] = lambda done, total: None,
    ) -> list[IndexStatus]:
        """Build the index of a space, or of all live spaces, and measure it.

        Args:
            config: Kind and recall to reach; default: by the number of vectors.
            space: Name of a space; default: all that are searched.
            device: Where it is built.
            engine: What runs the workers: see `Store.ingest`.
            workers: Shards that are built at the same time.
            on_vectors: Called with how many vectors are done, and of how many.

        Returns:
            The state of each index, with its recall.

        Raises:
            NotFound: The space has no live version.
        """
        return build_indexes(
            self._storage,
            spaces_to_index(self._storage, space and [space]),
            config,
            device=device,
            engine=engine,
            workers=workers,
            on_vectors=on_vectors,
        )

    def refresh(
        self, *, space: str | None = None, device: DeviceChoice = "auto"
    ) -> list[IndexStatus]:
        """Add new titles to the indexes that there are."""
        return refresh_indexes(
            self._storage, spaces_to_index(self._storage, space and [space]), device=device
        )

    def status(self) -> Mapping[str, IndexStatus]:
        """The state of the index of each live space, by the space's name."""
        return {s.name: index_status(self._storage, s) for s in searchable(self._storage)}
