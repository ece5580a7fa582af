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
    """Features of the cut, each in [0, 1]: see `SIGNS`."""
    reasons: tuple[str, ...]
    """Features in words, strongest first."""
    around: tuple[str, ...] = ()
    """Names of things seen and heard around it, for ads that must avoid them."""
    weighed: str = "default weights"
    """Source of the weights, in words."""
