"""The tables, their columns and what each column means.

Every row of a title carries the `revision` of the ingest that wrote it. The titles table says
which revision of a title is valid, and its row is written last: rows of other revisions do not
exist for readers, be they half of a killed ingest or left over from one that was replaced.
"""

import pyarrow as pa

FORMAT = 7
"""Raised when a change of the tables needs a migration: see `storage/migrations.py`."""


def _vector_type(dim: int) -> pa.DataType:
    """Vectors are float16 on disk, float32 in computation."""
    return pa.list_(pa.float16(), dim)


_SOURCES = pa.struct(
    [
        (name, pa.string())
        for name in (
            *("media", "media_stat", "media_made_by"),
            *("words", "words_stat", "words_made_by", "metadata"),
        )
    ]
)
"""Hashes and time stamps of what a title was made from: see `sources/changes.py`."""

TITLES = pa.schema(
    [
        ("id", pa.string()),
        ("revision", pa.string()),
        ("name", pa.string()),
        ("synopsis", pa.string()),
        ("tags", pa.list_(pa.string())),  # as the user gave them; proposals stand in `tags`
        ("genres", pa.list_(pa.string())),
        ("series", pa.string()),  # what it is an episode or part of; empty if it is neither
        ("media", pa.string()),  # absolute path of the video, or of the file it was imported from
        ("subtitles", pa.string()),  # absolute path (the video's: a track in it), or null
        ("subtitle_track", pa.int32()),  # the stream inside the video, or null
        ("language", pa.string()),  # of the subtitles, such as `de`; null where nothing says
        ("sources", _SOURCES),
        ("duration_s", pa.float64()),
        ("shots", pa.int32()),
        ("warnings", pa.list_(pa.string())),  # what was wrong with the files, in plain words
        ("subtitle_warnings", pa.list_(pa.string())),  # those of them about the subtitles
        ("ingested_at", pa.timestamp("us", tz="UTC")),
    ],
    metadata={"mediafm_format": str(FORMAT)},
)

SHOTS = pa.schema(
    [
        ("id", pa.string()),  # title/00042
        ("title", pa.string()),
        ("revision", pa.string()),
        ("index", pa.int32()),  # 0 is the first shot of the title
        ("start", pa.int64()),  # in ticks of time_base_num / time_base_den seconds
        ("end", pa.int64()),
        ("time_base_num", pa.int64()),
        ("time_base_den", pa.int64()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("duration_s", pa.float64()),
        ("scene", pa.int32()),  # number of the labelled scene; null where nobody labelled
        ("words", pa.string()),  # subtitles that overlap the shot; empty where nobody speaks
        (
            "seen",
            pa.list_(pa.string()),
        ),  # what the picture encoder recognised, where it is likely right
        ("heard", pa.list_(pa.string())),  # what the sound encoder recognised, the same
        ("seen_p", pa.list_(pa.float32())),  # probability of each, as it says; null if not known
        ("heard_p", pa.list_(pa.float32())),  # the same of what is heard
        ("brightness", pa.float32()),  # mean, 0 black to 1 white; null if imported
        ("loudness_db", pa.float32()),  # mean, below full scale; null without sound
        ("cut_brightness", pa.float32()),  # darkest within half a second of its start; or null
        ("cut_loudness_db", pa.float32()),  # quietest within half a second of the shot's start
        ("black", pa.bool_()),  # nothing to see in nearly all of its frames; null if imported
        ("silent", pa.bool_()),  # nothing to hear, or no sound track; null if imported
        ("repeats", pa.string()),  # the shot just before that shows the same picture, or null
        # Of the stored picture, within its bars; null if there is none.
        ("bars", pa.float32()),  # the share of it that black bars at two sides take
        ("saturation", pa.float32()),  # mean chroma, 0 grey to 1
        ("colours", pa.list_(pa.string())),  # that fill a good part of it, largest first
        ("colour_shares", pa.list_(pa.float32())),  # how much of it each fills
        ("face", pa.float32()),  # height of the largest, of the picture's; null if nobody looked
        ("faces", pa.int32()),  # how many; null if nobody looked
        ("motion", pa.float32()),  # mean change from frame to frame, 0 to 1; null if not decoded
        ("cuts_per_min", pa.float32()),  # within half a minute either side
        ("looks", pa.list_(pa.string())),  # words that follow from the columns above
    ]
)

_CUES = pa.schema(
    [
        ("title", pa.string()),
        ("revision", pa.string()),
        ("start_s", pa.float64()),
        ("end_s", pa.float64()),
        ("text", pa.string()),
    ]
)

_THUMBNAILS = pa.schema(
    [
        ("id", pa.string()),
        ("title", pa.string()),
        ("revision", pa.string()),
        ("jpeg", pa.binary()),
    ]
)

_GATE = pa.struct(
    [
        ("name", pa.string()),
        ("passed", pa.bool_()),
        ("said", pa.string()),  # what was measured, and what it had to be
    ]
)

_USED = pa.struct(
    [
        ("modality", pa.string()),
        ("plugin", pa.string()),  # the name that loads it, with its argument
        ("fingerprint", pa.string()),
    ]
)

SPACES = pa.schema(
    [
        ("name", pa.string()),
        ("version", pa.int32()),
        ("fingerprint", pa.string()),
        ("dim", pa.int32()),
        ("made_by", pa.string()),  # in words: encoders, or the checkpoint
        ("encoders", pa.list_(_USED)),  # that made fused vectors; null if not known
        ("fused", pa.string()),  # fingerprint of the fused vectors that it is made from, or with
        ("state", pa.string()),  # registered, backfilled, validated, live or retired
        ("created_at", pa.timestamp("us", tz="UTC")),
        ("promoted_at", pa.timestamp("us", tz="UTC")),  # when it last became live, or null
        ("history", pa.list_(pa.timestamp("us", tz="UTC"))),  # moments that rollback goes back to
        ("gates", pa.list_(_GATE)),  # how it did when it was last promoted, or was to be
        ("forced", pa.bool_()),  # whether it became live although it failed a gate
    ]
)

_LABELS = pa.schema(
    [
        ("task", pa.string()),  # what is labelled, such as genre, tone, popularity
        ("item", pa.string()),  # a title, a shot, or a segment as sintel@190-220
        ("title", pa.string()),  # that the item is of
        ("start_s", pa.float64()),  # of a segment; null for a title or a shot
        ("end_s", pa.float64()),
        ("label", pa.string()),  # such as Drama; empty where the value is all
        ("value", pa.float64()),  # 1 has it, 0 has not; or a grade
        ("source", pa.string()),  # file: an item lacks what is not listed; review: not known
        ("added_at", pa.timestamp("us", tz="UTC")),
    ]
)

TAGS = pa.schema(
    [
        ("task", pa.string()),  # that an answer to it belongs to; `tags` if it is no probe's
        ("title", pa.string()),
        ("tag", pa.string()),
        ("score", pa.float32()),  # probability if by a probe, else share of votes or likeness
        ("threshold", pa.float32()),  # from which score on the title has the tag
        ("applies", pa.bool_()),  # whether it does; false is for review
        ("source", pa.string()),  # such as `genre v2`, the probe; else neighbours, text, review
        ("evidence", pa.list_(pa.string())),  # ids of the titles or shots that speak for it
        ("proposed_at", pa.timestamp("us", tz="UTC")),
    ]
)

_PROBES = pa.schema(
    [
        ("name", pa.string()),  # the task that it was fitted to
        ("version", pa.int32()),
        ("kind", pa.string()),  # tags, grades or ranking
        ("pool", pa.string()),  # what an item is as a vector: see `POOLS`
        ("space", pa.string()),  # such as context_v2
        ("fingerprint", pa.string()),  # of that version
        ("labels", pa.list_(pa.string())),  # one row of weights each
        ("weights", pa.binary()),  # safetensors
        ("facts", pa.string()),  # JSON: how it was fitted, and what it reached
        ("fitted_at", pa.timestamp("us", tz="UTC")),
    ]
)

_EVALUATIONS = pa.schema(
    [
        ("run", pa.string()),  # one for all figures that were measured together
        ("at", pa.timestamp("us", tz="UTC")),
        ("what", pa.string()),  # model, probe, index, search or space
        ("name", pa.string()),  # the preset, the task, the space
        ("version", pa.string()),  # of what was measured: checkpoint, probe v2, context_v1
        ("fingerprint", pa.string()),  # of the vectors that it was measured on
        ("software", pa.string()),  # version of mediafm-store, and the commit where it is known
        ("measure", pa.string()),  # such as micro_ap
        ("of", pa.string()),  # what was measured beside it: context, isolated, chance
        ("own", pa.bool_()),  # whether it is our work, or stands beside it to compare with
        ("label", pa.string()),  # the tag, or empty: over all
        ("value", pa.float64()),
        ("low", pa.float64()),  # 95 % interval, or null
        ("high", pa.float64()),
        ("better", pa.string()),  # higher or lower
        ("detail", pa.string()),  # JSON: curves, counts; empty if there is none
    ]
)

TABLES = {
    "titles": TITLES,
    "shots": SHOTS,
    "cues": _CUES,
    "thumbnails": _THUMBNAILS,
    "spaces": SPACES,
    "tags": TAGS,
    "labels": _LABELS,
    "probes": _PROBES,
    "evaluations": _EVALUATIONS,
}

OF_IDS = ("labels", "tags")
"""Tables that are of titles whatever their revision: what people have said stays when a film is
ingested again."""

KEYS = {
    "labels": ("task", "item", "label"),
    "tags": ("task", "title", "tag"),
    "probes": ("name", "version"),
    "evaluations": ("run", "measure", "of", "label"),
}
"""Key columns of the tables that `Storage.put` writes."""


def vectors_schema(dim: int) -> pa.Schema:
    """Schema of a version of a space; `id` is a shot's, or a title's in spaces of titles."""
    return pa.schema(
        [
            ("id", pa.string()),
            ("title", pa.string()),
            ("revision", pa.string()),
            ("vector", _vector_type(dim)),
        ]
    )
