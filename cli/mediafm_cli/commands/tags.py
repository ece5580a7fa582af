"""mediafm tags: tags of titles, proposed and reviewed."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mediafm_cli.completion import complete_tasks
from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Count,
    Device,
    EncoderNames,
    Engine,
    SomeTitles,
    StorePath,
    Workers,
    open_store,
)
from mediafm_cli.output import Row, emit, is_terminal, say
from mediafm_cli.progress import progress_bar

if TYPE_CHECKING:
    from mediafm_store.tags.review import Feedback
    from mediafm_store.tags.tag import Tag

app = typer.Typer(
    name="tags",
    no_args_is_help=True,
    help="Tags of titles: by probes, or from similar titles and names where there are none yet.",
)
_KEYS = ("y", "n", "s", "q")
_Task = Annotated[
    str | None,
    typer.Option(
        help="The probe of this task alone; default: of all tasks.", autocompletion=complete_tasks
    ),
]


@app.command(
    epilog="Examples: mediafm tags apply; mediafm tags apply sintel --k 3; mediafm tags apply"
    " --name 'car chase'"
)
def apply(
    titles: SomeTitles = None,
    store: StorePath = DEFAULT_STORE,
    task: _Task = None,
    name: Annotated[
        list[str] | None,
        typer.Option(help="A tag that is looked for by its name; may be repeated."),
    ] = None,
    k: Annotated[
        int, typer.Option("--k", "-k", min=1, help="Without a probe, the most tags of a title.")
    ] = 5,
    encoder: EncoderNames = None,
    workers: Workers = None,
    engine: Engine = "threads",
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Propose tags of titles: by default of all that lack them.

    Tags are stored with score, threshold and what speaks for each. The --workers of an --engine
    apply probes, a thousand titles each; other tags are found by this process.
    """
    from mediafm_store.encoding import load_encoders
    from mediafm_store.tags.apply import apply_tags, tag_by_name

    if name and (engine != "threads" or workers is not None):
        raise typer.BadParameter(
            "--name is searched for by this process; leave out --engine and --workers"
        )
    opened = open_store(store)
    looked_at = len(titles or opened.revisions()) if name else 0
    if name:
        encoders = load_encoders(encoder or (), device=device, store=opened)
        found = tag_by_name(opened, name, titles, encoders=encoders, device=device)
    else:
        with progress_bar(" titles/s") as update:

            def report(source: str, done: int, total: int) -> None:
                nonlocal looked_at
                looked_at = max(looked_at, total)
                update(source, done, total)

            found = apply_tags(
                opened,
                titles,
                task=task,
                top=k,
                workers=workers,
                engine=engine,
                on_titles=report,
            )
    _print(found, as_json)
    if not found and looked_at:
        say(f"No new tags: nothing speaks for one in the {looked_at} titles that were looked at.")
    elif not found:
        say(
            "No new tags: every title is tagged or labelled already; name titles to tag them again."
        )


@app.command("list", epilog="Examples: mediafm tags list sintel; mediafm tags list --task genre")
def list_tags(
    titles: SomeTitles = None,
    store: StorePath = DEFAULT_STORE,
    task: _Task = None,
    as_json: AsJson = False,
) -> None:
    """List the tags that titles have."""
    opened = open_store(store)
    from mediafm_store.tags.tag import read_tags
    from mediafm_store.titles.naming import find_titles

    titles = titles and find_titles(opened, titles)
    there = [
        one
        for one in read_tags(opened)
        if (not titles or one.title in titles) and task in (None, one.task)
    ]
    _print(there, as_json)
    if not there:
        say("No tags: `mediafm tags apply` proposes some.")


@app.command(
    epilog="Examples: mediafm tags review --k 5; mediafm tags review --accept 'sintel=Fantasy'"
    " --reject 'sintel=Western'"
)
def review(
    store: StorePath = DEFAULT_STORE,
    task: _Task = None,
    k: Count = 20,
    accept: Annotated[
        list[str] | None,
        typer.Option(help="Answer to a proposal; may be repeated.", metavar="TITLE=TAG"),
    ] = None,
    reject: Annotated[
        list[str] | None, typer.Option(help="The same, if it is wrong.", metavar="TITLE=TAG")
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """List the most uncertain tags and, on a terminal, ask about each.

    Answers become labels; the probe is fitted again and tags the titles again.
    """
    opened = open_store(store)
    from mediafm_store.tags.review import answer_tags, uncertain_tags

    given = list(_answers(accept, reject))
    if not given:
        found = uncertain_tags(opened, task=task, n=k)
        if as_json or not found or not is_terminal():
            _print(found, as_json)
            if not found:
                say("Nothing to review: `mediafm tags apply` proposes tags.")
            return
        given = list(_asked(found))
    if not given:
        return
    with progress_bar("") as update:
        learnt = answer_tags(opened, given, device=device, on_step=update)
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


def _print(tags: "Sequence[Tag]", as_json: bool) -> None:
    """A line a tag."""
    rows = [asdict(one) | {"applies": one.applies} for one in tags]
    emit(rows, as_json=as_json, table=_tag_cells, fold="evidence")


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
    """Answers given on the command line."""
    from mediafm_store.tags.review import Feedback

    for given, yes in ((accept, True), (reject, False)):
        for pair in given or ():
            title, equals, name = pair.partition("=")
            if not equals or not name:
                raise typer.BadParameter(f"{pair!r} is not TITLE=TAG, as in 'sintel=Fantasy'")
            yield Feedback(title, name, yes)


def _tag_cells(row: Row) -> Row:
    """Table cells of a tag."""
    return {
        "title": row["title"],
        "tag": row["tag"],
        "score": row["score"],
        "applies": "yes" if row["applies"] else "maybe",
        "from": row["source"],
        "evidence": row["evidence"],
    }
