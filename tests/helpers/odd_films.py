"""Films as they come from cameras, broadcasters and damaged disks, made with PyAV."""

from fractions import Fraction

import av
import numpy as np

COLOURS = [(230, 60, 60), (20, 60, 20), (80, 90, 250), (250, 240, 90)]


def pictures(count=96, *, size=(160, 96), shot=24):
    """RGB frames, every `shot` of them in another colour, with a bright upper left corner."""
    width, height = size
    for number in range(count):
        image = np.zeros((height, width, 3), np.uint8)
        image[:] = np.array(COLOURS[number // shot % 4]) * (0.95 + 0.05 * np.sin(number / 5))
        image[: height // 2, : width // 2] = 255 - image[: height // 2, : width // 2]
        yield image


def make_film(
    path,
    *,
    images=None,
    codec="libx264",
    pixels="yuv420p",
    fps=24,
    options=None,
    times=None,
    sounds=(),
    sound_s=None,
    sound_codec="aac",
    rotation=0,
    aspect=None,
    notes=(),
):
    """Write a film; `times` are the ticks of its frames (of 1/1000 s), `sounds` its layouts.

    `notes` are the metadata of its picture, such as a time code.
    """
    images = list(pictures()) if images is None else images
    tick = Fraction(1, 1000) if times else 1 / Fraction(fps)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=Fraction(fps), options=options or {})
        video.height, video.width = images[0].shape[:2]
        video.pix_fmt, video.time_base = pixels, tick
        video.codec_context.time_base = tick
        video.metadata.update(notes)
        if aspect:
            video.codec_context.sample_aspect_ratio = aspect
        if rotation:
            video.set_display_rotation(rotation)
        tracks = [
            container.add_stream(sound_codec, rate=48_000, layout=layout) for layout in sounds
        ]
        for number, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = times[number] if times else number, tick
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        for number, track in enumerate(tracks):
            length_s = len(images) / fps if sound_s is None else sound_s
            container.mux(hum(track, length_s, 220 * (number + 1)))
    return path


def hum(track, length_s, hertz):
    """The packets of a tone on all channels."""
    layout = track.codec_context.layout
    packed = track.codec_context.format.is_packed
    packets = []
    for first in range(0, int(length_s * 48_000), 1024):
        tone = 0.3 * np.sin(2 * np.pi * hertz * np.arange(first, first + 1024) / 48_000)
        if packed:
            samples = np.repeat(np.int16(32_767 * tone), layout.nb_channels)[None]
        else:
            samples = np.repeat(np.float32(tone)[None], layout.nb_channels, axis=0)
        frame = av.AudioFrame.from_ndarray(
            samples, format="s16" if packed else "fltp", layout=layout.name
        )
        frame.sample_rate, frame.pts, frame.time_base = 48_000, first, Fraction(1, 48_000)
        packets += track.encode(frame)
    return packets + track.encode(None)


def moved(film, target, move):
    """A copy of a film; to each packet's time `move` adds seconds. Returns the copy."""
    form = {".ts": "mpegts", ".mp4": "mp4", ".mkv": "matroska"}[target.suffix]
    with av.open(str(film)) as source, av.open(str(target), "w", format=form) as out:
        made = {s.index: out.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None:
                ticks = round(move(float(packet.dts * packet.time_base)) / packet.time_base)
                packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
                packet.stream = made[packet.stream.index]
                out.mux(packet)
    return target
