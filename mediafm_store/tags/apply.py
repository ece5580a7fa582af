"""Write tags for titles that lack them."""

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import polars as pl

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.encoding import DeviceChoice
from mediafm_store.engines import Engine, Tell, engine_of
from mediafm_store.errors import InvalidInput
from mediafm_store.labels.labels import FILE
from mediafm_store.probing.registry import Probe, by_chance, newest_probe, space_of, tasks
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.sql import one_of, quoted
from mediafm_store.tags.by_name import from_names
from mediafm_store.tags.by_neighbours import from_neighbours, known_tags, title_vectors
from mediafm_store.tags.by_probe import from_probe
from mediafm_store.tags.tag import NEIGHBOURS, PROPOSALS, REVIEW, Tag, answered, write_tags
from mediafm_store.titles.naming import find_titles

log = logging.getLogger("mediafm_store")
_AT_ONCE = 1000
"""Titles that are written in one commit: a kill costs at most their tags, which come again."""
OnTitles = Callable[[str, int, int], None]
"""Told where tags come from, how many titles are done, and of how many."""


def apply_tags(
    store: Storage,
    titles: Sequence[str] | None = None,
    *,
    task: str | None = None,
    top: int = 5,
    workers: int | None = None,
    engine: str = "threads",
    on_titles: OnTitles = lambda source, done, total: None,
) -> list[Tag]:
    """Write tags of titles, by probes or, where there are none yet, by the most similar titles.

    Tags are written a thousand titles at a time, so a run that was cut off continues where it was.

    Args:
        store: Where titles are read and tags written.
        titles: Titles by id or name; default: all that lack tags.
        task: Use the newest probe of this task alone; default: of each task whose labels are tags
            of titles.
        top: Without a probe, tags come from at most as many similar titles that have tags.
        workers: How many thousands of titles are worked on at the same time.
        engine: What runs the workers (see `engine_of`); each reads the store itself.
        on_titles: Called with where tags come from, how many titles are done, and of how many.

    Returns:
        The tags that were written.

    Raises:
        NotFound: A title, or the probe of `task`, does not exist.
        InvalidInput: There is nothing to learn from, or no probe is better than chance.
    """
    store.check_writable()
    titles = None if titles is None else find_titles(store, titles)
    chosen = [newest_probe(store, task)] if task else _of_titles(store)
    if task and not _tags_titles(chosen[0]):
        raise InvalidInput(
            f"probe {chosen[0].name} does not tag titles: that needs labels of titles, with names,"
            f" and it has {chosen[0].kind} of {chosen[0].level}; `mediafm probes apply {task}` says"
            " what it makes of them"
        )
    chosen = _better_than_chance(chosen)
    found: list[Tag] = []
    with engine_of(engine, workers=workers) as runs_on:
        if all(probe.task == PROPOSALS for probe in chosen) and not task:
            found += _by_neighbours(store, titles, top, on_titles, optional=bool(chosen))
        for probe in chosen:
            found += _by_probe(store, probe, titles, runs_on, on_titles)
    return found


def tag_by_name(
    store: Storage,
    names: Sequence[str],
    titles: Sequence[str] | None = None,
    *,
    encoders: Encoders | None = None,
    device: DeviceChoice = "auto",
) -> list[Tag]:
    """Write tags of titles that have shots which the name of a tag describes.

    Args:
        store: Where titles are read and tags written.
        names: The tags, in words that say what is seen or heard, as "car chase".
        titles: Titles by id or name; default: all.
        encoders: What reads the names; default: those that made the store's vectors.
        device: Where encoders run.

    Returns:
        The tags that were written, best first within a title.

    Raises:
        NotFound: A title does not exist.
        InvalidInput: A name is empty.
    """
    store.check_writable()
    wanted = list(store.revisions()) if titles is None else find_titles(store, titles)
    tags = from_names(store, wanted, names, encoders=encoders, device=device)
    named = f"task = {quoted(PROPOSALS)} AND {one_of('tag', list(names))}"
    return write_tags(store, wanted, tags, instead=named)


@dataclass(frozen=True)
class _Probed:
    """The stage of tagging: what a probe says of some titles. It reads the store."""

    store: Storage
    probe: Probe

    def __call__(self, titles: Sequence[str], tell: Tell) -> list[Tag]:  # noqa: ARG002
        """Raises NotFound where a worker does not see the store."""
        return from_probe(self.store, self.probe, titles)


def _by_probe(
    store: Storage,
    probe: Probe,
    titles: Sequence[str] | None,
    engine: Engine,
    on_titles: OnTitles,
) -> list[Tag]:
    """Write and return the tags of titles that no file has labelled, in the order of the titles."""
    own = f"task = {quoted(probe.task)} AND source LIKE '% v%'"
    known = _titles_labelled(store, probe)
    write_tags(store, known, [], instead=own)
    asked = _lacking(store, probe) if titles is None else titles
    wanted = [t for t in asked if t not in known]
    if titles and (told := known.intersection(titles)):
        log.warning("labels of %s say it already: %s", probe.task, ", ".join(sorted(told)[:5]))
    found: defaultdict[str, list[Tag]] = defaultdict(list)
    done = 0
    with closing(engine.run(_Probed(store, probe), _parts(wanted))) as outcomes:
        for outcome in outcomes:
            part, tags = outcome.item, outcome.get()
            _warn_of_missing(part, {t.title for t in tags})
            for tag in write_tags(store, part, tags, instead=own):
                found[tag.title].append(tag)
            on_titles(probe.name, done := done + len(part), len(wanted))
    return [tag for title in wanted for tag in found[title]]


def _of_titles(store: Storage) -> list[Probe]:
    """The newest probe of each task that tags titles."""
    return [
        probe
        for probe in (newest_probe(store, task) for task in tasks(store))
        if _tags_titles(probe)
    ]


def _better_than_chance(chosen: Sequence[Probe]) -> list[Probe]:
    """Without probes no better than a guess, with a warning; InvalidInput if none is left."""
    told = {probe.name: by_chance(probe) for probe in chosen}
    poor = [
        f"probe {probe.name} is no better than chance ({told[probe.name]}), so it tags nothing;"
        f" label more titles, of more series, and `mediafm probes fit {probe.task}`"
        for probe in chosen
        if told[probe.name]
    ]
    if poor and len(poor) == len(chosen):
        raise InvalidInput("; ".join(poor))
    for one in poor:
        log.warning("%s", one)
    return [probe for probe in chosen if not told[probe.name]]


def _tags_titles(probe: Probe) -> bool:
    """True if a probe predicts names that titles have or have not."""
    return probe.level == "titles" and probe.kind == "tags" and all(probe.labels)


def _lacking(store: Storage, probe: Probe) -> list[str]:
    """Titles that this version of a probe has not tagged in their current revision.

    Titles for which people have answered everything that the probe could say are left out.
    """
    space_of(store, probe)
    counts = Counter(title for task, title, _ in answered(store) if task == probe.task)
    left = _untagged(store, f"source = {quoted(probe.name)}")
    return [title for title in left if counts[title] < len(probe.labels)]


def _titles_labelled(store: Storage, probe: Probe) -> set[str]:
    """The titles of which a file says which tags of the task they have."""
    task = f"task = {quoted(probe.task)} AND source = {quoted(FILE)}"
    return set(store.rows("labels", task)["title"])


def _untagged(store: Storage, where: str) -> list[str]:
    """The titles that have no tags of some kind, or only such as are older than the title."""
    tagged = store.rows("tags", where).group_by("title").agg(pl.col("proposed_at").max())
    last = dict(tagged.iter_rows())
    ingested = store.titles().select("id", "ingested_at").iter_rows()
    return [title for title, at in ingested if title not in last or last[title] < at]


def _by_neighbours(
    store: Storage,
    titles: Sequence[str] | None,
    top: int,
    on_titles: OnTitles,
    *,
    optional: bool,
) -> Iterator[Tag]:
    """Tags of the most similar titles, for those that have none of their own."""
    known = known_tags(store)
    if optional and not any(known.values()):
        return
    voted = f"task = {quoted(PROPOSALS)} AND {one_of('source', [NEIGHBOURS, REVIEW])}"
    wanted = titles
    if wanted is None:
        wanted = [t for t in _untagged(store, voted) if not known[t]]
    ids = set(title_vectors(store)[0])
    _warn_of_missing(wanted, ids)
    there = [title for title in wanted if title in ids]
    if wanted:
        on_titles("similar titles", 0, len(wanted))
    done = 0
    tags = from_neighbours(store, there, top=top)
    for part in _parts(there):
        found = [tag for _ in part for tag in next(tags)]
        written = write_tags(store, part, found, instead=f"source = {quoted(NEIGHBOURS)}")
        on_titles("similar titles", done := done + len(part), len(there))
        yield from written


def _parts(titles: Sequence[str]) -> Iterator[Sequence[str]]:
    """So many as are written at once."""
    for start in range(0, len(titles), _AT_ONCE):
        yield titles[start : start + _AT_ONCE]


def _warn_of_missing(wanted: Sequence[str], there: set[str]) -> None:
    """Say which titles have no vectors."""
    if without := [title for title in wanted if title not in there]:
        more = f" and {len(without) - 5} more" if len(without) > 5 else ""
        log.warning("no vectors yet of %s%s; run `mediafm embed`", ", ".join(without[:5]), more)
