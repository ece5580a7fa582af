"""mediafm tag."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    Engine,
    StorePath,
    Workers,
    open_store,
)
from mediafm_cli.output import Row, emit, is_terminal, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.storage.storage import Storage
    from mediafm_store.tags.review import Feedback
    from mediafm_store.tags.tag import Tag

EXAMPLE = (
    "Examples: mediafm tag apply; mediafm tag list sintel; mediafm tag apply --name 'car chase';"
    " mediafm tag review; mediafm tag review --accept 'sintel=Fantasy' --reject 'sintel=Western'"
)

_KEYS = ("y", "n", "s", "q")

ONLY = {
    "titles": ("apply", "list"),
    "task": ("apply", "list", "review"),
    **dict.fromkeys(("name", "top", "encoder", "workers", "engine"), ("apply",)),
    **dict.fromkeys(("n", "accept", "reject"), ("review",)),
    "device": ("apply", "review"),
}
"""Parameters that only some actions use."""


def tag(
    action: Annotated[Literal["apply", "list", "review"], typer.Argument(help="What to do.")],
    titles: Annotated[
        list[str] | None,
        typer.Argument(
            help="Titles, by id or name; default: those that lack tags, or, to list, all."
        ),
    ] = None,
    store: StorePath = DEFAULT_STORE,
    task: Annotated[
        str | None, typer.Option(help="The probe of this task alone; default: of all tasks.")
    ] = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A tag that is looked for by its name; may be repeated."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=1, help="Without a probe, at most so many tags a title.")
    ] = 5,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="How many to review.")] = 20,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Answer to a proposal; may be repeated.", metavar="TITLE=TAG"),
    ] = None,
    reject: Annotated[
        list[str] | None,
        typer.Option(help="The same, if it is wrong.", metavar="TITLE=TAG"),
    ] = None,
    encoder: EncoderNames = None,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Tags of titles: by probes, or from similar titles and names where there are none yet.

    `apply` writes them to the table `tags`, with score, threshold and what speaks for each; `list`
    shows what is there. `_review` lists the most uncertain ones, and on a terminal asks about each;
    answers become labels, the probe is fitted anew and tags the titles again. The --workers of an
    --engine apply probes, a thousand titles each; other tags are found by this process.
    """
    if name and (engine != "threads" or workers is not None):
        raise typer.BadParameter(
            "--name is searched for by this process; leave out --engine and --workers"
        )
    opened = open_store(store)
    if action == "list":
        from mediafm_store.tags.tag import read_tags
        from mediafm_store.titles.naming import find_titles

        titles = titles and find_titles(opened, titles)
        there = [
            one
            for one in read_tags(opened)
            if (not titles or one.title in titles) and task in (None, one.task)
        ]
        emit([_tag_row(one) for one in there], as_json=as_json, table=_tag_cells, fold="evidence")
        if not there:
            say("No tags: `mediafm tag apply` proposes some.")
        return
    if action == "review":
        _review(opened, task, n, list(_answers(accept, reject)), device, as_json)
        return
    from mediafm_store.encoding import load_encoders
    from mediafm_store.tags.apply import apply_tags, tag_by_name

    looked_at = len(titles or opened.revisions()) if name else 0
    with progress_bar(" titles/s") as update:

        def report(source: str, done: int, total: int) -> None:
            nonlocal looked_at
            looked_at = max(looked_at, total)
            update(source, done, total)

        if name:
            encoders = load_encoders(encoder or (), device=device, store=opened)
            found = tag_by_name(opened, name, titles, encoders=encoders, device=device)
        else:
            found = apply_tags(
                opened,
                titles,
                task=task,
                top=top,
                workers=workers,
                engine=engine,
                on_titles=report,
            )
    emit([_tag_row(one) for one in found], as_json=as_json, table=_tag_cells, fold="evidence")
    if not found and looked_at:
        say(f"No new tags: nothing speaks for one in the {looked_at} titles that were looked at.")
    elif not found:
        say("No new tags: every title is tagged or labelled already; name titles to tag them anew.")


def _review(
    store: "Storage",
    task: str | None,
    n: int,
    given: "list[Feedback]",
    device: Device,
    as_json: bool,
) -> None:
    """List what is uncertain, or take answers and learn from them."""
    from mediafm_store.tags.review import answer_tags, uncertain_tags

    if not given:
        found = uncertain_tags(store, task=task, n=n)
        if as_json or not found or not is_terminal():
            emit(
                [_tag_row(one) for one in found], as_json=as_json, table=_tag_cells, fold="evidence"
            )
            if not found:
                say("Nothing to review: `mediafm tag apply` proposes tags.")
            return
        given = list(_asked(found))
    if not given:
        return
    with progress_bar("") as update:
        learnt = answer_tags(store, given, device=device, on_step=update)
    rows = [
        {
            "task": one.task,
            "answers": one.answers,
            "probe": one.probe.name if one.probe else None,
            "tags": one.tags,
            "reason": one.reason,
        }
        for one in learnt
    ]
    emit(rows, as_json=as_json)


def _asked(found: "list[Tag]") -> "Iterator[Feedback]":
    """Ask a person about each, until they have had enough."""
    from mediafm_store.tags.review import Feedback

    say("y: the title has the tag, n: it has not, s: skip, q: enough")
    for number, one in enumerate(found, start=1):
        say(
            f"{number} of {len(found)}: is {one.title} {one.tag!r}? ({one.score:.2f}, from"
            f" {one.threshold:.2f} on it is) because of {', '.join(one.evidence)}"
        )
        said = ""
        while said not in _KEYS:
            said = typer.prompt("y/n/s/q", default="s", err=True).strip().lower()[:1]
        if said == "q":
            return
        if said in ("y", "n"):
            yield Feedback(one.title, one.tag, said == "y")


def _answers(accept: list[str] | None, reject: list[str] | None) -> "Iterator[Feedback]":
    """Those of the command line."""
    from mediafm_store.tags.review import Feedback

    for given, yes in ((accept, True), (reject, False)):
        for pair in given or ():
            title, equals, name = pair.partition("=")
            if not equals or not name:
                raise typer.BadParameter(f"{pair!r} is not TITLE=TAG, as in 'sintel=Fantasy'")
            yield Feedback(title, name, yes)


def _tag_row(one: "Tag") -> Row:
    """A tag as a row."""
    return asdict(one) | {"applies": one.applies}


def _tag_cells(row: Row) -> Row:
    """What a table shows of a tag."""
    return {
        "title": row["title"],
        "tag": row["tag"],
        "score": row["score"],
        "applies": "yes" if row["applies"] else "maybe",
        "from": row["source"],
        "evidence": row["evidence"],
    }
