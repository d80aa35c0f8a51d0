"""The real shop, as the tests start it, and Banyan in front of it, whose handlers answer."""

import collections
import contextlib
import http.client
import json
import os
import re
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from servers import BANYAN, HERE, TARGET, WORK, Failed, ask, bound, cpu, free_ports, run, start

SCRIPT = HERE.parent / "shop/bin/shop"
SEEDS = TARGET / "shop/seeds"  # where the tests have them too
PRODUCTS = 40  # that are asked for in turn

ROUTE = """
[[route]]
id     = "{id}"
match  = {{ method = "{method}", path = "{template}" }}
stage  = "extracted"
sample = "0%"
"""

# `fields` are the header fields of a visitor who has something in the cart; `products` are ids.
Shop = collections.namedtuple("Shop", "ports pid database_pid flags fields products")


def start_shop(stack):
    """Puma, MariaDB and Redis; no Sidekiq, which would use the database beside what is measured."""
    run([SCRIPT, "prepare", SEEDS], timeout=300)
    run(["cp", "-a", "--reflink=auto", SEEDS, WORK / "shop"])
    process = subprocess.Popen(
        bound([SCRIPT, "serve", WORK / "shop"]), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {"SHOP_WORKERS": "off"}, text=True, start_new_session=True)
    stack.callback(end, process)
    try:
        said = json.loads(process.stdout.readline())
    except json.JSONDecodeError as error:
        raise Failed("the shop did not start") from error
    ports = {"http": urlsplit(said["url"]).port}
    flags = ["--database", said["database_url"], "--redis", said["redis_url"],
             "--session-cookie", "_shop_session", "--secret-key-base-file", WORK / "secret"]
    (WORK / "secret").write_text(said["secret_key_base"])
    products = json.loads(ask(ports, "http", f"/api/products?per_page={PRODUCTS}"))["products"]
    fields = visit(ports["http"], next(it["id"] for it in products if it["in_stock"]))
    return Shop(ports, said["puma_pid"], said["mariadb_pid"], flags, fields,
                [it["id"] for it in products])


def end(process):
    """The shop ends by itself when nobody holds its standard input any more."""
    process.stdin.close()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def visit(port, product):
    """The session and its authenticity token, after one of the product was put into the cart."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as puma:
        def exchange(expected, method, path, body=None, fields=()):
            puma.request(method, path, body and json.dumps(body), dict(fields) | {
                "Accept": "application/json", "Content-Type": "application/json"})
            answer = puma.getresponse()
            text = answer.read()
            if answer.status != expected:
                raise Failed(f"the shop answered {method} {path} with {answer.status}: {text}")
            session = re.search("_shop_session=[^;]*", answer.headers.get("Set-Cookie", ""))
            return json.loads(text), session and session[0]

        shown, _ = exchange(200, "GET", f"/api/products/{product}")
        about, session = exchange(200, "GET", "/api/session")
        fields = {"Cookie": session, "X-CSRF-Token": about["csrf_token"]}
        line = {"variant_id": next(it["id"] for it in shown["variants"] if it["stock"])}
        _, session = exchange(201, "POST", "/api/cart/lines", line, fields)
        return fields | {"Cookie": session}


def start_banyan_with_handlers(stack, shop, loads, under=()):
    """`under` is what runs it, such as a profiler."""
    ports = free_ports(["http", "admin"])
    home = WORK / "handlers"
    (home / "routes").mkdir(parents=True)
    routes = home / "routes/routes.toml"
    stanzas = {it.id: ROUTE.format(**it._asdict()) for it in loads}  # one for several loads
    routes.write_text("".join(stanzas.values()))
    return start(stack, "handlers", ports, [
        *under, BANYAN, "serve", "--monolith", f"http://127.0.0.1:{shop.ports['http']}", "--workers", "1",
        "--routes", routes, "--store", f"sqlite://{home}/banyan.db", *shop.flags,
        "--listen", f"http://127.0.0.1:{ports['http']}", "--admin", f"127.0.0.1:{ports['admin']}"],
        ready=lambda ports: ask({"http": ports["admin"]}, "http", "/readyz"))


def metrics(banyan):
    """Every series and its value."""
    text = ask({"http": banyan.ports["admin"]}, "http", "/metrics").decode()
    return {series: float(value) for series, value in re.findall(r"^([^#\n].*) (\S+)$", text, re.M)}


def cpu_of_all(pid):
    """Seconds of CPU time of a process and of all those that it has started."""
    return sum(map(cpu, processes_of(pid)))


def processes_of(pid):
    """A process and all those that it has started."""
    children = [int(it) for file in Path(f"/proc/{pid}/task").glob("*/children")
                for it in file.read_text().split()]
    return [pid] + [it for child in children for it in processes_of(child)]
