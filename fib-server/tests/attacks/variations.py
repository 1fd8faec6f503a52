"""More ways to keep a server busy; each function attacks until `done` is set."""

import contextlib
import itertools
import socket
import ssl
import struct
import threading
import time

import harness
from harness import PREFACE, connect, crowd, frame, request

CLIENTS = 4


def by_clients(one, server, done, count=CLIENTS):
    """Repeats one client's work in threads until `done` is set."""

    def client():
        while not done.is_set():
            with contextlib.suppress(OSError):
                one(server, done)

    threads = [threading.Thread(target=client, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)


def read_what_is_there(client):
    client.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while client.recv(65_536):
            pass
    client.settimeout(1)


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def send_until_ended(server, done, chunks, first=b""):
    client = connect(server.port, timeout=1)
    client.sendall(first)
    for chunk in chunks:
        if done.is_set():
            break
        client.sendall(chunk)
        read_what_is_there(client)
    client.close()


def pipelines(server, done):
    """Hundreds of pipelined requests on one connection, whose answers are read."""
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(request("/get?n=90") * 200)), server, done)


def pipelines_that_are_not_read(server, done):
    clients = crowd(200, lambda: connect(server.port, receive_buffer=4_096, timeout=0.2))
    for client in clients:
        with contextlib.suppress(OSError):
            client.sendall(request("/get?n=4000") * 2_000)
    done.wait()
    for client in clients:
        client.close()


ODD_REQUESTS = [
    b"GET http://elsewhere.test/get?n=1000000 HTTP/1.1\r\nhost: test\r\n\r\n",
    b"GET /get?n=1 HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
    b"GET /get?n=%00%ff HTTP/1.1\r\nhost: test\r\n\r\n",
    b"GET //get///?n=1 HTTP/1.1\r\nhost: test\r\n\r\n",
    b"GET /../../etc/passwd HTTP/1.1\r\nhost: test\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nhost: test\r\n\r\n",
    b"CONNECT elsewhere.test:443 HTTP/1.1\r\nhost: test\r\n\r\n",
    b"TRACE /get HTTP/1.1\r\nhost: test\r\n\r\n",
    b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n",
    b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffff1\r\n",
    b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n" + b"a: b\r\n" * 500 + b"\r\n",
    b"GET /get?" + b"n=1&" * 15_000 + b" HTTP/1.1\r\nhost: test\r\n\r\n",
    b"GET /get?n=1\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 500,
    b"\0" * 4_096,
    b"\r\n" * 20_000,
]


def odd_requests(server, done):
    """Requests that no browser sends, each on its own connection."""
    odd = itertools.cycle(ODD_REQUESTS)

    def one(server, _):
        with connect(server.port, timeout=1) as client:
            client.sendall(next(odd))
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):
                pass

    by_clients(one, server, done)


def resets(server, done):
    """Clients that request a lot and disconnect."""

    def one(server, _):
        client = connect(server.port, timeout=1)
        client.sendall(request("/get?n=1000000"))
        reset(client)

    by_clients(one, server, done)


def half_closed_connections(server, done):
    """Clients that stop sending after their request, and do not read."""

    def one():
        client = connect(server.port, receive_buffer=4_096)
        client.sendall(request("/get?n=200000"))
        client.shutdown(socket.SHUT_WR)
        return client

    clients = crowd(1_000, one)
    done.wait()
    for client in clients:
        client.close()


def bodies_by_the_byte(server, done):
    """Unexpected chunked bodies, a byte at a time."""
    head = request("/get?n=90", headers="transfer-encoding: chunked\r\n")

    def one():
        client = connect(server.port, timeout=0.2)
        client.sendall(head)
        return client

    clients = crowd(500, one)
    while not done.wait(0.5):
        for client in clients:
            with contextlib.suppress(OSError):
                client.sendall(b"1\r\nx\r\n")
    for client in clients:
        client.close()


def windows_by_the_byte(server, done):
    """Streams whose windows open by one byte at a time."""
    ask = PREFACE + harness.settings(initial_window_size=0)
    ask += b"".join(harness.ask(stream, "/get?n=200000") for stream in range(1, 100, 2))
    open_all = b"".join(
        frame(harness.WINDOW_UPDATE, 0, stream, b"\0\0\0\x01") for stream in range(1, 100, 2)
    )
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(open_all), ask), server, done)


def settings_back_and_forth(server, done):
    """The windows of all streams grow and shrink."""
    ask = PREFACE + harness.settings() + b"".join(harness.ask(s, "/get?n=200000") for s in range(1, 100, 2))
    pair = harness.settings(initial_window_size=0) + harness.settings(initial_window_size=65_535)
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(pair * 50), ask), server, done)


def continuations_without_end(server, done):
    """A header block of empty frames."""
    begin = PREFACE + harness.settings() + frame(harness.HEADERS, 0x1, 1, harness.head("/get?n=1"))
    nothing = frame(harness.CONTINUATION, 0, 1) * 400
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(nothing), begin), server, done)


def empty_data(server, done):
    """A request whose body is empty frames."""
    begin = PREFACE + harness.settings() + frame(harness.HEADERS, 0x4, 1, harness.head("/get?n=1"))
    nothing = frame(harness.DATA, 0, 1) * 400
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(nothing), begin), server, done)


def frames_for_a_stream_that_is_over(server, done):
    """Each is answered with an error of its stream."""
    begin = PREFACE + harness.settings() + harness.ask(1, "/get?n=1")
    late = frame(harness.DATA, 0, 1, b"0123456789") * 100
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(late), begin), server, done, 8)


def frames_that_say_nothing(server, done):
    """Windows of the connection, and priorities of streams that there are not."""
    begin = PREFACE + harness.settings()
    nothing = frame(harness.WINDOW_UPDATE, 0, 0, b"\0\0\0\x01") + frame(harness.PRIORITY, 0, 9, b"\0\0\0\0\x10")
    by_clients(lambda s, d: send_until_ended(s, d, itertools.repeat(nothing * 200), begin), server, done, 8)


def headers_by_reference(server, done):
    """Three thousand bytes that stand for as many headers of four kilobytes each (RFC 7541, 2.3)."""
    large = b"\x40\x01a\x7f\x81\x1e" + b"b" * 4_000

    def streams():
        for first in itertools.count(1, 20):
            head = harness.head("/get?n=1") + (large if first == 1 else b"") + b"\xbe" * 3_000
            yield b"".join(frame(harness.HEADERS, 0x5, stream, head) for stream in range(first, first + 20, 2))

    begin = PREFACE + harness.settings()
    by_clients(lambda s, d: send_until_ended(s, d, streams(), begin), server, done, 8)


def long_lists(server, done):
    """Heads that are long in each place where something is looked for."""
    long = itertools.cycle(
        [
            request("/get?n=1" + "&x=1" * 14_000),
            request("/get?n=1" + "&" * 56_000),
            request("/" + "a/" * 28_000),
            request("/get?n=1", headers="accept: " + "a/b," * 12_000 + "\r\n"),
            request("/get?n=1", headers="if-none-match: " + '"b",' * 12_000 + "\r\n"),
            request("/get?n=1", headers="x-forwarded-for: " + "1.2.3.4," * 6_000 + "\r\n"),
        ]
    )

    def one(server, _):
        with connect(server.port, timeout=1) as client:
            client.sendall(next(long))
            client.recv(65_536)

    by_clients(one, server, done, 8)


def connections_that_ask_once_and_stay(server, done):
    """More of them than there is room for, again and again."""

    def one(server, done):
        kept = []
        while not done.is_set():
            with contextlib.suppress(OSError):
                client = connect(server.port, timeout=0.5)
                kept.append(client)
                client.sendall(request("/get?n=90"))
            if len(kept) > 1_000:
                for client in kept[:300]:
                    client.close()
                del kept[:300]
        for client in kept:
            client.close()

    by_clients(one, server, done)


def scrapes(server, done):
    """Many clients request the admin port's longest answer."""

    def one(server, _):
        with connect(server.admin, timeout=1) as client:
            client.sendall(request("/metrics") * 20)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65_536):
                pass

    by_clients(one, server, done, 16)


def connections_that_come_and_go(server, done):
    """Connections without a request."""

    def one(server, _):
        connect(server.port, timeout=1).close()
        time.sleep(0)

    by_clients(one, server, done)


def handshakes(server, done):
    """Some are complete, some stop after the ClientHello, and some are not a handshake."""
    tls = harness.anyone()
    hello = ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.wrap_bio(ssl.MemoryBIO(), hello).do_handshake()
    hello = hello.read()
    silent = crowd(500, lambda: connect(server.port))
    for client in silent:
        client.sendall(hello[:9])
    turns = itertools.cycle("complete hello garbage".split())

    def one(server, _):
        with connect(server.port, timeout=1) as client:
            match next(turns):
                case "complete":
                    tls.wrap_socket(client).close()
                case "hello":
                    client.sendall(hello)
                    client.recv(65_536)
                case _:
                    client.sendall(request("/get?n=90"))
                    client.recv(65_536)

    by_clients(one, server, done)
    for client in silent:
        client.close()


ALL = [
    pipelines,
    pipelines_that_are_not_read,
    odd_requests,
    resets,
    half_closed_connections,
    bodies_by_the_byte,
    windows_by_the_byte,
    settings_back_and_forth,
    continuations_without_end,
    empty_data,
    frames_for_a_stream_that_is_over,
    frames_that_say_nothing,
    headers_by_reference,
    long_lists,
    scrapes,
    connections_that_come_and_go,
    connections_that_ask_once_and_stay,
]
