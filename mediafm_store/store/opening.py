"""Open a store."""

from pathlib import Path

from mediafm_store.storage.storage import Storage
from mediafm_store.store.store import Store


def open(path: str | Path, *, create: bool = False) -> Store:  # noqa: A001 - as in gzip.open
    """Open an embedding store.

    Args:
        path: A folder, or an address of object storage such as `s3://bucket/store`.
        create: Make the store if there is none.

    Returns:
        The store. It needs no closing.

    Raises:
        NotFound: There is no store, and `create` is false.
        InvalidInput: `path` is a file, or the store is of a newer format.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> import mediafm_store as mfm
        >>> with TemporaryDirectory() as folder:
        ...     len(mfm.open(f"{folder}/store", create=True))
        0
    """
    return Store(Storage(path, create=create))
