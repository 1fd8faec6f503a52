"""An HTTP/2 client that obeys GOAWAY: one request at a time, each frame answered as RFC 9113 requires."""

import contextlib
import socket
import struct

import harness
from harness import PREFACE, connect, frame

END_STREAM, ACK = 0x1, 0x1
GOAWAY = 7


class Connection:
    """One connection; `leaving` once the server asked it to."""

    def __init__(self, port):
        self.socket = connect(port)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(PREFACE + harness.settings())
        self.bytes = self.socket.makefile("rb")
        self.next_stream, self.leaving, self.last_stream = 1, False, 2**31 - 1

    def ask(self, path):
        """True once it is answered; False if it was refused and may be sent elsewhere."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        # A server may have said that it did not process the request before it closed the connection.
        with contextlib.suppress(OSError):
            self.socket.sendall(harness.ask(stream, path))
        while True:
            kind, flags, on, payload = self._frame()
            if stream > self.last_stream:
                return False
            if on == stream and kind == harness.RST_STREAM:
                # REFUSED_STREAM: it was not processed.
                if payload == b"\0\0\0\x07":
                    return False
                raise ConnectionError(f"the stream was reset: {payload.hex()}")
            if on == stream and kind in (harness.DATA, harness.HEADERS) and flags & END_STREAM:
                return True

    def _frame(self):
        head = self.bytes.read(9)
        if len(head) < 9:
            raise ConnectionError("closed before the answer")
        length, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
        stream = int.from_bytes(head[5:], "big")
        payload = self.bytes.read(length)
        if kind == harness.SETTINGS and not flags & ACK:
            self.socket.sendall(frame(harness.SETTINGS, ACK, 0))
        elif kind == harness.PING and not flags & ACK:
            self.socket.sendall(frame(harness.PING, ACK, 0, payload))
        elif kind == harness.DATA and length:
            self.socket.sendall(frame(harness.WINDOW_UPDATE, 0, 0, struct.pack(">I", length)))
        elif kind == GOAWAY:
            self.leaving, self.last_stream = True, int.from_bytes(payload[:4], "big")
        return kind, flags, stream, payload

    def close(self):
        self.socket.close()


def ask_until_refused(port, closes):
    """Answered and lost requests, until no connection is accepted any more."""
    answered, client = 0, None
    while True:
        try:
            client = client or Connection(port)
        except OSError:
            return answered, 0
        try:
            answered += client.ask("/get?n=1000")
        except OSError:
            return answered, 1
        if closes or client.leaving:
            client.close()
            client = None
