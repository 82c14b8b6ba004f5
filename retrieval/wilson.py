"""Wilson's interval of a share (JASA 22, 1927). Standard library only.

It stays in 0 … 1, and holds its 95 % also for few cases and for shares near 0 or 1. There the usual p ± 1.96 · s is too
narrow: of 20 right of 20 it would say 1 ± 0.
"""

import math


def wilson(found: int, sample: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of the share `found` of `sample`, or another for another quantile `z` of the normal law."""
    share, spread = found / sample, z * z / sample
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / sample + spread / (4 * sample))
    return max(0.0, middle - half), min(1.0, middle + half)
