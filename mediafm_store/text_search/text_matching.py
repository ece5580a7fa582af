"""Scores of shots for a text: by descriptions of their pictures, by sounds, by words.

A text finds pictures in two steps. First it is compared with the picture of every shot, by a map
from pictures to sentences or by a joint encoder. The ten best shots then serve as examples: what
looks like most of them is likely right, what looks like none of them likely wrong (pseudo-relevance
feedback: Rocchio 1971; Lavrenko and Croft, "Relevance-based language models", 2001). In both steps
the shots just before and after one count, as scenes go on over cuts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float32

from mediafm_store.encoders.encoder import Encoders
from mediafm_store.errors import InvalidInput
from mediafm_store.examples.example import Example, check_encoders
from mediafm_store.examples.resolver import NOTHING_LEFT
from mediafm_store.indexing.known import ReadCache
from mediafm_store.indexing.nearest import nearest
from mediafm_store.likeness.sampling import cached, passages
from mediafm_store.likeness.scale import PARTS, Part
from mediafm_store.matching.matcher import CandidateQuery, NullDistribution, Shares
from mediafm_store.matching.vector_matchers import ExampleMatcher
from mediafm_store.picture_text.caption_map import CaptionMap
from mediafm_store.scenes.own_scene import neighbours
from mediafm_store.storage.storage import Storage
from mediafm_store.tables.spaces import is_imported
from mediafm_store.text_search.asked_for import SAID, AskedFor, asked_of, content_words, quoted
from mediafm_store.text_search.asked_looks import AskedLook, asked_look
from mediafm_store.text_search.cached_encoder import CachedTextEncoder
from mediafm_store.text_search.evidence import Evidence, comparable_parts, sampled
from mediafm_store.text_search.spoken_words import (
    MOST_SAID,
    fused_by_rank,
    in_a_row,
    meanings,
    spoken,
)

_LOOKED_AT, _FEEDBACK = 100, 10
"""Shots that are looked at first, and those of them that serve as examples."""
_AROUND = 2
"""Shots before and after one that say what is likely seen in it, too."""
_SPOKEN = 3.0
"""What the best match of spoken words counts, in standard deviations of the other parts."""
_PLAINLY = 0.5
"""How surely a text asks for a look from which on that is all that it asks for."""
_HAS_LOOK = 0.5
"""The degree from which on a shot clearly has a look."""
_MEANT_FROM = 1.0
"""Weight of words from which on their meaning counts, not only words that match."""
_EVERYDAY = 8
"""Texts that are tried to learn what a text usually scores."""
_TINY = 1e-6


@dataclass(frozen=True)
class TextMatcher:
    """A text as a query."""

    store: Storage
    asked: AskedFor
    evidence: tuple[Evidence, ...]
    """Evidence that it is compared with, by descending weight."""
    said: Mapping[str, float]
    """Shots in which its words are said -> how well they match, at most 1."""
    look: AskedLook | None
    """Look that it asks for, as measured."""
    known: ReadCache
    """Read cache."""
    spoken: tuple[str, ...] = ()
    """Shots in which the words are spoken literally."""
    exact: bool = False
    """True if the words are quoted and must be in a row."""

    @property
    def length(self) -> int:
        """A text is one thing to look for."""
        return 1

    def probes(self) -> Sequence[CandidateQuery]:
        """Each evidence, and the shots that look like the first answers."""
        feedback = self.feedback.probes() if self.feedback else ()
        return [*(e.probe() for e in self.evidence), *feedback]

    @property
    def named(self) -> Sequence[str]:
        """Shots with most of its look, after those in which its words are spoken if it asks so."""
        spoken = self.spoken if self.asked.weights["text"] >= _MEANT_FROM else ()
        looks = self.look.degrees if self.look else {}
        return [*spoken, *sorted(looks, key=lambda shot_id: -looks[shot_id])[:MOST_SAID]]

    def shares(self, known: ReadCache, ids: Sequence[str]) -> Shares:
        """In standard deviations above random shots."""
        total = np.zeros((len(PARTS), 1, len(ids)), np.float32)
        for one in self.evidence:
            if one.part != "text":  # that counts by rank, in `said`
                scores = np.nan_to_num(one.scores(known, ids))
                total[PARTS.index(one.part), 0] += np.float32(one.weight) * scores
        if self.looks:
            total[PARTS.index("context"), 0] += self._around(self.looks, known, ids)
        if self.feedback:
            weight = self.asked.weights["visual"] / self.feedback_spread
            total += np.float32(weight) * self.feedback.shares(known, ids)
        visual = PARTS.index("visual")
        if self.look:
            total *= np.float32(1 - self.look.weight)
            scores = np.array([self.look.score(shot_id) for shot_id in ids], np.float32)
            total[visual, 0] += np.float32(self.look.weight) * scores
        spoken = np.array([self.said.get(shot_id, 0.0) for shot_id in ids], np.float32)
        total[PARTS.index("text"), 0] += np.float32(self.asked.weights["text"] * _SPOKEN) * spoken
        return total

    def strengths(self, known: ReadCache, runs: Sequence[Sequence[str]]) -> list[float]:
        """The best cosines of the leading evidence: what everyday texts are compared by.

        Of a look that is plainly asked for, its degrees. Where quoted words are said there can be
        no better answer.
        """
        if self._is_look:
            assert self.look is not None
            return [max(self.look.degrees.get(shot_id, 0.0) for shot_id in run) for run in runs]
        every = list(dict.fromkeys(shot_id for run in runs for shot_id in run))
        of = dict(zip(every, np.nan_to_num(self.leading.cosines(known, every)), strict=True))
        if self.exact:
            of |= dict.fromkeys(self.spoken, 1.0)
        return [float(max(of[shot_id] for shot_id in run)) for run in runs]

    def null(self) -> NullDistribution:
        """The best cosines of everyday texts with the leading evidence."""
        if self._is_look:
            return NullDistribution(np.array([_HAS_LOOK - 0.01], np.float32))
        return self.leading.null()

    def typical(self) -> float:
        """Typical score of the best answer to an everyday text of this intent."""
        asked = tuple((e.space.table, e.part, e.weight, e.asker.key) for e in self.evidence)
        sample = passages(self.store, self.leading.space)
        return cached(sample, ("typical text", str(self.store.path), asked), self._typical)

    def _typical(self) -> float:
        common = [e.asker.common() for e in self.evidence]
        count = min(_EVERYDAY, *map(len, common))
        best = []
        for i in range(count):
            evidence = tuple(
                replace(e, query=texts[[i * len(texts) // count]], _cosines={})
                for e, texts in zip(self.evidence, common, strict=True)
            )
            known = ReadCache(self.store)
            said = meanings(evidence, known)
            one = TextMatcher(self.store, self.asked, evidence, said, look=None, known=known)
            best.append(one.best())
        return float(np.median(best)) if best else 1.0

    def best(self) -> float:
        """The score of the best answer; 0 if there is none."""
        known, ids = self.known, dict[str, None]()
        for probe in self.probes():
            (near,) = nearest(self.store, probe.space, probe.rows, _FEEDBACK)
            known.add(probe.space, near.ids, near.vectors)
            ids |= dict.fromkeys(near.ids)
        scores = self.shares(known, list(ids)).sum(axis=0)
        return float(scores.max()) if ids else 0.0

    @property
    def _is_look(self) -> bool:
        """True if the query is only about a look."""
        return self.look is not None and self.look.weight >= _PLAINLY

    @property
    def leading(self) -> Evidence:
        """Evidence with the greatest weight."""
        return self.evidence[0]

    @property
    def looks(self) -> Evidence | None:
        """The evidence of pictures; None where they do not count."""
        return next((e for e in self.evidence if e.part == "visual"), None)

    def _around(
        self, looks: Evidence, known: ReadCache, ids: Sequence[str]
    ) -> Float32[np.ndarray, " shots"]:
        """Contribution of the shots just before and after each: their mean, weighted as context."""
        weight = np.float32(self.asked.weights["context"])
        if not weight:
            return np.zeros(len(ids), np.float32)
        near = [neighbours(shot_id, _AROUND) for shot_id in ids]
        every = sorted({shot_id for some in near for shot_id in some})
        scores = dict(zip(every, looks.scores(known, every).tolist(), strict=True))
        there = [
            [s for shot_id in some if (s := scores[shot_id]) == s] for some in near
        ]  # those not nan
        return weight * np.array([sum(some) / max(1, len(some)) for some in there], np.float32)

    @cached_property
    def feedback(self) -> ExampleMatcher | None:
        """The shots whose pictures match best, as examples; None where pictures do not count."""
        if self.looks is None:
            return None
        probe, known = self.looks.probe(), self.known
        (near,) = nearest(self.store, probe.space, probe.rows, _LOOKED_AT)
        known.add(probe.space, near.ids, near.vectors)
        scores = np.nan_to_num(self.looks.scores(known, near.ids))
        scores += self._around(self.looks, known, near.ids)
        best = [
            near.ids[i] for i in np.argsort(-scores, kind="stable")[:_FEEDBACK] if scores[i] > 0
        ]
        if not best:
            return None
        ids = sorted(best)
        rows = known.vectors(self.store.live("fused"), ids)
        example = Example(rows, rows, ids=frozenset(ids))
        left_out: frozenset[Part] = self.asked.left_out | {"text"}
        weights = dict.fromkeys(left_out, 0.0)
        return ExampleMatcher.of(self.store, [example], weights=weights, known=known)

    @cached_property
    def feedback_spread(self) -> float:
        """Standard deviation of the likeness of random shots to the first answers."""
        assert self.feedback is not None
        one = self.feedback.compared[0]
        found = one.scale.products(one.rows, sampled(self.store, one.space))
        return float(sum(found.values(), np.float32(0)).std()) or 1.0


def text_matcher(
    store: Storage,
    text: str,
    encoders: Encoders,
    captions: CaptionMap | None,
    *,
    weights: Mapping[Part, float],
    known: ReadCache,
) -> TextMatcher:
    """Build the query for a text.

    Args:
        store: The store to search.
        text: Text of the query.
        encoders: Encoders that made the store's vectors.
        captions: Map from pictures to sentences; without it the descriptions of the picture encoder
            are used.
        weights: Weights of the parts, in place of those that the text asks for.
        known: Read cache of the search.

    Raises:
        SpaceMismatch: Other encoders made the store's vectors.
        InvalidInput: No part is left to compare.
    """
    described = store.live("described")
    imported = is_imported(described)
    # Of imported shots only the words are known.
    known_by: Encoders = {"text": encoders["text"]} if imported else encoders
    check_encoders(store, described, known_by)
    known_by = {**known_by, "text": CachedTextEncoder(known_by["text"])}
    asked = asked_of(text, known_by, weights)
    words = quoted(text) or text
    literal = spoken(store, words)
    row = in_a_row(store, text) if literal or not content_words(words) else []
    if row and not weights:
        asked = AskedFor(SAID, "by what is said, as it is said word for word")
    evidence = [
        Evidence(store, space, modality, part, asked.weights[part], asker, asker.queries([text]))
        for part, modality, space, asker in comparable_parts(store, known_by, captions)
        if asked.weights[part] >= _TINY
    ]
    if any(e.part != "text" for e in evidence):
        evidence = [e for e in evidence if e.part != "text" or e.weight >= _MEANT_FROM]
    if not evidence:
        raise InvalidInput(NOTHING_LEFT)
    evidence.sort(key=lambda e: -e.weight)
    literal = row or (literal if asked.weights["text"] > 0 else [])
    exact = bool(row)
    # Where quoted words are said, what means the same is second to that.
    said = fused_by_rank([literal]) if exact and literal else meanings(evidence, known, literal)
    look = asked_look(store, text, known_by["text"]) if asked.weights["visual"] > 0 else None
    if look:
        asked = asked._replace(
            reason=f"{asked.reason}, and by a look that was measured ({look.look.word})"
        )
    return TextMatcher(
        store, asked, tuple(evidence), said, look, known, spoken=tuple(literal), exact=exact
    )
