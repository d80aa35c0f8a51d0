"""What Banyan's handlers cost beside the monolith that they stand in for, on the same database.

Each load asks Puma and Banyan, whose handler answers, for the same things, in the session of the
same visitor.
"""

import collections
import json
import time

from loads import SETTLE
from servers import HERE, TOOLS, Failed, cpu, run
from shop import cpu_of_all, metrics

FEW, MANY = 4, 16  # connections: fewer than Puma's threads, or half of the handlers that may run
PAGES = 10  # of the list
QUERY = ("query($id: ID!) { product(id: $id) { id name price rating inStock"
         " variants { id sku title price stock } } }")

# `id` and `template` are the route's; `quick` says whether the short run has it.
Load = collections.namedtuple("Load", "name id method template connections quick")
# CPU time in µs per request, of who answers and of the database meanwhile; requests, and by second.
Cost = collections.namedtuple("Cost", "cpu database requests rate")
# `histogram` has pairs of a latency in ms and how many requests had it.
Answered = collections.namedtuple("Answered", "requests seconds histogram")

# What rises when somebody else than a handler answers.
ELSEWHERE = ("banyan_fallbacks_total", "banyan_upstream_connects_total")


def load(what, id, method, template, connections=MANY, quick=False):
    name = f"extractions, {what}, {connections} connections"
    return Load(name, id, method, template, connections, quick)


LOADS = [
    load("product JSON", "catalog.show", "GET", "/api/products/{id}", FEW, quick=True),
    load("product JSON", "catalog.show", "GET", "/api/products/{id}", quick=True),
    load("list JSON", "catalog.list", "GET", "/api/products"),
    load("product page", "catalog.product", "GET", "/products/{id}", quick=True),
    load("cart JSON", "cart.api_show", "GET", "/api/cart"),
    load("GraphQL product", "graphql.execute", "POST", "/graphql"),
]


def of_handler(load, shop, banyan, seconds):
    """What it costs, once it is certain that the handler gave every answer."""
    before = metrics(banyan)
    found = cost(load, shop, banyan, seconds)
    risen = {it: value - before.get(it, 0) for it, value in metrics(banyan).items()}
    elsewhere = {it: by for it, by in risen.items() if by and it.startswith(ELSEWHERE)}
    answers = f'banyan_requests_total{{route="{load.id}",side="extraction",status="2xx"}}'
    if elsewhere or risen.get(answers, 0) < found.requests:
        raise Failed(f"the handler gave {risen.get(answers, 0):.0f} of {found.requests} answers:"
                     f" {elsewhere}")
    return found


def cost(load, shop, server, seconds):
    """One load on one side; both are asked alike."""
    before = cpu_of_all(server.pid), cpu(shop.database_pid)
    answered = ask(load, shop, server.ports["http"], seconds)
    time.sleep(SETTLE)
    after = cpu_of_all(server.pid), cpu(shop.database_pid)
    used = [(late - early) * 1e6 / answered.requests for early, late in zip(before, after)]
    return Cost(*used, answered.requests, answered.requests / answered.seconds)


def ask(load, shop, port, seconds):
    """Keep-alive, closed loop, and every answer is a 200."""
    fields = [f"-H{name}: {value}" for name, value in shop.fields.items()]
    targets, bodies = asked(load, shop.products)
    if bodies:
        fields.append("-HContent-Type: application/json")
    output = run(
        [TOOLS / "wrk", "-t1", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "20s",
         "-s", HERE / "in_turn.lua", *fields, f"http://127.0.0.1:{port}"],
        timeout=seconds + 60, METHOD=load.method, TARGETS="\n".join(targets),
        BODIES="\n".join(bodies))
    found = json.loads(output.strip().rpartition("\n")[2])
    if not found["requests"] or found["unanswered"] or found["wrong"]:
        raise Failed(f"wrk: {found}")
    return Answered(*(found[it] for it in Answered._fields))


def asked(load, products):
    """The targets that are asked for in turn, and the bodies that are sent with them, if any."""
    if load.method == "POST":
        bodies = [json.dumps({"query": QUERY, "variables": {"id": it}}) for it in products]
        return [load.template] * len(bodies), bodies
    if "{id}" in load.template:
        return [load.template.format(id=it) for it in products], []
    return [f"{load.template}?page={it}" for it in range(1, PAGES + 1)], []
