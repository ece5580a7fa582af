"""An embedding store: a catalogue's titles, shots and vectors, and everything done with them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ads.ad_matching import AdMatch, match_ads
from mediafm_store.ads.ads import Ad, read_ads
from mediafm_store.embedding.embed import EmbedResult, embed
from mediafm_store.encoding import DeviceChoice, load_encoders
from mediafm_store.evaluation.model import ModelReport, evaluate_model
from mediafm_store.health import CheckResult, doctor
from mediafm_store.importing.importer import import_features
from mediafm_store.importing.options import ImportOptions
from mediafm_store.ingestion.ingest import IngestResult, ingest
from mediafm_store.ingestion.options import IngestOptions
from mediafm_store.ingestion.worker import IngestProgress
from mediafm_store.report.pages import write_atlas_page
from mediafm_store.retrieval.query import SearchOptions, SearchQuery
from mediafm_store.retrieval.search import search
from mediafm_store.store.groups import Indexes, Labels, Probes, Spaces, Tags
from mediafm_store.store.hits import Hits
from mediafm_store.store.store_reader import StoreReader
from mediafm_store.titles.editing import remove_titles
from mediafm_store.titles.naming import find_shot
from mediafm_store.training.run import Step, TrainConfig
from mediafm_store.training.train import TrainReport, train


class Store(StoreReader):
    """An embedding store: open it with `mediafm_store.open`.

    `store["sintel"]` is a title, by its id, its name or its file's name; `len(store)` is the number
    of titles, and iterating gives them. Several programs may use a store at the same time.
    """

    @cached_property
    def labels(self) -> Labels:
        """Labels that people give to titles, shots and segments."""
        return Labels(self.storage)

    @cached_property
    def probes(self) -> Probes:
        """Light classifiers over the vectors."""
        return Probes(self.storage)

    @cached_property
    def tags(self) -> Tags:
        """Tags of titles."""
        return Tags(self.storage)

    @cached_property
    def spaces(self) -> Spaces:
        """Versions of vectors, and which of them is live."""
        return Spaces(self.storage)

    @cached_property
    def indexes(self) -> Indexes:
        """Approximate indexes."""
        return Indexes(self.storage)

    def ingest(
        self,
        paths: str | Path | Iterable[str | Path],
        options: IngestOptions = IngestOptions(),  # noqa: B008 - frozen
        *,
        encoders: Sequence[str] = (),
        workers: int | None = None,
        engine: str = "threads",
        on_progress: Callable[[IngestProgress], None] = lambda progress: None,
        on_title: Callable[[IngestResult], None] = lambda result: None,
    ) -> list[IngestResult]:
        """Ingest videos: cut them into shots, encode these, and write titles into the store.

        A title that fails does not stop the others. Titles whose files have not changed are left
        alone.

        Args:
            paths: Videos, and folders that are searched for videos.
            options: How titles are cut and encoded.
            encoders: Names of encoder plug-ins; default: those that made the store's vectors.
            workers: Titles that are ingested at the same time; default: by the number of cores.
            engine: "threads", "ray" (processes of this machine) or "ray://HOST:PORT" (a cluster).
            on_progress: Called while a film is decoded.
            on_title: Called with each result as it comes.

        Returns:
            A result for each video; `error` says why one failed.

        Raises:
            InvalidInput: A path does not exist, or a value cannot be used.
            SpaceMismatch: The store's vectors were made by other encoders.
        """
        return ingest(
            self.storage,
            paths,
            options,
            encoders=load_encoders(encoders, store=self.storage) if encoders else None,
            workers=workers,
            engine=engine,
            on_progress=on_progress,
            on_title=on_title,
        )

    def import_features(
        self,
        files: str | Path | Iterable[str | Path],
        options: ImportOptions = ImportOptions(),  # noqa: B008 - frozen
        *,
        on_title: Callable[[IngestResult, int, int], None] = lambda result, done, total: None,
    ) -> list[IngestResult]:
        """Import vectors made elsewhere, from `.npz`, `.parquet` or `.lance`.

        Args:
            files: Files, and folders that are searched for files.
            options: What arrays and columns are called, and what made them.
            on_title: Called with each result, how many titles are done, and of how many.

        Returns:
            A result for each title.

        Raises:
            InvalidInput: The files do not go together, or not into this store.
        """
        return import_features(self.storage, files, options, on_title=on_title)

    def train(
        self,
        preset: str = "base",
        config: TrainConfig | None = None,
        *,
        device: DeviceChoice = "auto",
        on_step: Callable[[Step], None] = lambda step: None,
    ) -> TrainReport:
        """Train the contextual model on the store by masked shot modelling.

        Args:
            preset: Size of the model: "tiny", "small" or "base".
            config: Steps, rates and seed; default: those of `TrainConfig`.
            device: Where to train.
            on_step: Called after each step.

        Returns:
            The checkpoint, and how well it predicts masked shots of titles held out.

        Raises:
            InvalidInput: The preset is unknown, or too few titles have two or more shots.
        """
        return train(self.storage, preset=preset, config=config, device=device, on_step=on_step)

    def embed(
        self,
        checkpoint: str | Path | None = None,
        *,
        go_live: bool = True,
        device: DeviceChoice = "auto",
        workers: int | None = None,
        on_title: Callable[[str, int, int], None] = lambda title, done, total: None,
    ) -> EmbedResult:
        """Write contextual vectors of all shots and titles.

        Args:
            checkpoint: A trained model; default: the newest.
            go_live: Make the vectors live if they pass their gates.
            device: Where the model runs.
            workers: Titles that are embedded at the same time.
            on_title: Called with a title, how many are done, and of how many.

        Returns:
            The new version, and its counts.

        Raises:
            NotFound: There is no checkpoint.
            InvalidInput: The checkpoint does not go with the store's vectors.
        """
        return embed(
            self.storage,
            checkpoint=checkpoint,
            go_live=go_live,
            device=device,
            workers=workers,
            on_title=on_title,
        )

    def search(
        self,
        query: str | SearchQuery,
        options: SearchOptions = SearchOptions(),  # noqa: B008 - frozen
        *,
        encoders: Sequence[str] = (),
        device: DeviceChoice = "auto",
    ) -> Hits:
        """Find the shots, scenes or titles that match a query best.

        Args:
            query: Words for what is seen, heard or said, as "a snowy mountain"; or a `SearchQuery`.
            options: How many results, of which kind, and how they are compared.
            encoders: Names of encoder plug-ins; default: those that made the store's vectors.
            device: Where encoders run.

        Returns:
            The results, best first; none if the best is no good match.

        Raises:
            NotFound: A shot, title or file of the query does not exist.
            InvalidInput: The query or an option cannot be used.
        """
        asked = SearchQuery(text=query) if isinstance(query, str) else query
        if asked.shot is not None:  # as tables have it, which the results lead on with
            asked = replace(asked, shot=find_shot(self.storage, asked.shot))
        loaded = load_encoders(encoders, device=device, store=self.storage) if encoders else None
        ranked = search(self.storage, asked, options, encoders=loaded, device=device)
        return Hits(self.storage, asked, ranked, unit=options.unit)

    def similar(
        self,
        example: str,
        options: SearchOptions = SearchOptions(),  # noqa: B008 - frozen
        *,
        device: DeviceChoice = "auto",
    ) -> Hits:
        """Find what is like an example.

        Args:
            example: A shot ("sintel/00042"), a title, a segment ("sintel@0:03:10-0:03:40") or a
                file of any kind.
            options: How many results, of which kind, and how they are compared.
            device: Where encoders run.

        Returns:
            The results, best first.

        Raises:
            NotFound: The example does not exist.
        """
        return self.search(SearchQuery(like=[example]), options, device=device)

    def match_ads(
        self,
        breaks: Mapping[str, Sequence[AdBreak]],
        ads: str | Path | Sequence[Ad],
        *,
        break_s: float | None = None,
        device: DeviceChoice = "auto",
    ) -> list[AdMatch]:
        """Say which ad fits which break.

        Args:
            breaks: Of each title, by its id.
            ads: A file of ads, or the ads.
            break_s: Length of a break in seconds; longer ads are left out.
            device: Where encoders run.

        Returns:
            A match for each break and ad, with its reasons.

        Raises:
            InvalidInput: An ad cannot be used.
        """
        known = read_ads(ads) if isinstance(ads, str | Path) else ads
        return match_ads(self.storage, breaks, known, break_s=break_s, device=device)

    def evaluate(
        self, checkpoint: str | Path | None = None, *, device: DeviceChoice = "auto"
    ) -> ModelReport:
        """Measure a contextual model on titles held out, beside trivial baselines."""
        return evaluate_model(self.storage, checkpoint=checkpoint, device=device)

    def map_to_html(self, path: str | Path) -> None:
        """Write a page of all shots in a plane, like shots close together."""
        write_atlas_page(path, store=self.storage)

    def remove(self, titles: Iterable[str]) -> None:
        """Remove titles with their shots, vectors, labels and tags. The films stay.

        Raises:
            NotFound: There is no such title; nothing is removed.
        """
        remove_titles(self.storage, titles)

    def check(self, *, fix: bool = False) -> list[CheckResult]:
        """Check the store for damage, and mend what can be mended if `fix` is true."""
        return doctor(self.storage, fix=fix)
