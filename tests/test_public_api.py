import subprocess
import sys

import mediafm_store


def test_all_public_names_resolve():
    assert mediafm_store.__all__ == sorted(mediafm_store.__all__)
    for name in mediafm_store.__all__:
        found = getattr(mediafm_store, name)
        assert getattr(found, "__name__", name) in {name, "Callable"}


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(mediafm_store, "nope")


def test_import_is_light():
    heavy = "('torch', 'faiss', 'lancedb', 'av', 'onnxruntime', 'rich', 'numpy')"
    code = f"import sys, mediafm_cli.main; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_what_needs_no_model_is_there_without_torch():
    """Each takes more than a second to import, at every start of the command."""
    light = [
        "spaces",
        "probing.predict",
        "tags.apply",
        "breaks.rank",
        "dashboard",
        "search",
        "ingest",
    ]
    names = [f"mediafm_store.tasks.{name}" for name in light]
    shown = "[m for m in ('torch', 'sklearn') if m in sys.modules]"
    code = f"import sys, {', '.join(names)}; print({shown})"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
