"""The rows that are stored of a title."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from mediafm_store.arrays import BLOCK, FUSED, MODALITIES, Blocks, Fused, Vectors, block, unit_rows
from mediafm_store.encoders.encoder import Encoder, EncoderOutput, Encoders
from mediafm_store.encoding import made_by, names_of
from mediafm_store.features.extract import Features
from mediafm_store.features.fusion import describe, fingerprint, fuse
from mediafm_store.features.streams import encode_text, say
from mediafm_store.records import Cue, Shot, Title
from mediafm_store.shots.looks import cuts_per_min, look_words
from mediafm_store.shots.shot_flags import is_black, is_silent
from mediafm_store.sources.change_detection import SourceHashes, sources_of
from mediafm_store.storage.rows import TitleRows, span_of
from mediafm_store.storage.storage import Storage
from mediafm_store.subtitles.tracks import read_words
from mediafm_store.tables.spaces import Space

_CUT_WINDOW_S = 0.5
"""How far from a cut its darkness and quiet are measured."""

_BELIEVED_FROM = {"seen": 0.9, "heard": 0.3}
"""Probabilities from which a name is right in two of three cases: docs/decisions/0025-looks.md."""


@dataclass
class IngestWarnings:
    """Warnings about the files of a title, in plain words."""

    media: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


class TargetSpaces:
    """The versions of spaces that some encoders write."""

    def __init__(self, store: Storage, encoders: Encoders, *, new: bool = False) -> None:
        """The live ones, which must be of these encoders, else SpaceMismatch; or `new` ones."""
        made = {s: fingerprint(s, list(encoders.values())) for s in ("fused", "described")}
        version = store.registry.version if new else store.registry.only_version
        told = {"made_by": made_by(encoders), "fused": made["fused"]}
        fused = version("fused", made["fused"], dim=FUSED, **told)
        self.fused = store.registry.note_encoders(fused, names_of(encoders))
        self.described = version("described", made["described"], dim=FUSED, **told)
        self.metadata = version("metadata", made["fused"], dim=BLOCK, **told)

    def vectors(self, fused: Fused, described: Fused, metadata: Blocks) -> dict[Space, Vectors]:
        """The vectors of a title by space."""
        return {self.fused: fused, self.described: described, self.metadata: metadata}


def new_rows(
    title: Title,
    features: Features,
    *,
    spaces: TargetSpaces,
    sources: SourceHashes,
    warnings: IngestWarnings,
) -> TitleRows:
    """Everything that is stored of a title."""
    shots = [Shot(title.id, i, span) for i, span in enumerate(features.spans)]
    extent = {"duration_s": features.spans[-1].end_s, "shots": len(shots)}
    return TitleRows(
        title=title_row(title, sources, warnings) | extent,
        shots=with_looks([_shot_row(features, shot) for shot in shots]),
        cues=_cue_rows(features.cues),
        thumbnails=[
            {"id": shot.id, "jpeg": jpeg}
            for shot, jpeg in zip(shots, features.pictured.thumbnails, strict=True)
        ],
        vectors=spaces.vectors(features.fused, features.described, features.metadata),
    )


class TextUpdate(NamedTuple):
    """Changes to a title whose film has not changed."""

    cues: list[Cue] | None
    """None where the subtitles are the same."""
    metadata: Blocks


def renew(
    title: Title,
    row: Mapping[str, Any],
    *,
    text: Encoder,
    sources: SourceHashes,
    warnings: IngestWarnings,
) -> TextUpdate:
    """Update a stored title from its subtitles, if they have changed, and its metadata."""
    before = sources_of(row)
    assert before is not None
    warnings.media += [w for w in row["warnings"] if w not in row["subtitle_warnings"]]
    metadata = encode_text(text, title.metadata_text)
    if sources.same_words(before):
        warnings.words += [w for w in row["subtitle_warnings"] if w not in warnings.words]
        return TextUpdate(None, metadata)
    return TextUpdate(read_words(title, warnings.words.append), metadata)


def renewed_rows(
    store: Storage,
    title: Title,
    row: Mapping[str, Any],
    renewed: TextUpdate,
    *,
    text: Encoder,
    spaces: TargetSpaces,
    sources: SourceHashes,
    warnings: IngestWarnings,
) -> TitleRows:
    """The rows of a title stored as `row`: what has changed, the rest as it is stored.

    What is said is encoded here, shot by shot, since only the store knows the shots.
    """
    stored, cues = store.shots(title.id).to_dicts(), store.cues(title.id).to_dicts()
    fused = store.vectors(spaces.fused, title.id).vectors
    described = store.vectors(spaces.described, title.id).vectors
    if renewed.cues is not None:
        said = say(text, renewed.cues, [span_of(shot) for shot in stored])
        stored = [s | {"words": words} for s, words in zip(stored, said.words, strict=True)]
        cues = _cue_rows(renewed.cues)
        fused = fuse(_with_words(fused, said.encoded.blocks))
        described = describe(_with_words(described, said.encoded.described))
    ids = [shot["id"] for shot in stored]
    return TitleRows(
        title={**row, **title_row(title, sources, warnings)},
        shots=stored,
        cues=cues,
        thumbnails=[
            {"id": shot_id, "jpeg": jpeg} for shot_id, jpeg in store.thumbnails(ids).items()
        ],
        vectors=spaces.vectors(fused, described, renewed.metadata),
    )


def _with_words(vectors: Fused, words: Blocks) -> dict[Any, Blocks]:
    """The blocks of stored vectors, each of length 1 or zero, with other words."""
    return {m: unit_rows(vectors[:, block(m)]) for m in MODALITIES} | {"text": words}


def title_row(title: Title, sources: SourceHashes, warnings: IngestWarnings) -> dict[str, Any]:
    """Build the `titles` row from the title's files and metadata."""
    return {
        "id": title.id,
        "name": title.name,
        "synopsis": title.synopsis,
        "tags": list(title.tags),
        "genres": list(title.genres),
        "series": title.series,
        "media": str(title.media),
        "subtitles": str(title.subtitles) if title.subtitles else None,
        "subtitle_track": title.subtitle_track,
        "language": title.language,
        "sources": sources._asdict(),
        "warnings": [*warnings.media, *warnings.words],
        "subtitle_warnings": warnings.words,
        "ingested_at": datetime.now(UTC),
    }


def _shot_row(features: Features, shot: Shot) -> dict[str, Any]:
    """The columns of one shot."""
    i, span, light, loudness = shot.index, shot.span, features.light, features.heard.loudness
    inside = (span.start_s, span.end_s)
    around_cut = (span.start_s - _CUT_WINDOW_S, span.start_s + _CUT_WINDOW_S)
    black = is_black(light.lit, *inside)
    repeats = features.pictured.repeats[i]
    return place_columns(shot) | {
        **features.pictured.measured[i],
        "scene": None,
        "words": features.said.words[i],
        **_named("seen", features.pictured.encoded, i),
        **_named("heard", features.heard.encoded, i),
        "brightness": light.brightness.mean(*inside),
        "loudness_db": loudness.mean(*inside),
        "cut_brightness": light.brightness.lowest(*around_cut),
        "cut_loudness_db": loudness.lowest(*around_cut),
        "motion": light.motion_in(span),
        "black": black,
        "silent": is_silent(loudness, *inside),
        "repeats": None if black or repeats is None else Shot(shot.title, repeats, span).id,
    }


def _named(column: str, encoded: EncoderOutput, shot: int) -> dict[str, Any]:
    """Names recognised in a shot that are probably right, with their probabilities."""
    names = encoded.labels[shot]
    if not encoded.probabilities:
        return {column: list(names), f"{column}_p": None}
    pairs = zip(names, encoded.probabilities[shot], strict=True)
    believed = {name: p for name, p in pairs if p >= _BELIEVED_FROM[column]}
    return {column: [*believed], f"{column}_p": [*believed.values()]}


def with_looks(shots: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to the rows of a title's shots the columns that follow from their other columns."""
    pace = cuts_per_min([s["start_s"] for s in shots], [s["end_s"] for s in shots])
    paced = [shot | {"cuts_per_min": cuts} for shot, cuts in zip(shots, pace, strict=True)]
    return [shot | {"looks": look_words(shot)} for shot in paced]


def place_columns(shot: Shot) -> dict[str, Any]:
    """Columns that identify a shot and give its times."""
    span = shot.span
    return {
        "id": shot.id,
        "index": shot.index,
        "start": span.start,
        "end": span.end,
        "time_base_num": span.time_base.numerator,
        "time_base_den": span.time_base.denominator,
        "start_s": span.start_s,
        "end_s": span.end_s,
        "duration_s": span.end_s - span.start_s,
    }


def _cue_rows(cues: list[Cue]) -> list[dict[str, Any]]:
    """The columns of subtitles."""
    return [{"start_s": c.start_s, "end_s": c.end_s, "text": c.text} for c in cues]
