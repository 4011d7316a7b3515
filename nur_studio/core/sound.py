"""Sound as the studio passes it on."""

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]
"""float32, shape (frames, channels), full scale ±1; its sample rate in Hz travels beside it."""
