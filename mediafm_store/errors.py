"""The exceptions a caller may want to catch.

* MediaFMError
  - InvalidInput           a file, id or value that cannot be used as given
    + InvalidMedia         a media file that cannot be opened or decoded
    + InvalidSubtitles     a subtitle file that cannot be read
  - NotFound           a title, shot, space, index or plug-in that is not there
  - SpaceMismatch      vectors of one space met those of another
  - GateFailed        a version of a space failed a gate and did not become live
"""


class MediaFMError(Exception):
    """Base class. The message is one line that names the value and the cure."""


class InvalidInput(MediaFMError):
    """A file, id or value cannot be used as given."""


class InvalidMedia(InvalidInput):
    """A media file could not be opened or decoded."""


class InvalidSubtitles(InvalidInput):
    """A subtitle file could not be read."""


class NotFound(MediaFMError):
    """The store, or the installation, has nothing of this name."""


class SpaceMismatch(MediaFMError):
    """Vectors of one space were given where those of another are needed."""


class GateFailed(MediaFMError):
    """A version of a space failed a gate; the version before it stays live."""


def first_line(error: BaseException) -> str:
    r"""First line of an error's message; its type if it has none.

    Example:
        >>> first_line(ValueError("no such file\ngive another"))
        'no such file'
    """
    return str(error).strip().partition("\n")[0] or type(error).__name__
