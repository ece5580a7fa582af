"""An exporter of JSON lines, without vectors.

Register it in pyproject.toml, under the suffix that it writes:

    [project.entry-points."mediafm_store.exporters"]
    jsonl = "my_plugins.exporter:jsonl"

Then: mediafm export shots shots.jsonl
"""

import json


def jsonl(view, path):
    columns = [name for name in view.schema.names if name not in ("vector", "jpeg")]
    with path.open("w", encoding="utf-8") as file:
        for batch in view.batches(columns):
            for row in batch.to_pylist():
                file.write(json.dumps(row, ensure_ascii=False, default=str) + "\n")
