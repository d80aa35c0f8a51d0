"""What an idle connection costs: the resident set before and after 10,000 were opened."""

import contextlib
import resource
import select
import socket
import time

from loads import KIB_1, SETTLE
from servers import FILES, Failed, area, resident, trusting

CONNECTIONS = 10_000
FIRST = 100  # opened before anything is measured, so that what is needed once is there


def allow_files():
    """Lets us, and the servers that we start, have a descriptor for each connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < FILES:
        raise Failed(f"a process may open {hard} files here, and {FILES} are needed: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, hard))


def idle(server, scheme):
    """KiB for each connection that was used once and is kept alive."""
    with contextlib.ExitStack() as stack:
        context = trusting()
        opened = [open_one(stack, server, scheme, context) for _ in range(FIRST)]
        time.sleep(SETTLE)
        before = resident(server.pid)
        opened += [open_one(stack, server, scheme, context) for _ in range(CONNECTIONS)]
        time.sleep(SETTLE)
        after = resident(server.pid)
        closed = select.poll()
        for one in opened:
            closed.register(one, select.POLLIN | select.POLLHUP)
        if closed.poll(0):
            raise Failed(f"{server.name} closed {len(closed.poll(0))} idle connections")
    return (after - before) / CONNECTIONS


def open_one(stack, server, scheme, context):
    connection = socket.create_connection(("127.0.0.1", server.ports[scheme]), timeout=20)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if scheme == "https":
        connection = context.wrap_socket(connection)
    stack.enter_context(connection)
    connection.sendall(f"GET {area()}/{KIB_1} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    answer = b""
    while len(answer.partition(b"\r\n\r\n")[2]) < KIB_1:
        more = connection.recv(65536)
        if not more:
            raise Failed(f"{server.name} closed a connection: {answer!r}")
        answer += more
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise Failed(f"{server.name} answered {answer[:100]!r}")
    return connection
