"""The words of a text as an input beside vectors: tf-idf over words and pairs of words.

A sentence's vector says what it is about, not which words it has; where tags are named in a
synopsis, their names are the best evidence.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from mediafm_store.errors import InvalidInput

_MOST_WORDS = 20_000
_IN_TEXTS = 2
"""Number of texts that a word must occur in."""


class TfIdf(NamedTuple):
    """TF-IDF vocabulary, with the weight of each word."""

    vocabulary: list[str]
    idf: Float64[np.ndarray, " words"]

    def matrix(self, texts: Sequence[str]) -> sparse.csr_matrix:
        """One row a text, of length 1; of length 0 if it has none of the words."""
        vectorizer = _reader(vocabulary=self.vocabulary)
        vectorizer.idf_ = self.idf
        return vectorizer.transform(texts).astype(np.float32)


class TextInput(NamedTuple):
    """Texts as an input; the vocabulary is learned only from texts that a fit may see."""

    texts: Sequence[str]

    def parted(self, seen: np.ndarray, held: np.ndarray) -> tuple[Any, Any] | None:
        """Rows of those that are seen, and of those held out; None if they have no common words."""
        ours, theirs = ([self.texts[i] for i in rows] for rows in (seen, held))
        try:
            words = words_of(list(dict.fromkeys(ours)))
        except InvalidInput:
            return None
        return words.matrix(ours), words.matrix(theirs)


def words_of(texts: Sequence[str]) -> TfIdf:
    """Vocabulary of texts: the words that occur in two of them or more."""
    vectorizer = _reader(min_df=min(_IN_TEXTS, len(texts)), max_features=_MOST_WORDS)
    try:
        vectorizer.fit(texts)
    except ValueError as error:  # not a word is in two of them
        raise InvalidInput(
            "names and synopses have no words in common to learn from; leave --words out"
        ) from error
    return TfIdf(vectorizer.get_feature_names_out().tolist(), vectorizer.idf_)


def _reader(**options: object) -> Any:
    """A vectorizer of words and pairs of words; one that comes again counts little more."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), **options)
