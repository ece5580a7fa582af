"""How fast films are ingested, and in how much memory: `python -m benchmarks.ingest`.

Speed. Three whole commands on one film, in turn, several times; the ratios are of their medians:
  decode         PyAV decodes every frame and does nothing with it
  scenedetect    `scenedetect -i FILE detect-adaptive list-scenes`, which only finds cuts
  ingest         `mediafm ingest FILE` into a new store

Stages. What each part takes when nothing else runs, in seconds of one processor. In an ingest they
overlap: it cannot be faster than their sum divided by the number of cores.

Length. The same commands once on the film ten times in a row: the start of a program no longer
counts. And the peak memory of `mediafm ingest` on both, and on a film of three hours.

Cuts. F1 of every detector on every labelled film (see benchmarks.shots).

Encoders. Weights as they ship (int8) against float (see benchmarks.precision).

About half an hour on two cores, most of it TransNetV2.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import av

from benchmarks import precision, shots
from benchmarks.common import labelled_films, media_folder, print_table, write_results
from mediafm_store.encoding import load_encoders
from mediafm_store.features.extract import extract
from mediafm_store.features.streams import hear, say, see
from mediafm_store.ingestion.title_rows import IngestWarnings, TargetSpaces, new_rows
from mediafm_store.media.decode import log_warning, open_media
from mediafm_store.media.video import Video
from mediafm_store.shots.detectors import adaptive
from mediafm_store.shots.shots import LumaStats, read_shots
from mediafm_store.sources.change_detection import Provenance, read_sources
from mediafm_store.sources.videos import read_title
from mediafm_store.storage.storage import Storage
from mediafm_store.subtitles.tracks import read_words

FILM, REPEATS, LONGER, THREE_HOURS_S = "sintel", 5, 10, 3 * 3600
BIN = Path(sys.executable).parent
DECODE = """
import sys, av
with av.open(sys.argv[1]) as container:
    stream = container.streams.video[0]
    stream.thread_type = "AUTO"
    print(sum(1 for _ in container.decode(stream)))
"""
LAUNCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took, used = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([took, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""


class Run(NamedTuple):
    """What a command took."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def main() -> None:
    """Measure all and write benchmarks/results/ingest.json."""
    films = labelled_films(media_folder())
    film = films[FILM][0]
    with tempfile.TemporaryDirectory() as folder:
        longer = repeat_film(film, Path(folder) / f"longer{film.suffix}", LONGER)
        commands, longer_commands = speed(film, REPEATS), speed(longer, 1)
        longest = repeat_film(film, longer, round(THREE_HOURS_S / seconds_of(film) + 0.5))
        three_hours = speed(longest, 1, only="ingest")
    once, ten_times = ratios(commands), ratios(longer_commands)
    memory = [
        {"film min": row["film min"], "peak MB": row["peak MB"]}
        for row in (commands[-1], longer_commands[-1], three_hours[-1])
    ]
    stages = stage_times(film)
    cuts = shots.measure(films)
    encoders = precision.measure(media_folder())
    for table in (commands, longer_commands, three_hours, stages, cuts, encoders):
        print_table(table)
    figures = {
        "ingest_over_decode": once["decode"],
        "ingest_over_scenedetect": once["scenedetect"],
        "ingest_over_decode_10x": ten_times["decode"],
        "ingest_over_scenedetect_10x": ten_times["scenedetect"],
        "rss_growth_10x": memory[1]["peak MB"] / memory[0]["peak MB"] - 1,
        "peak_mb_three_hours": memory[2]["peak MB"],
        "f1": {film: {r["detector"]: r["f1"] for r in cuts if r["film"] == film} for film in films},
        "film": {"name": FILM, "repeats": REPEATS},
        "commands": commands,
        "commands_10x": longer_commands,
        "three_hours": three_hours,
        "stages": stages,
        "cuts": cuts,
        "int8_against_float": encoders,
    }
    write_results("ingest", figures)
    print({k: v for k, v in figures.items() if isinstance(v, float)})


def ratios(rows: list[dict[str, Any]]) -> dict[str, float]:
    """The time of an ingest over that of each command."""
    took = {row["command"]: row["wall s"] for row in rows}
    return {name: took["ingest"] / wall_s for name, wall_s in took.items()}


def speed(film: Path, repeats: int, *, only: str = "") -> list[dict[str, Any]]:
    """One row a command: medians over all rounds."""
    commands: dict[str, Callable[[str], list[str]]] = {
        "decode": lambda _: [sys.executable, "-c", DECODE, str(film)],
        "scenedetect": lambda folder: [
            *(str(BIN / "scenedetect"), "-i", str(film), "-o", folder),
            *("detect-adaptive", "list-scenes"),
        ],
        "ingest": lambda folder: [str(BIN / "mediafm"), "ingest", str(film), "--store", folder],
    }
    runs: dict[str, list[Run]] = {name: [] for name in commands if only in ("", name)}
    for _ in range(repeats):
        for name, several in runs.items():
            with tempfile.TemporaryDirectory() as folder:
                several.append(run(commands[name](folder)))
    return [
        {
            "command": name,
            "film min": seconds_of(film) / 60,
            "wall s": statistics.median(r.wall_s for r in several),
            "fastest s": min(r.wall_s for r in several),
            "slowest s": max(r.wall_s for r in several),
            "processor s": statistics.median(r.cpu_s for r in several),
            "peak MB": statistics.median(r.peak_mb for r in several),
        }
        for name, several in runs.items()
    ]


def run(command: Sequence[str]) -> Run:
    """Run a command to its end; raise if it fails.

    By a small process of its own: at first a child counts the memory of its parent as its own.
    """
    done = subprocess.run(
        [sys.executable, "-c", LAUNCH, *command], capture_output=True, text=True, check=True
    )
    return Run(*json.loads(done.stdout))


def stage_times(film: Path) -> list[dict[str, Any]]:
    """One row a stage: processor time of each alone."""
    encoders = load_encoders(device="cpu")
    title = read_title(film, warn=log_warning)
    cues = read_words(title, log_warning)
    with tempfile.TemporaryDirectory() as folder:
        store = Storage(Path(folder) / "store", create=True)
        spaces = TargetSpaces(store, encoders)
        features = extract(title, encoders=encoders, detector=adaptive)  # opens all models, too
        decode = cpu(lambda: sum(1 for _ in decoded(film)))[0]
        light = LumaStats.unknown()
        cut_s, cut = cpu(lambda: list(read_shots(film, adaptive, light=light)))
        picture_s, pictured = cpu(lambda: see(encoders["visual"], cut))
        sound_s, heard = cpu(lambda: hear(encoders["audio"], film, log_warning, cut))
        spans = [shot.span for shot in cut]
        words_s, _ = cpu(lambda: say(encoders["text"], cues, spans))
        sources = read_sources(title, Provenance("", ""), None)
        write_s, _ = cpu(
            lambda: store.add_title(
                new_rows(title, features, spaces=spaces, sources=sources, warnings=IngestWarnings())
            )
        )
    assert len(pictured.spans) == len(heard.encoded.labels)
    seconds = {
        "decode": decode,
        "detect": cut_s - decode,
        "picture": picture_s,
        "sound": sound_s,
        "words": words_s,
        "write": write_s,
    }
    return [{"stage": name, "processor s": s} for name, s in seconds.items()]


def decoded(film: Path) -> Any:
    """Every frame, as an ingest reads them."""
    with open_media(film) as container:
        yield from Video(container, film).frames()


def cpu(job: Callable[[], Any]) -> tuple[float, Any]:
    """Processor time of a job, and what it returns."""
    began = time.process_time()
    result = job()
    return time.process_time() - began, result


def seconds_of(film: Path) -> float:
    """How long a film is."""
    with av.open(str(film)) as container:
        return (container.duration or 0) / av.time_base


def repeat_film(film: Path, longer: Path, times: int) -> Path:
    """Write a film several times in a row, without encoding it again."""
    with av.open(str(longer), "w") as out:
        for turn in range(times):
            with av.open(str(film)) as container:
                streams = [s for s in container.streams if s.type in {"video", "audio"}]
                if turn == 0:
                    copies = {s.index: out.add_stream_from_template(s) for s in streams}
                for packet in container.demux(streams):
                    if packet.dts is not None and packet.pts is not None and packet.time_base:
                        shift = round(
                            turn * (container.duration or 0) / av.time_base / packet.time_base
                        )
                        packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                        packet.stream = copies[packet.stream.index]
                        out.mux(packet)
    return longer


if __name__ == "__main__":
    main()
