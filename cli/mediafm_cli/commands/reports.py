"""mediafm reports: everything that was measured."""

from typing import Annotated

import typer

from mediafm_cli.options import DEFAULT_STORE, AsJson, Html, StorePath, open_store
from mediafm_cli.output import emit, say, wrote
from mediafm_cli.rows.reports import (
    difference_cells,
    difference_row,
    listed_differences,
    series_cells,
    series_row,
)

app = typer.Typer(
    name="reports",
    no_args_is_help=True,
    help="Show everything that was measured, over versions.\n\n"
    "Models, probes, indexes and searches leave their figures in the store when they are"
    " evaluated.",
)
_Version = "Of a probe (genre_v1), of a space (context_v1), or a checkpoint (0001)."


@app.command(epilog="Examples: mediafm reports show; mediafm reports show --html board.html")
def show(
    store: StorePath = DEFAULT_STORE,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Show the newest figures, and whether they got better.

    The page has them over versions, in context against isolated, tag by tag, with confusion,
    calibration, training curves, the recall of the indexes, and what the catalogue has.
    """
    from mediafm_store.evaluation.history import dashboard, series_of

    opened = open_store(store)
    if html is not None:
        from mediafm_store.report.evaluation_page import write_board_page

        write_board_page(html, store=opened, board=dashboard(opened), comparison=None)
        wrote(html)
        return
    series = series_of(opened.rows("evaluations").to_dicts())
    if not series:
        say("Nothing was measured yet: try `mediafm evaluate model`, or `mediafm index build`.")
    # Figures of single tags are for programs and pages.
    found = [series_row(one) for one in series if as_json or not one.label]
    emit(found, as_json=as_json, table=series_cells)


@app.command(
    epilog="Examples: mediafm reports compare genre_v1 genre_v2;"
    " mediafm reports compare context_v1 context_v2 --html board.html"
)
def compare(
    before: Annotated[str, typer.Argument(help=_Version)],
    after: Annotated[str, typer.Argument(help="The other version.")],
    store: StorePath = DEFAULT_STORE,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Compare the figures of two versions, side by side."""
    from mediafm_store.evaluation.comparison import compare as compare_versions
    from mediafm_store.evaluation.history import dashboard, series_of

    opened = open_store(store)
    series = series_of(opened.rows("evaluations").to_dicts())
    comparison = compare_versions(series, before, after)
    if html is not None:
        from mediafm_store.report.evaluation_page import write_board_page

        write_board_page(html, store=opened, board=dashboard(opened), comparison=comparison)
        wrote(html)
    else:
        listed = listed_differences(comparison, as_json)
        emit([difference_row(d) for d in listed], as_json=as_json, table=difference_cells)
    say(comparison.said)
