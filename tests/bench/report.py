"""The tables, in Markdown: medians with the least and the greatest of the rounds."""

import os
import re
import statistics
from pathlib import Path

from latencies import Latencies, ratio
from servers import BANYAN, PINGORA, TOOLS, envoy, run
from shadow_cost import ARMS, ELSEWHERE, WITHOUT

BESIDE = ["nginx", "haproxy", "relay"]  # what the others are compared with


def print_machine(rounds, seconds):
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    print(f"{os.cpu_count()} processors ({model[1] if model else 'unknown'}),"
          f" Linux {os.uname().release}; load average {os.getloadavg()[0]:.1f}")
    versions = [[TOOLS / "nginx", "-v"], [TOOLS / "haproxy", "-v"], [BANYAN, "--version"],
                [TOOLS / "h2load", "--version"], [TOOLS / "bin/oha", "--version"]]
    if envoy():
        versions.append([envoy(), "--version"])
    for command in filter(lambda it: it[0].exists(), versions):
        said = run(command).strip().split("\n")[0]
        print(re.sub(r"^/.* version: \w+/([^/]+).*", r"envoy \1", said))
    if PINGORA.exists():
        manifest = (Path(__file__).parent / "pingora/Cargo.toml").read_text()
        print(f"pingora {re.search(r'pingora = .*?=([0-9.]+)', manifest)[1]}")
    print(f"\n{rounds} rounds of {seconds} s; median (min–max)", flush=True)


def print_loads(found):
    """`found` has, by load and proxy, each round's result or None, or a word why there is none."""
    print("\n| load | proxy | CPU µs per request | × nginx | × HAProxy | × relay | requests/s |")
    print("|---|---|---|---|---|---|---|")
    for load, peers in found.items():
        for peer, rounds in peers.items():
            if isinstance(rounds, str):
                print(f"| {load} | {peer} | {rounds} | | | | |")
                continue
            good = [one for one in rounds if one]
            cells = [spread([one.cpu for one in good], 1)]
            cells += ["1" if it == peer else spread(ratios(rounds, peers.get(it)), 2)
                      for it in BESIDE]
            cells += [spread([one.rate for one in good], 0)]
            print(f"| {load} | {peer} | {' | '.join(cells)} |")


def ratios(rounds, beside):
    """A proxy's CPU time over another's in the same round."""
    if not isinstance(beside, list):
        return []
    return [one.cpu / other.cpu for one, other in zip(rounds, beside) if one and other]


def print_rates(rate, found):
    print(f"\nAt {rate:,} requests/s, 1 KiB, 64 connections; open loop, ms since a request was due:\n")
    print("| proxy | p50 | p99 | p99.9 |")
    print("|---|---|---|---|")
    for peer, rounds in found.items():
        cells = [spread([one[key] for one in rounds], 2) for key in ("p50", "p99", "p99.9")]
        print(f"| {peer} | {' | '.join(cells)} |")


def print_idle(connections, found):
    print(f"\n| {connections:,} idle connections | proxy | KiB for each |")
    print("|---|---|---|")
    for (scheme, peer), each in found.items():
        print(f"| {scheme} | {peer} | {each if isinstance(each, str) else f'{each:.1f}'} |")


def print_routing(found):
    print("\n| Banyan with | CPU µs per request | × the fewest |")
    print("|---|---|---|")
    first = next(iter(found.values()))
    for routes, rounds in found.items():
        cpu = spread([one.cpu for one in rounds if one], 1)
        print(f"| {routes:,} routes | {cpu} | {spread(ratios(rounds, first), 2)} |")


def print_extractions(found):
    """`found` has, by load and side, each round's cost or None."""
    print("\n| load | Puma, CPU µs per request | handler | Puma ÷ handler"
          " | MariaDB for Puma | for the handler | requests/s of Puma | of the handler |")
    print("|---|---|---|---|---|---|---|---|")
    for load, (puma, handler) in found.items():
        sides = [[one for one in rounds if one] for rounds in (puma, handler)]
        cells = [spread([one.cpu for one in rounds], 0) for rounds in sides]
        cells += [spread(ratios(puma, handler), 1)]
        cells += [spread([one.database for one in rounds], 0) for rounds in sides]
        cells += [spread([one.rate for one in rounds], 0) for rounds in sides]
        print(f"| {load} | {' | '.join(cells)} |")


def print_comparisons(found):
    """`found` has, by pair and peer, the speed of each comparison."""
    print("\n| pair of JSON documents | compared by | MB/s of both, by CPU time | Banyan's × |")
    print("|---|---|---|---|")
    for pair, peers in found.items():
        for peer, speeds in peers.items():
            ours = peers.get("banyan")
            times = statistics.median(ours) / statistics.median(speeds) if ours and speeds else 0
            beside = "1" if peer == "banyan" else f"{times:,.0f}" if times else "–"
            print(f"| {pair} | {peer} | {spread(speeds, 1)} | {beside} |")


def print_shadow(found):
    """`found` has, by load, each round's figures of every arm. Latencies are of all rounds together."""
    print("\n| load | arm | p50, ms | p99, ms | p99 ÷ without (95 %) | p99 ÷ candidate elsewhere (95 %)"
          " | p50 ÷ candidate elsewhere (95 %) | CPU µs per request of buyers' threads | requests/s"
          " | candidates or records/s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for load, rounds in found.items():
        measured = [arm for arm in ARMS if rounds and arm in rounds[0]]
        arms = {arm: Latencies([one[arm].histogram for one in rounds]) for arm in measured}
        for arm, latencies in arms.items():
            def beside(other, share):
                if arm == other or other not in arms:
                    return "1" if arm == other else "–"
                return "{:.3f} ({:.3f}–{:.3f})".format(*ratio(latencies, arms[other], share))
            cells = [f"{latencies.percentile(it):,.2f}" for it in (0.5, 0.99)]
            cells += [beside(WITHOUT, 0.99), beside(ELSEWHERE, 0.99), beside(ELSEWHERE, 0.5)]
            cells += [spread([getattr(one[arm], figure) for one in rounds], digits)
                      for figure, digits in (("cpu", 1), ("rate", 0), ("done", 0))]
            print(f"| {load} | {arm} | {' | '.join(cells)} |")


def spread(numbers, digits):
    if not numbers:
        return "–"
    median, low, high = (f"{number:,.{digits}f}" for number in
                         (statistics.median(numbers), min(numbers), max(numbers)))
    return f"{median} ({low}–{high})" if len(numbers) > 1 else median
