"""mediafm ingest."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from mediafm_cli.options import (
    DEFAULT_STORE,
    AsJson,
    Device,
    EncoderNames,
    Engine,
    Keyframes,
    StorePath,
    Strict,
    Workers,
    open_if_there,
    open_store,
)
from mediafm_cli.output import Row, emit, tell_failures, tell_result
from mediafm_cli.progress import film_bars

app = typer.Typer()


@app.command(epilog="Example: mediafm ingest films/ trailer.mp4 --store my-store")
def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Videos, and folders of videos.")],
    store: StorePath = DEFAULT_STORE,
    title: Annotated[str | None, typer.Option(help="Id of the title, for one video.")] = None,
    detector: Annotated[str, typer.Option(help="Shot detector plug-in.")] = "adaptive",
    shot_list: Annotated[
        Path | None, typer.Option(help="CSV or EDL with the shots of the one video.")
    ] = None,
    encoder: EncoderNames = None,
    keyframes: Keyframes = 3,
    language: Annotated[str | None, typer.Option(help="Of the subtitles, such as de.")] = None,
    workers: Workers = None,
    engine: Engine = "threads",
    force: Annotated[bool, typer.Option("--force", help="Also titles that are unchanged.")] = False,
    strict: Strict = False,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Cut videos into shots and store a fused vector of each.

    Subtitles (film.srt, .vtt, .ass, .ssa; film.de.srt; or a track inside the video) and metadata
    (film.json, or metadata.json with "file": "film.mp4"; title, synopsis, series, tags, genres) are
    taken from beside film.mp4. Where only those have changed the film is not decoded again. The
    exit status is 1 only if no video could be ingested, or with --strict if one could not. With
    --engine ray --workers 8 titles are taken by processes of their own, which are replaced if they
    die.
    """
    from mediafm_store.encoding import load_encoders
    from mediafm_store.ingestion.ingest import IngestResult
    from mediafm_store.ingestion.ingest import ingest as ingest_videos
    from mediafm_store.ingestion.options import IngestOptions
    from mediafm_store.sources.videos import find_videos

    options = IngestOptions(
        detector=detector,
        shot_list=shot_list,
        keyframes=keyframes,
        language=language,
        title=title,
        force=force,
    )
    videos = find_videos(paths)  # before a store is made for nothing
    encoders = load_encoders(encoder or (), device=device, store=open_if_there(store))
    with film_bars(len(videos)) as bars:

        def report(result: IngestResult) -> None:
            bars.finish(result)
            tell_result(result)

        results = ingest_videos(
            open_store(store, create=True),
            videos,
            options,
            encoders=encoders,
            workers=workers,
            engine=engine,
            on_progress=bars.update,
            on_title=report,
        )
    emit([asdict(r) for r in results], as_json=as_json, table=_ingest_cells)
    tell_failures(results, done="ingested", what="videos", strict=strict)


def _ingest_cells(row: Row) -> Row:
    """Table cells of a result."""
    took = row["took_s"]
    speed = f"{row['film_s'] / took:.0f}x" if row["frames"] else ""
    return {
        "title": row["title"],
        "state": row["state"],
        "shots": row["shots"],
        "film": f"{row['film_s']:.0f} s",
        "took": f"{took:.1f} s" if took else "",
        "frames/s": f"{row['frames'] / took:,.0f}" if row["frames"] else "",
        "speed": speed,
    }
