"""What the ingest of a film costs at other sizes of its picture: `python -m benchmarks.sizes`.

A minute of Sintel is scaled and encoded as H.264 at usual bit rates, without sound. What the
command takes for a second of film, which is its start, is taken off.
"""

import tempfile
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av

from benchmarks.commands import run
from benchmarks.common import labelled_films, media_folder, print_table, write_results

FROM_S, LENGTH_S, FPS = 300, 60, 24
SIZES = {(640, 272): 1.2e6, (1280, 544): 4e6, (1920, 816): 8e6}
"""Width and height: bits a second."""


def main() -> None:
    """Measure all sizes, print them and write them down."""
    film, _ = labelled_films(media_folder())["sintel"]
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for size, bit_rate in SIZES.items():
            start_s, took_s = (ingest_s(film, folder, size, s) for s in (1, LENGTH_S))
            cost = (took_s - start_s) * 60 / (LENGTH_S - 1)
            told = {"width": size[0], "height": size[1], "mbit_per_s": bit_rate / 1e6}
            rows.append(told | {"core_s_per_minute": cost})
    print_table(rows)
    write_results("sizes", {"rows": rows})


def ingest_s(film: Path, folder: Path, size: tuple[int, int], seconds: int) -> float:
    """Seconds of processor that the command takes for so much of a film, at another size."""
    width, height = size
    path = folder / f"film{width}_{seconds}.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "fast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = int(SIZES[size])
        for number, frame in enumerate(islice(pictures(film), FPS * seconds)):
            scaled = frame.reformat(width, height, "yuv420p")
            scaled.pts, scaled.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(scaled))
        container.mux(stream.encode())
    cost = run(["ingest", str(path)], folder / path.stem, folder / "log")
    return cost.processor_s


def pictures(film: Path) -> Iterator[av.VideoFrame]:
    """The frames of a film from FROM_S on."""
    with av.open(film) as container:
        video = container.streams.video[0]
        container.seek(FROM_S * av.time_base)
        yield from container.decode(video)


if __name__ == "__main__":
    main()
