"""Latencies of several rounds as one distribution, and how sure a ratio of two of them is."""

import bisect
import itertools
import random

RESAMPLES = 1000
CONFIDENCE = 0.95


class Latencies:
    """One arm's. Each round is a histogram: pairs of a latency in ms and how many requests had it."""

    def __init__(self, rounds):
        self.values = sorted({latency for histogram in rounds for latency, _ in histogram})
        self.rounds = []  # of each its latencies, and how many requests were as fast
        for histogram in map(sorted, rounds):
            latencies, counts = zip(*histogram)
            self.rounds.append((latencies, [0, *itertools.accumulate(counts)]))

    def percentile(self, share, picked=None):
        """What this share of all requests of the picked rounds did not exceed, in ms."""
        rounds = [self.rounds[it] for it in picked] if picked else self.rounds
        wanted = share * sum(up_to[-1] for _, up_to in rounds)

        def is_enough(value):
            return sum(up_to[bisect.bisect_right(latencies, value)]
                       for latencies, up_to in rounds) >= wanted

        return self.values[bisect.bisect_left(self.values, True, key=is_enough)]


def ratio(arm, other, share):
    """One arm's percentile over another's, and the interval that holds it with 95 % confidence.

    Requests of one round share whatever disturbs it, so whole rounds are drawn again (a block
    bootstrap), and both arms' of the same round together.
    """
    chance, numbers = random.Random(1), range(len(arm.rounds))  # the same of the same figures
    drawn = sorted(arm.percentile(share, picked) / other.percentile(share, picked)
                   for picked in (chance.choices(numbers, k=len(numbers))
                                  for _ in range(RESAMPLES)))
    outside = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return arm.percentile(share) / other.percentile(share), drawn[outside], drawn[-1 - outside]
