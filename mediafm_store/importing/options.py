"""How files of features are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from mediafm_store.arrays import Modality


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportOptions:
    """What arrays and columns of files are called, and what made them."""

    arrays: Mapping[Modality, str] = field(default_factory=dict)
    """Names of the arrays or columns of "visual", "audio" and "text"; default: these."""
    made_by: Mapping[Modality, str] = field(default_factory=dict)
    """Names of the encoders that made them; default: the names of the arrays."""
    fps: Fraction | float | str | None = None
    """Frames a second, of shots that are given by frames; a fraction may be written "24000/1001".
    """
    scenes: str = "scene"
    """Name of the array or column of scene numbers."""
    title: str | None = None
    """The title's id; belongs to one `.npz`. Default: from the file's name."""
