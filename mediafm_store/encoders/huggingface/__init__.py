"""Encoders from `transformers` (extra `hf`): any model folder or hub name of the known families."""

from collections.abc import Callable

from mediafm_store.encoders.encoder import Encoder
from mediafm_store.encoders.huggingface.folder import ModelFolder
from mediafm_store.encoders.huggingface.picture import JointPicture
from mediafm_store.encoders.huggingface.sentence import Sentence
from mediafm_store.encoders.huggingface.sound import JointSound, Speech

_FAMILIES: dict[str, Callable[[ModelFolder], Encoder]] = {
    "clip": JointPicture,
    "siglip": JointPicture,
    "siglip2": JointPicture,
    "clap": JointSound,
    "hubert": Speech,
    "wav2vec2": Speech,
    "wavlm": Speech,
}
"""Encoders by `model_type` of the configuration; every other model with a tokenizer reads
sentences."""


def hf(model: str, *, device: str = "cpu") -> Encoder:
    """The encoder for a model; raise InvalidInput if it cannot be used."""
    folder = ModelFolder(model, device)
    return _FAMILIES.get(folder.config.model_type, Sentence)(folder)
