"""Pretrained encoders: what a shot shows, sounds like and says, as blocks of a vector."""

__all__ = [
    "blocks",
    "class_names",
    "efficientnet",
    "encoder",
    "minilm",
    "onnx",
    "torch_eval",
    "yamnet",
]
