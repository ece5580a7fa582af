"""One film as SDR, as PQ and as HLG, by the formulas of BT.2100 and BT.2408."""

from fractions import Fraction

import av
import numpy as np

from mediafm_store.media.hdr import _pq_codes as pq_codes

TO_2020 = np.linalg.inv(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]]
)
LUMA = {"sdr": (0.2126, 0.0722), "pq": (0.2627, 0.0593), "hlg": (0.2627, 0.0593)}
"""Of red and of blue."""
TOLD = {"sdr": (1, 1, 1), "pq": (9, 16, 9), "hlg": (9, 18, 9)}
"""Primaries, transfer and matrix, as H.273 numbers them."""


def coded(image, kind, white=203):
    """RGB of 8 bits as R'G'B' from 0 to 1 of a kind; its white is at `white` nits."""
    values = image / 255
    if kind == "sdr":
        return values
    nits = np.clip(values**2.4 @ TO_2020.T, 0, None) * white
    if kind == "pq":
        return pq_codes(nits)
    luminance = nits @ (0.2627, 0.678, 0.0593)
    scene = nits / 1000 * np.maximum(luminance / 1000, 1e-9)[..., None] ** (1 / 1.2 - 1)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    curved = a * np.log(np.maximum(12 * scene - b, 1e-9)) + c
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), curved)


def as_yuv(values, kind):
    """R'G'B' as a picture of 10 bits, 4:4:4, of the range of television."""
    red, blue = LUMA[kind]
    luma = values @ (red, 1 - red - blue, blue)
    cb = (values[..., 2] - luma) / (2 - 2 * blue)
    cr = (values[..., 0] - luma) / (2 - 2 * red)
    planes = np.stack([64 + 876 * luma, 512 + 896 * cb, 512 + 896 * cr])
    frame = av.VideoFrame(values.shape[1], values.shape[0], "yuv444p10le")
    for plane, numbers in zip(frame.planes, planes, strict=True):
        rows = np.zeros((frame.height, plane.line_size // 2), np.uint16)
        rows[:, : frame.width] = np.rint(np.clip(numbers, 0, 1023))
        plane.update(rows.tobytes())
    return frame


def hdr_film(path, images, kind, *, codec="libx265", matrix=None, white=203, options=None):
    """Write RGB `images` as a film of a kind; `matrix` may be claimed to be another one."""
    primaries, transfer, own = TOLD[kind]
    with av.open(str(path), "w") as container:
        usual = {"x265-params": "log-level=none:qp=8"} if codec == "libx265" else {}
        stream = container.add_stream(codec, rate=24, options=options or usual)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv444p10le" if codec == "ffv1" else "yuv420p10le"
        stream.codec_context.color_primaries = primaries
        stream.codec_context.color_trc = transfer
        stream.codec_context.colorspace = matrix or own
        stream.codec_context.color_range = 1
        for number, image in enumerate(images):
            frame = as_yuv(coded(image, kind, white), kind)
            if stream.pix_fmt != "yuv444p10le":
                frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 24)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
