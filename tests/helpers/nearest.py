"""Vectors, and what is nearest to them."""

import numpy as np

N, D = 2000, 48


def vectors_and_queries():
    rng = np.random.default_rng(0)
    return unit(rng, N), unit(rng, 20)


def unit(rng, n):
    x = rng.normal(size=(n, D)).astype(np.float32)
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def filled(train, vectors):
    index = train(vectors, rows=len(vectors))
    for part in np.array_split(vectors, 3):
        index.add(part)
    return index


def rescored(found, vectors, queries, k):
    """The best `k` by exact scores, as searches take them."""
    exact = []
    for one, query in zip(found, queries, strict=True):
        scores = vectors[one.rows] @ query
        order = np.argsort(-scores)[:k]
        exact.append(type(one)(one.rows[order], scores[order]))
    return exact
