"""A detector that cuts where the mean colour of a frame changes suddenly.

Register it in pyproject.toml:

    [project.entry-points."mediafm_store.detectors"]
    brightness = "my_plugins.detector:brightness"

Then: mediafm ingest FOLDER --detector brightness
"""

import numpy as np


def brightness(frames, fps):
    last, before = 0, None
    for number, frame in enumerate(frames):
        now = frame.image.mean(axis=(0, 1))
        if before is not None and number - last >= fps / 2 and np.abs(now - before).max() > 25:
            last = number
            yield number
        before = now
