"""A title of a store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from mediafm_store.ad_breaks.ad_break import AdBreak
from mediafm_store.ad_breaks.constraints import USUAL, BreakConstraints
from mediafm_store.ad_breaks.rank import rank_breaks
from mediafm_store.break_files.export import write_breaks
from mediafm_store.clips.clip import Clip
from mediafm_store.clips.cut import cut
from mediafm_store.report.pages import write_title_page
from mediafm_store.scenes.scenes import Scene, find_scenes
from mediafm_store.segments import segment_of_times
from mediafm_store.storage.storage import Storage
from mediafm_store.tags.tag import Tag, read_tags
from mediafm_store.timelines.segment import Segment
from mediafm_store.titles.editing import remove_titles, rename_title


class StoredTitle:
    """A title of a store: `store["sintel"]`."""

    def __init__(self, storage: Storage, title: str) -> None:
        self._storage = storage
        self.id = title
        """The title's id, as tables have it."""

    def __repr__(self) -> str:
        """Id, name and length."""
        row = self.metadata
        return f"<StoredTitle {self.id!r}: {row['name']}, {row['duration_s']:.0f} s>"

    @property
    def metadata(self) -> Mapping[str, Any]:
        """The row of the title in the table `titles`: name, synopsis, genres, media and so on.

        Raises:
            NotFound: The title was removed.
        """
        return self._storage.title(self.id)

    @property
    def name(self) -> str:
        """Display name of the title; its id where it has none."""
        return str(self.metadata["name"] or self.id)

    def shots(self) -> pl.DataFrame:
        """The shots in play order: times in seconds, words, what is seen and heard."""
        return self._storage.shots(self.id)

    def cues(self) -> pl.DataFrame:
        """The subtitles in play order."""
        return self._storage.cues(self.id)

    def scenes(self) -> list[Scene]:
        """The scenes in play order.

        Raises:
            NotFound: The title has no vectors.
        """
        return find_scenes(self._storage, self.id)

    def tags(self) -> list[Tag]:
        """The proposed tags, best first."""
        return [tag for tag in read_tags(self._storage) if tag.title == self.id]

    def ad_breaks(
        self, constraints: BreakConstraints = USUAL, *, k: int | None = 5
    ) -> list[AdBreak]:
        """The best places for ad breaks.

        Args:
            constraints: Where no break may be, and how far breaks keep from each other.
            k: Number of breaks; None for all that the constraints allow.

        Returns:
            The breaks, best first, each with its reasons.

        Raises:
            InvalidInput: The title has no vectors.
        """
        return rank_breaks(self._storage, self.id, constraints=constraints, k=k)

    def write_ad_breaks(
        self,
        path: str | Path,
        breaks: Sequence[AdBreak] | None = None,
        *,
        break_s: float | None = None,
    ) -> None:
        """Write ad breaks for ad servers, players or editors.

        Args:
            path: The suffix says the format, such as `.vmap`, `.scte35`, `.edl`, `.vtt`.
            breaks: Default: `ad_breaks()`.
            break_s: Length of a break in seconds.

        Raises:
            InvalidInput: The file cannot be written.
        """
        found = self.ad_breaks() if breaks is None else breaks
        write_breaks(path, self._storage, {self.id: found}, break_s=break_s)

    def segment(self, start_s: float, end_s: float) -> Segment:
        """A part of the title, from one second to another.

        Raises:
            InvalidInput: The times are not in the title.
        """
        return segment_of_times(self._storage, self.id, start_s, end_s)

    def cut(self, start_s: float, end_s: float, *, into: str | Path) -> Clip:
        """Cut a clip out of the film, exact to the frame.

        Args:
            start_s: Where it begins, in seconds.
            end_s: Where it ends, in seconds.
            into: The folder to write to.

        Returns:
            The clip: its file and times.

        Raises:
            InvalidInput: The times are not in the title, or the film cannot be read.
        """
        (clip,) = cut([self.segment(start_s, end_s)], into)
        return clip

    def to_html(self, path: str | Path) -> None:
        """Write a page of the title: timeline, scenes, words and ad breaks.

        Raises:
            InvalidInput: The file cannot be written.
        """
        write_title_page(path, store=self._storage, title=self.id)

    def rename(self, name: str) -> None:
        """Call the title something else; its id stays.

        Raises:
            InvalidInput: The name is empty.
        """
        rename_title(self._storage, self.id, name)

    def remove(self) -> None:
        """Remove the title with its shots, vectors, labels and tags. The film stays."""
        remove_titles(self._storage, [self.id])
