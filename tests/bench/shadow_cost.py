"""What buyers pay for shadow: the same load through Banyan without and with 100 % of it compared.

The load, the monolith and the threads that serve buyers have one processor; the candidate, its
database and the judge have another. A candidate's work disturbs buyers wherever it is done, by the
database and the caches that both use. So there is an arm in which it is done at the same rate, but
not by shadow: by the same handler in another Banyan, on the candidate's processor. What shadow
costs beyond the candidate's own work is what it costs beside that arm. And one arm is there twice:
what those two differ by is what this run cannot see.
"""

import collections
import contextlib
import json
import os
import re
import subprocess
import time
from pathlib import Path

from extractions import ask, asked
from loads import SETTLE
from servers import BANYAN, ENVIRONMENT, TOOLS, WORK, Failed, bound, configure, free_ports, nginx, start
from servers import ask as get
from shop import metrics, processes_of

BUYERS, CANDIDATE = {0}, {1}  # processors
SERVING = ("banyan", "worker-", "access-log")  # the names of threads that serve buyers
AT_ONCE = 8  # candidates, as the judge has them
WITHOUT, AGAIN, ELSEWHERE, SHADOW, RECORDED = ARMS = (
    "without", "without, again", "candidate elsewhere", "with shadow", "recorded")

ROUTE = """
[[route]]
id       = "catalog.show"
match    = {{ method = "GET", path = "/api/products/{{id}}" }}
stage    = "{stage}"
{more}
"""
RULES = """tolerate = [
  { at = "$.views", as = "number", within = 1000000, why = "the file's are old" },
  { at = "$.viewed_at", as = "time", within = "60m", why = "the file's is old" },
  { at = "$.age_seconds", as = "number", within = 3600, why = "the file's is old" },
  { at = "$.age_days", as = "number", within = 1, why = "the file's is old" },
  { at = "$.related", as = "any-order", why = "shuffled" },
  { at = "$.promotions", as = "any-order", why = "the query has no order" },
]"""
# By arm, what the route of the buyers' Banyan says; and of the Banyan beside it.
ROUTES = {
    WITHOUT: ("monolith", ""),
    AGAIN: ("monolith", ""),
    ELSEWHERE: ("monolith", ""),
    SHADOW: ("shadow", RULES),
    RECORDED: ("monolith", 'record = "100%"'),
}
BESIDE = ("extracted", 'sample = "0%"')

# `monolith` is who answers buyers.
Load = collections.namedtuple("Load", "name method template connections monolith")
# `beside` is the other Banyan, whose handler does the candidate's work.
Arm = collections.namedtuple("Arm", "name server beside")
# CPU time in µs per request of the threads that serve buyers; pairs of a latency in ms and how many
# requests had it; requests by second, and how many of them candidates answered or were recorded.
Round = collections.namedtuple("Round", "cpu histogram rate done")

LOADS = [
    Load("shadow, files at full load", "GET", "/api/products/{id}", 64, "files"),
    Load("shadow, Puma at full load", "GET", "/api/products/{id}", 16, "puma"),
    Load("shadow, Puma's threads all busy", "GET", "/api/products/{id}", 5, "puma"),
]


def can_be_measured():
    return (os.cpu_count() or 1) > max(BUYERS | CANDIDATE)


def start_files(stack, shop):
    """An origin that has what the shop said once, at the speed of files."""
    ports = free_ports(["http", "https", "h2c"])
    folder = WORK / "answers/files/api/products"
    folder.mkdir(parents=True)
    for product in shop.products:
        (folder / str(product)).write_bytes(get(shop.ports, "http", f"/api/products/{product}"))
    home = configure("answers", "nginx.conf", "origin.conf", ports, area="/none")
    first = f"/api/products/{shop.products[0]}"
    return start(stack, "answers", ports, nginx(home), ready=lambda it: get(it, "http", first))


def start_arms(stack, shop, load, monolith, names):
    return {name: start_arm(stack, shop, load, monolith, name) for name in names}


def start_arm(stack, shop, load, monolith, name):
    def banyan(name, monolith, route):
        name = f"{load.monolith} {load.connections}, {name}"
        server = start_banyan(stack, shop, name, monolith, route)
        ask(load, shop, server.ports["http"], 1)  # warms it up, and starts every thread
        return server

    server = banyan(name, monolith, ROUTES[name])
    pin_threads(server.pid, lambda it: BUYERS if it.startswith(SERVING) else CANDIDATE)
    if name != ELSEWHERE:
        return Arm(name, server, None)
    beside = banyan(f"{name}, its own", shop, BESIDE)
    pin_threads(beside.pid, lambda _: CANDIDATE)
    return Arm(name, server, beside)


def start_banyan(stack, shop, name, monolith, route):
    stage, more = route
    ports = free_ports(["http", "admin"])
    home = WORK / name.replace(", ", "-").replace(" ", "-")
    routes = home / "routes/routes.toml"
    routes.parent.mkdir(parents=True)
    routes.write_text(ROUTE.format(stage=stage, more=more))
    (home / "recording-key").write_text("0" * 64)
    return start(stack, home.name, ports, [
        BANYAN, "serve", "--monolith", f"http://127.0.0.1:{monolith.ports['http']}",
        "--workers", "1", "--routes", routes, "--store", f"sqlite://{home}/banyan.db",
        "--recordings", home / "recordings", "--recording-key-file", home / "recording-key",
        *shop.flags, "--listen", f"http://127.0.0.1:{ports['http']}",
        "--admin", f"127.0.0.1:{ports['admin']}"],
        ready=lambda it: get({"http": it["admin"]}, "http", "/readyz"))


def pin(shop, *servers):
    """Who answers buyers, and the load itself, on one processor; the candidate's database not."""
    os.sched_setaffinity(0, BUYERS)
    for process in [it for server in servers for it in processes_of(server.pid)]:
        pin_threads(process, lambda _: BUYERS)
    pin_threads(shop.database_pid, lambda _: CANDIDATE)


def pin_threads(pid, processors):
    for thread, comm in threads(pid):
        os.sched_setaffinity(thread, processors(comm))


def threads(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield int(task.name), (task / "comm").read_text().strip()


def measure(load, shop, arm, seconds, rate):
    """One round of one arm; `rate` is how many candidates per second its neighbour is asked for."""
    before, done = serving(arm.server), done_so_far(arm)
    with asking_beside(load, shop, arm, seconds, rate):
        found = ask(load, shop, arm.server.ports["http"], seconds)
        done = (done_so_far(arm) - done) / found.seconds
    time.sleep(SETTLE)
    cpu = (serving(arm.server) - before) * 1e6 / found.requests
    return Round(cpu, found.histogram, found.requests / found.seconds, done)


@contextlib.contextmanager
def asking_beside(load, shop, arm, seconds, rate):
    """Has the handler in the other Banyan asked meanwhile, on the candidate's processor."""
    if not arm.beside:
        yield
        return
    targets, _ = asked(load, shop.products)
    list_of = WORK / "targets"
    list_of.write_text("".join(
        f"http://127.0.0.1:{arm.beside.ports['http']}{it}\n" for it in targets))
    fields = [f"-H{name}: {value}" for name, value in shop.fields.items()]
    command = ["taskset", "-c", ",".join(map(str, CANDIDATE)), TOOLS / "bin/oha", "--no-tui",
               "--output-format", "json", "-c", AT_ONCE, "-q", max(1, round(rate)),
               "-z", f"{seconds + 1}s", *fields, "--urls-from-file", list_of]
    client = subprocess.Popen(bound(command), stdout=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env=ENVIRONMENT, text=True)
    try:
        yield
        said, _ = client.communicate(timeout=seconds + 60)
    finally:
        client.kill()
        client.wait()
    statuses = json.loads(said)["statusCodeDistribution"]
    if set(statuses) != {"200"}:
        raise Failed(f"oha: {statuses}")


def done_so_far(arm):
    """How many candidates have answered, or how many requests were recorded. A candidate that is
    wrong costs more."""
    if arm.beside:
        series = 'banyan_requests_total{route="catalog.show",side="extraction",status="2xx"}'
        return metrics(arm.beside).get(series, 0)
    if arm.name == RECORDED:
        return metrics(arm.server).get('banyan_recorded_total{result="written"}', 0)
    judged = {re.search('outcome="(.*?)"', series)[1]: value
              for series, value in metrics(arm.server).items()
              if series.startswith("banyan_shadow_comparisons_total")}
    if judged.pop("mismatched", 0):
        raise Failed(f"{arm.server.name}: the candidate differs")
    judged.pop("unknown", 0)
    return sum(judged.values())


def serving(server):
    """Seconds of CPU time of the threads that serve buyers."""
    used = [Path(f"/proc/{server.pid}/task/{thread}/schedstat").read_text().split()[0]
            for thread, comm in threads(server.pid) if comm.startswith(SERVING)]
    return sum(map(int, used)) / 1e9
