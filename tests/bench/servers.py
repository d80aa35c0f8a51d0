"""The origin and the proxies: their configuration, starting them, and what they use."""

import collections
import contextlib
import http.client
import os
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = HERE.parents[1] / "target"
TOOLS = TARGET / "tools"
WORK = TARGET / "bench"
BANYAN = TARGET / "release/banyan"
PINGORA = TOOLS / "pingora-peer"

SCHEMES = ["http", "https", "h2c"]
ROUTES_OF_AN_AREA = 2
AREAS = 150  # of the shop: the 300 routes that Banyan is measured with
MORE_AND_MORE_AREAS = [5, 50, 500, 5000]
SIZES = [1024, 64 * 1024]  # of the answers, in bytes
UPLOAD = 1024 * 1024  # bytes
FILES = 20_000  # open at most, in each process
ENVIRONMENT = os.environ | {"LD_LIBRARY_PATH": str(TOOLS / "lib")}

AREA_ROUTES = """
[[route]]
id    = "area{n}.items.show"
match = {{ method = "GET", path = "/area{n}/items/{{id}}" }}
stage = "monolith"

[[route]]
id    = "area{n}.items.update"
match = {{ method = "POST", path = "/area{n}/items/{{id}}" }}
stage = "monolith"
"""

# `ports` has one for each scheme that the server speaks.
Server = collections.namedtuple("Server", "name ports pid log")


class Failed(Exception):
    """A server did not start, or did not answer every request: what was measured is worthless."""


def area(areas=AREAS):
    """What is asked for: a route in the middle of the file."""
    return f"/area{areas // 2}/items"


def prepare():
    """The origin's files and the certificate that all present."""
    for areas in [AREAS, *MORE_AND_MORE_AREAS]:
        files = WORK / f"origin/files{area(areas)}"
        files.mkdir(parents=True, exist_ok=True)
        for size in SIZES:
            (files / str(size)).write_bytes(b"x" * size)
    key, certificate = WORK / "key.pem", WORK / "certificate.pem"
    run([TOOLS / "openssl", "req", "-x509", "-nodes", "-newkey", "ec",
         "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", key, "-out", certificate])
    (WORK / "both.pem").write_text(certificate.read_text() + key.read_text())
    # What every client offers, so that all servers do the same arithmetic.
    (WORK / "openssl.cnf").write_text(
        "openssl_conf = all\n[all]\nssl_conf = tls\n[tls]\nsystem_default = default\n"
        "[default]\nMinProtocol = TLSv1.3\nCiphersuites = TLS_AES_128_GCM_SHA256\nGroups = X25519\n")
    ENVIRONMENT["OPENSSL_CONF"] = str(WORK / "openssl.cnf")


def start_origin(stack):
    ports = free_ports(SCHEMES)
    home = configure("origin", "nginx.conf", "origin.conf", ports, area=area())
    return start(stack, "origin", ports, nginx(home), "output.log")


def start_nginx(stack, origin):
    ports = free_ports(SCHEMES)
    home = configure("nginx", "nginx.conf", "nginx.conf", ports, origin)
    return start(stack, "nginx", ports, nginx(home), "access.log")


def nginx(home):
    return [TOOLS / "nginx", "-p", home, "-c", home / "nginx.conf", "-e", home / "error.log"]


def start_haproxy(stack, origin, name="haproxy"):
    ports = free_ports(SCHEMES)
    home = configure(name, "haproxy.cfg", f"{name}.cfg", ports, origin)
    return start(stack, name, ports, [TOOLS / "haproxy", "-db", "-f", home / "haproxy.cfg"])


def start_relay(stack, origin):
    return start_haproxy(stack, origin, "relay")


def start_envoy(stack, origin):
    ports = free_ports(SCHEMES)
    home = configure("envoy", "envoy.yaml", "envoy.yaml", ports, origin)
    return start(stack, "envoy", ports, [
        envoy(), "-c", home / "envoy.yaml", "--disable-hot-restart", "--concurrency", "1",
        "--log-level", "warn", "--file-flush-interval-msec", "100"], "access.log")


def envoy():
    """Envoy's program in its Python package, or None."""
    return next(TOOLS.glob("python/lib/python3*/site-packages/envoy/_bin/envoy"), None)


def start_pingora(stack, origin):
    ports = free_ports(["http"])
    (WORK / "pingora").mkdir(exist_ok=True)
    return start(stack, "pingora", ports, [
        PINGORA, f"127.0.0.1:{ports['http']}", f"127.0.0.1:{origin.ports['http']}"])


def start_banyan(stack, origin, areas=AREAS, under=()):
    """`under` is what runs it, such as a profiler."""
    ports = free_ports(SCHEMES + ["admin"])
    admin = ports.pop("admin")
    ports = {scheme: port for scheme, port in ports.items() if banyan_speaks(scheme)}
    home = WORK / "banyan"
    # Banyan watches the directory of its route file: the log, in another one, does not wake it.
    routes = home / "routes/routes.toml"
    routes.parent.mkdir(parents=True, exist_ok=True)
    routes.write_text("".join(AREA_ROUTES.format(n=n) for n in range(areas)))
    for store in home.glob("banyan.db*"):
        store.unlink()
    listen = [it for scheme in ports for it in
              ("--listen", f"{scheme}://127.0.0.1:{ports[scheme]}")]
    tls = ["--tls-cert", WORK / "certificate.pem", "--tls-key", WORK / "key.pem"]
    return start(stack, "banyan", ports, [
        *under, BANYAN, "serve", "--monolith", f"http://127.0.0.1:{origin.ports['http']}",
        "--workers", "1", "--routes", routes, "--store", f"sqlite://{home}/banyan.db",
        *listen, *(tls if "https" in ports else []), "--admin", f"127.0.0.1:{admin}"])


def banyan_speaks(scheme):
    """Whether this build listens for it: the fault it finds is then in what follows."""
    tls = ["--tls-cert", "x", "--tls-key", "x"] if scheme == "https" else []
    said = subprocess.run([BANYAN, "serve", *tls, "--listen", f"{scheme}://127.0.0.1:0",
                           "--listen", "nonsense"], text=True, stderr=subprocess.PIPE, check=False)
    return "nonsense" in said.stderr


PROXIES = {
    "nginx": start_nginx,
    "haproxy": start_haproxy,
    "envoy": start_envoy,
    "pingora": start_pingora,
    "banyan": start_banyan,
    "relay": start_relay,
}


def configure(name, file, template, ports, origin=None, **values):
    """Writes a server's configuration into its directory, which is returned."""
    values |= ports | {"files": FILES, "certificate": WORK / "certificate.pem",
                       "key": WORK / "key.pem", "certificate_and_key": WORK / "both.pem"}
    if origin:
        values |= {f"origin_{scheme}": port for scheme, port in origin.ports.items()}
    text = (HERE / "conf" / template).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", str(value))
    (WORK / name).mkdir(parents=True, exist_ok=True)
    (WORK / name / file).write_text(text)
    return WORK / name


def start(stack, name, ports, command, log="output.log", ready=None):
    """Starts a server that ends with `stack`, and with us whatever happens.

    `ready` says, of its ports, whether it serves; without it the origin's files are asked for.
    """
    with open(WORK / name / "output.log", "ab") as output:
        process = subprocess.Popen(bound(command), stdin=subprocess.DEVNULL, stdout=output,
                                   stderr=output, env=ENVIRONMENT, cwd=WORK / name,
                                   start_new_session=True)
    stack.callback(stop, process)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if (ready or answers)(ports):
                return Server(name, ports, process.pid, WORK / name / log)
        time.sleep(0.05)
    raise Failed(f"{name} does not serve: see {WORK / name}")


def answers(ports):
    """Whether a server gives all that will be asked, over HTTP/1.1 and TLS."""
    for scheme in ports.keys() & {"http", "https"}:
        if any(len(ask(ports, scheme, f"{area()}/{size}")) != size for size in SIZES):
            return False
    return ask(ports, "http", f"{area()}/upload", b"x" * UPLOAD) == b"read\n"


def stop(process):
    process.kill()  # they keep nothing that is worth a slower end
    process.wait()


def ask(ports, scheme, path, body=None):
    """The body of the answer; anything but a 200 is an error."""
    if scheme == "https":
        connection = http.client.HTTPSConnection("127.0.0.1", ports[scheme], timeout=5,
                                                 context=trusting())
    else:
        connection = http.client.HTTPConnection("127.0.0.1", ports[scheme], timeout=5)
    with contextlib.closing(connection):
        connection.request("POST" if body else "GET", path, body)
        response = connection.getresponse()
        if response.status != 200:
            raise http.client.HTTPException(f"{path}: {response.status}")
        return response.read()


def trusting():
    """A client's side of TLS 1.3 that believes any certificate: time spent on it is not ours."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def cpu(pid):
    """Seconds of CPU time, user and system, that all threads of a process have used.

    The sum of the two fields of /proc/PID/stat, but in nanoseconds where those count in hundredths
    of a second: the clock whose number clock_getcpuclockid(3) gives.
    """
    return time.clock_gettime((~pid << 3) | 2)


def resident(pid, line="VmRSS"):
    """The resident set in KiB, or with VmHWM the greatest one so far."""
    return int(re.search(rf"{line}:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1])


def bound(command):
    """The command, killed by the kernel should we die without stopping it."""
    return ["setpriv", "--pdeathsig", "KILL", *map(str, command)]


def run(command, timeout=30, **environment):
    """What a command prints on standard output, or if it is nothing on standard error."""
    name = Path(command[0]).name
    try:
        done = subprocess.run(bound(command), env=ENVIRONMENT | environment, text=True,
                              check=False, capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        raise Failed(f"{name} did not end") from late
    if done.returncode:
        raise Failed(f"{name} failed: {done.stderr or done.stdout}")
    return done.stdout or done.stderr


def free_ports(names):
    """A free port for each name."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in names]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return {name: one.getsockname()[1] for name, one in zip(names, sockets)}
