"""Make the sample films and write them, with all that an ingest wants, into one folder."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pysubs2

from mediafm_store.clips.write import write_video
from mediafm_store.demo.films.edit import CuttingList, plan_film
from mediafm_store.demo.films.films import FILMS
from mediafm_store.demo.films.mix import RATE, dialogue, scene_frames, soundtrack
from mediafm_store.demo.films.photos import PHOTOS, QUERIES, licences, load_photo
from mediafm_store.demo.films.script import Screenplay
from mediafm_store.demo.films.shoot import film_frames
from mediafm_store.errors import InvalidInput
from mediafm_store.files import write_text
from mediafm_store.records import Cue


@dataclass(frozen=True, slots=True)
class SampleTitle:
    """One film as it was written: its files, and the truth about its cuts and scenes."""

    id: str
    media: Path
    subtitles: Path
    metadata: Path
    fps: Fraction
    cutting: CuttingList


def make_sample_catalogue(
    folder: Path,
    *,
    titles: int = len(FILMS),
    seed: int = 0,
    on_title: Callable[[str], None] | None = None,
) -> list[SampleTitle]:
    """Write the first `titles` sample films into `folder`, with their truth and licences.

    Each title is `<id>.mp4` with `<id>.srt` or `<id>.vtt` and `<id>.json` (title, synopsis,
    genres, tags). `ground_truth.json` holds cuts, shots, scenes and black segments of all of
    them and the text queries with the photograph each should find; LICENCES.txt names the
    photographs. `on_title` is called with each id as it is done. A film depends on `seed` alone,
    not on how many are made. Raises InvalidInput for a number of titles that there is not, and
    NotFound where the packages with the photographs are missing.
    """
    if not 1 <= titles <= len(FILMS):
        raise InvalidInput(f"{titles} sample titles asked for; choose 1 to {len(FILMS)}")
    load_photo("cat"), load_photo("flower")  # one of each package: fail before writing anything
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / "LICENCES.txt", licences())
    made = []
    for number, film in enumerate(FILMS[:titles]):
        made.append(_make(film, folder, np.random.default_rng([seed, number])))
        if on_title is not None:
            on_title(film.id)
    _write_json(folder / "ground_truth.json", _truth(made))
    return made


def _make(film: Screenplay, folder: Path, generator: np.random.Generator) -> SampleTitle:
    cutting = plan_film(film, generator=generator)
    media, metadata = folder / f"{film.id}.mp4", folder / f"{film.id}.json"
    subtitles = folder / f"{film.id}.{film.subtitles}"
    _write_json(
        metadata,
        {"title": film.name, "synopsis": film.synopsis, "genres": film.genres, "tags": film.tags},
    )
    _write_subtitles(subtitles, dialogue(film, cutting))
    audio = soundtrack(film, cutting, generator=generator)
    frames = film_frames(film, cutting, generator=generator)
    write_video(media, frames, fps=film.fps, audio=audio, audio_rate=RATE)
    return SampleTitle(film.id, media, subtitles, metadata, film.fps, cutting)


def _write_subtitles(path: Path, cues: list[Cue]) -> None:
    file = pysubs2.SSAFile()
    for cue in cues:
        start, end = round(1000 * cue.start_s), round(1000 * cue.end_s)
        file.append(pysubs2.SSAEvent(start=start, end=end, text=cue.text))
    write_text(path, file.to_string(path.suffix.removeprefix(".")))


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False)
    write_text(path, text + "\n")


def _truth(made: list[SampleTitle]) -> dict[str, Any]:
    return {
        "photos": {key: photo.subject for key, photo in PHOTOS.items()},
        "queries": [query._asdict() for query in QUERIES],
        "titles": {title.id: _title_truth(title) for title in made},
    }


def _title_truth(title: SampleTitle) -> dict[str, Any]:
    """Frames count from 0; all segments are half-open."""
    cutting = title.cutting
    return {
        "fps": str(title.fps),
        "frames": cutting.frames,
        "cuts": cutting.cuts,
        "scenes": list(scene_frames(cutting)),
        "black": cutting.black,
        "transitions": cutting.transitions,
        "shots": [asdict(shot) for shot in cutting.shots],
    }
