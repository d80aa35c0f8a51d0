"""Latencies of several rounds as one distribution, and how sure a ratio of two of them is."""

import collections
import random

RESAMPLES = 1000
CONFIDENCE = 0.95


def percentile(rounds, share):
    """The latency, in ms, that this share of all requests of the rounds did not exceed.

    Each round is a histogram: pairs of a latency in ms and how many requests had it.
    """
    counts = collections.Counter()
    for histogram in rounds:
        for latency, count in histogram:
            counts[latency] += count
    left = share * sum(counts.values())
    for latency in sorted(counts):
        left -= counts[latency]
        if left <= 0:
            return latency
    raise ValueError("no requests")


def ratio(rounds, others, share):
    """One arm's percentile over another's, and the interval that holds it with 95 % confidence.

    Requests of one round share whatever disturbs it, so whole rounds are drawn again (a block
    bootstrap), and both arms' of the same round together.
    """
    chance = random.Random(1)  # the same table of the same figures
    drawn = sorted(
        percentile([rounds[it] for it in picked], share)
        / percentile([others[it] for it in picked], share)
        for picked in (chance.choices(range(len(rounds)), k=len(rounds)) for _ in range(RESAMPLES)))
    outside = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return (percentile(rounds, share) / percentile(others, share), drawn[outside],
            drawn[-1 - outside])
