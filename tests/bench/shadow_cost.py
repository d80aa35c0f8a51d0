"""What buyers pay for shadow: the same load through Banyan without and with 100 % of it compared.

The load, the monolith and the threads that serve buyers have one processor; the candidate, its
database and the judge have another. So what is left is what shadow does on the buyers' own path.
"""

import collections
import os
import re
import time
from pathlib import Path

from extractions import ask
from loads import SETTLE
from servers import BANYAN, WORK, Failed, configure, free_ports, nginx, start
from servers import ask as get
from shop import metrics, processes_of

NAME = "shadow"
BUYERS, CANDIDATE = {0}, {1}  # processors
SERVING = ("banyan", "worker-", "access-log")  # the names of threads that serve buyers
PRODUCTS = 40

ROUTE = """
[[route]]
id       = "catalog.show"
match    = {{ method = "GET", path = "/api/products/{{id}}" }}
stage    = "{stage}"
tolerate = [
  {{ at = "$.views", as = "number", within = 1000000, why = "the file's are old" }},
  {{ at = "$.viewed_at", as = "time", within = "60m", why = "the file's is old" }},
  {{ at = "$.age_seconds", as = "number", within = 3600, why = "the file's is old" }},
  {{ at = "$.age_days", as = "number", within = 1, why = "the file's is old" }},
  {{ at = "$.related", as = "any-order", why = "shuffled" }},
  {{ at = "$.promotions", as = "any-order", why = "the query has no order" }},
]
"""

# `monolith` is who answers buyers.
Load = collections.namedtuple("Load", "name method template connections monolith")
# CPU time in µs per request of the threads that serve buyers, latencies in ms, the share compared.
Arm = collections.namedtuple("Arm", "cpu p50 p99 rate compared")

LOADS = [
    Load("shadow, files at full load", "GET", "/api/products/{id}", 64, "files"),
    Load("shadow, Puma at full load", "GET", "/api/products/{id}", 16, "puma"),
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


def start_arms(stack, shop, load, monolith):
    """Banyan without shadow, and with it."""
    return {stage: start_arm(stack, shop, load, monolith, stage)
            for stage in ("monolith", "shadow")}


def start_arm(stack, shop, load, monolith, stage):
    ports = free_ports(["http", "admin"])
    name = f"{load.monolith}-{stage}"
    routes = WORK / name / "routes/routes.toml"
    routes.parent.mkdir(parents=True)
    routes.write_text(ROUTE.format(stage=stage))
    arm = start(stack, name, ports, [
        BANYAN, "serve", "--monolith", f"http://127.0.0.1:{monolith.ports['http']}",
        "--workers", "1", "--routes", routes, "--store", f"sqlite://{WORK / name}/banyan.db",
        *shop.flags, "--listen", f"http://127.0.0.1:{ports['http']}",
        "--admin", f"127.0.0.1:{ports['admin']}"],
        ready=lambda it: get({"http": it["admin"]}, "http", "/readyz"))
    ask(load, shop, ports["http"], 1)  # warms it up, and starts every thread
    for thread, comm in threads(arm.pid):
        os.sched_setaffinity(thread, BUYERS if comm.startswith(SERVING) else CANDIDATE)
    return arm


def pin(shop, *servers):
    """Who answers buyers, and the load itself, on one processor; the candidate's database not."""
    os.sched_setaffinity(0, BUYERS)
    for process in [it for server in servers for it in processes_of(server.pid)]:
        for thread, _ in threads(process):
            os.sched_setaffinity(thread, BUYERS)
    for thread, _ in threads(shop.database_pid):
        os.sched_setaffinity(thread, CANDIDATE)


def threads(pid):
    for task in Path(f"/proc/{pid}/task").iterdir():
        yield int(task.name), (task / "comm").read_text().strip()


def measure(load, shop, arm, seconds):
    before, compared = serving(arm), judged(arm)
    found = ask(load, shop, arm.ports["http"], seconds)
    time.sleep(SETTLE)
    cpu = (serving(arm) - before) * 1e6 / found.requests
    share = (judged(arm) - compared) / found.requests
    return Arm(cpu, found.p50, found.p99, found.requests / found.seconds, share)


def judged(arm):
    """How many requests have been compared so far; a candidate that is wrong costs more."""
    judged = {re.search('outcome="(.*?)"', series)[1]: value
              for series, value in metrics(arm).items()
              if series.startswith("banyan_shadow_comparisons_total")}
    if judged.pop("mismatched", 0):
        raise Failed(f"{arm.name}: the candidate differs")
    judged.pop("unknown", 0)
    return sum(judged.values())


def serving(arm):
    """Seconds of CPU time of the threads that serve buyers."""
    used = [Path(f"/proc/{arm.pid}/task/{thread}/schedstat").read_text().split()[0]
            for thread, comm in threads(arm.pid) if comm.startswith(SERVING)]
    return sum(map(int, used)) / 1e9
