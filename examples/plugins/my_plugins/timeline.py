"""A timeline as a Markdown table, for notes and wikis.

Register it in pyproject.toml, under the suffix that it writes:

    [project.entry-points."mediafm_store.timelines"]
    markdown = "my_plugins.timeline:markdown"

Then: mediafm search "a lake" --out found.markdown
"""

import html

from mediafm_store.timelines.escaping import one_line


def markdown(segments, *, name, fps):
    lines = [f"# {_cell(name)}", "", "| Segment | From | To | Note |", "|---|---|---|---|"]
    for segment in segments:
        span = segment.span
        cells = [_cell(segment.label), f"{span.start_s:.3f}", f"{span.end_s:.3f}"]
        lines.append(f"| {' | '.join([*cells, _cell(segment.note)])} |")
    return "\n".join(lines) + "\n"


def _cell(text):
    return html.escape(one_line(text)).replace("|", "&#124;")
