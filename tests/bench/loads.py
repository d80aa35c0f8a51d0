"""The loads: what each asks, with which tool, and the check that all of it was answered."""

import collections
import json
import re
import time

from servers import ENVIRONMENT, HERE, TOOLS, UPLOAD, Failed, area, bound, cpu, run

HEADERS = [
    "-HCookie: _shop_session=0123456789abcdef0123456789abcdef0123456789abcdef",
    "-HUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
]
STREAMS = 4  # of each HTTP/2 connection
SETTLE = 0.2  # seconds in which what is under way ends and the log is written
KIB_1, KIB_64 = 1024, 64 * 1024

# `quick` says whether the short run has it.
Load = collections.namedtuple("Load", "name scheme tool size connections quick")
Result = collections.namedtuple("Result", "cpu rate")  # µs per request, requests per second


def load(name, scheme, tool, size=KIB_1, connections=64, quick=False):
    return Load(name, scheme, tool, size, connections, quick)


def wrk(scheme, ports, size, connections, seconds, path=None):
    """Keep-alive, closed loop: each connection asks again as soon as it is answered."""
    uploads = size == UPLOAD
    path = path or f"{area()}/{'upload' if uploads else size}"
    output = run(
        [TOOLS / "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "20s", "-s",
         HERE / "load.lua", *HEADERS, f"{scheme}://127.0.0.1:{ports[scheme]}{path}"],
        timeout=seconds + 60, **({"UPLOAD": str(size)} if uploads else {}))
    found = json.loads(output.strip().rpartition("\n")[2])
    if found["unanswered"] or found["refused"]:
        raise Failed(f"wrk: {found}")
    check_bytes(found["bytes"], found["requests"], 0 if uploads else size)
    return found["requests"], found["seconds"]


def h2load(scheme, ports, size, connections, seconds):
    """HTTP/2, closed loop, several streams on each connection."""
    output = run(
        [TOOLS / "h2load", "-t1", f"-c{connections}", f"-m{STREAMS}", f"-D{seconds}",
         *HEADERS, "--tls13-ciphers=TLS_AES_128_GCM_SHA256", "--groups=X25519",
         f"{'https' if scheme == 'https' else 'http'}://127.0.0.1:{ports[scheme]}{area()}/{size}"],
        timeout=seconds + 60)
    if scheme == "https" and "Application protocol: h2" not in output:
        raise Failed(f"no HTTP/2 was agreed on:\n{output}")
    total, _, done, succeeded, failed, errored, timeout = map(
        int, re.findall(r"(\d+) \w+", re.search("requests: .*", output)[0]))
    good = int(re.search(r"status codes: (\d+) 2xx", output)[1])
    if not total == done == succeeded or failed or errored or timeout or good < done:
        raise Failed(f"h2load:\n{output}")
    check_bytes(int(re.search(r"\((\d+)\) data", output)[1]), done, size)
    return done, seconds


def handshakes(scheme, ports, size, connections, seconds, kind="full"):
    """A new connection for each request, from several processes."""
    output = run([HERE / "handshakes", kind, ports[scheme], f"{area()}/{size}", size,
                  connections, seconds], timeout=seconds + 60)
    found = json.loads(output)
    return found["requests"], found["seconds"]


def resumed(scheme, ports, size, connections, seconds):
    """A new connection for each request, which goes on with the last one's session."""
    return handshakes(scheme, ports, size, connections, seconds, "resumed")


LOADS = [
    load("HTTP/1.1, 1 KiB, 1 connection", "http", wrk, connections=1),
    load("HTTP/1.1, 1 KiB, 64 connections", "http", wrk, quick=True),
    load("HTTP/1.1, 1 KiB, 1,024 connections", "http", wrk, connections=1024),
    load("HTTP/1.1, 64 KiB, 1 connection", "http", wrk, KIB_64, connections=1),
    load("HTTP/1.1, 64 KiB, 64 connections", "http", wrk, KIB_64, quick=True),
    load("HTTP/1.1, 64 KiB, 1,024 connections", "http", wrk, KIB_64, connections=1024),
    load("HTTP/1.1, 1 MiB up, 1 connection", "http", wrk, UPLOAD, connections=1),
    load("HTTP/1.1, 1 MiB up, 64 connections", "http", wrk, UPLOAD, quick=True),
    load("TLS, 1 KiB, keep-alive", "https", wrk, quick=True),
    load("TLS, 64 KiB, keep-alive", "https", wrk, KIB_64),
    load("TLS, 1 MiB up, keep-alive", "https", wrk, UPLOAD),
    load("TLS, 1 KiB, new connections", "https", handshakes, connections=4),
    load("TLS, 1 KiB, resumed connections", "https", resumed, connections=4),
    load("HTTP/2 over TLS, 1 KiB", "https", h2load, connections=16, quick=True),
    load("HTTP/2 over TLS, 64 KiB", "https", h2load, KIB_64, connections=16),
    load("HTTP/2 cleartext, 1 KiB", "h2c", h2load, connections=16),
    load("HTTP/2 cleartext, 64 KiB", "h2c", h2load, KIB_64, connections=16),
]


def check_bytes(received, requests, size):
    if not requests or received < requests * size:
        raise Failed(f"{requests} answers of {size} bytes came as {received} bytes in all")


def measure(one, server, seconds):
    """One load on one proxy."""
    return with_cpu(server, lambda: one.tool(
        one.scheme, server.ports, one.size, one.connections, seconds))


def with_cpu(server, work):
    """Does the work, which says how many requests it made in which time, and what it cost."""
    if server.log.exists():
        server.log.open("r+b").truncate()
    before = cpu(server.pid)
    requests, seconds = work()
    time.sleep(SETTLE)
    used = cpu(server.pid) - before
    logged = server.log.read_bytes().count(b"\n") if server.log.exists() else 0
    # The tools stop counting when time is up: what is under way then is logged and not counted.
    if server.name != "relay" and logged < requests * 0.99:
        raise Failed(f"{server.name} logged {logged} of {requests} requests")
    return Result(used * 1e6 / requests, requests / seconds)


def at_rate(server, rate, seconds):
    """Latency at a constant rate in ms, counted from when each request should have been sent.

    oha does it (open loop, corrected for coordinated omission).
    """
    output = run(
        [TOOLS / "bin/oha", "--no-tui", "--output-format", "json", "--latency-correction",
         "-w", "-q", rate, "-c", 64, "-z", f"{seconds}s", *HEADERS,
         f"http://127.0.0.1:{server.ports['http']}{area()}/{KIB_1}"], timeout=seconds + 60)
    found = json.loads(output)
    statuses = found["statusCodeDistribution"]
    if set(statuses) != {"200"} or found["errorDistribution"]:
        raise Failed(f"oha: {statuses}, {found['errorDistribution']}")
    reached = found["summary"]["requestsPerSec"]
    if reached < 0.97 * rate:
        raise Failed(f"oha reached {reached:.0f} of {rate} requests per second")
    return {it: found["latencyPercentiles"][it] * 1000 for it in ("p50", "p99", "p99.9")}
