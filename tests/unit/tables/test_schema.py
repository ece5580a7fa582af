"""docs/format.md says what the tables are."""

import re

import pyarrow as pa

from mediafm_store.tables.schema import FORMAT, TABLES, vectors_schema
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")


def in_words(data_type: pa.DataType) -> str:
    """A type as the page calls it."""
    if pa.types.is_struct(data_type):
        names = [field.name for field in data_type]
        same = {field.type for field in data_type} == {pa.string()}
        return "struct of strings" if same else "{" + ", ".join(names) + "}"
    if pa.types.is_fixed_size_list(data_type):
        return "list of float16"
    if pa.types.is_list(data_type):
        return f"list of {in_words(data_type.value_type)}"
    return "timestamp, UTC" if pa.types.is_timestamp(data_type) else str(data_type)


def test_the_page_names_every_column_and_its_type():
    sections = re.split(r"^## `(\w+)`.*$", PAGE, flags=re.MULTILINE)[1:]
    documented = {}
    for name, text in zip(sections[::2], sections[1::2], strict=True):
        rows = re.findall(r"^\| `(\w+)` \| (.+?) \| (.+) \|$", text, flags=re.MULTILINE)
        documented[name] = {
            column: data_type for column, data_type, meaning in rows if meaning.strip()
        }
    schemas = {**TABLES, "fused_v1": vectors_schema(2304)}
    assert documented == {
        name: {field.name: in_words(field.type) for field in schema}
        for name, schema in schemas.items()
    }
    assert f"Format {FORMAT}." in PAGE
