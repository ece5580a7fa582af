"""A place for an ad break."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AdBreak:
    """A cut between two shots; a higher score is a better place for a break."""

    before: str
    """The shot that ends here."""
    after: str
    """The shot that starts here."""
    seconds: float
    score: float
    """0 to 1; a probability if the weights were fitted to labels."""
    signs: dict[str, float]
    """What speaks for it, each from 0 to 1: see `SIGNS`."""
    reasons: tuple[str, ...]
    """The same in words, strongest first."""
    around: tuple[str, ...] = ()
    """What is seen and heard in the shots around it, for those who must not advertise there."""
    weighed: str = "default weights"
    """What the score is made with, in words."""
