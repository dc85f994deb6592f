"""HTTP as uvicorn speaks it, with deadlines that it does not have: for a header to come, and for an answer to be taken.

The deadline of a header begins with the connection, and of a further request with its first byte. An answer that is not
taken any further for as long ends the connection. Both are the server's part; an application never hears of them.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from wavemore.serve.bodies import LINGER

__all__ = ["Refused", "patient"]

_SENT_AT_ONCE = 1 << 17  # bytes that the system holds for a connection; Linux takes twice as many
_LEAST_TAKEN = 1 << 16  # bytes of a long answer that must be taken within the deadline

Refused = Callable[[str, int], object]
"""Told of the client and the status of each answer that is given before there is a request."""


def patient(patience: float, refused: Refused) -> type[H11Protocol]:
    """A protocol that waits so many seconds."""
    return type("Patient", (_Patient,), {"patience": patience, "refused": staticmethod(refused)})


class _Patient(H11Protocol):
    patience: float
    refused: Refused

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._header_due: asyncio.TimerHandle | None = None
        self._taking_due: asyncio.TimerHandle | None = None
        self._left = 0
        """Bytes of an answer that were still to be sent when its deadline began."""
        self._ending = False
        """Whether the last answer is on its way, and what still comes is thrown away."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if (
            connection is not None
        ):  # else the system takes megabytes, and nobody sees whether they are taken any further
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SENT_AT_ONCE)
        self._header_due = self.loop.call_later(self.patience, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._ending:
            super().data_received(data)
            self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._must_be_taken()
        else:
            self._watch()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._must_be_taken()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._must_be_taken()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._taking_due is not None and not self.transport.is_closing():
            self._taking_due.cancel()
            self._taking_due = None

    def send_400_response(self, msg: str) -> None:
        self._answer(400, "this is no request of HTTP/1.1, or its header is too long")

    def _watch(self) -> None:
        """Begin the deadline where a header has begun to come, and end it where one has come."""
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        if begun and self._header_due is None:
            self._header_due = self.loop.call_later(self.patience, self._too_slow)
        elif not begun and self._header_due is not None:
            self._header_due.cancel()
            self._header_due = None

    def _too_slow(self) -> None:
        if self.transport.is_closing() or self._ending:
            return
        if self.conn.trailing_data[0]:
            self._answer(408, f"the header did not come whole within {self.patience:g} s; send it faster")
        else:
            self.transport.close()

    def _answer(self, status: int, said: str) -> None:
        """Where an answer has begun already, all that can be done is to close the connection."""
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": said}).encode()
            headers = [
                ("content-type", "application/json"),
                ("content-length", str(len(body))),
                ("connection", "close"),
            ]
            events = (h11.Response(status_code=status, headers=headers), h11.Data(data=body), h11.EndOfMessage())
            self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
            type(self).refused(self.client[0] if self.client else "-", status)
            self._ending = True
            if self.cycle is not None:  # the application is to see that the client is gone
                self.cycle.disconnected = True
                self.cycle.message_event.set()
            self.transport.write_eof()
            self.loop.call_later(LINGER, self.transport.close)
        else:
            self.transport.close()
        self._must_be_taken()

    def _must_be_taken(self) -> None:
        """What is still to be sent must be taken further in time."""
        if self._taking_due is None:
            self._left = self.transport.get_write_buffer_size()
            self._taking_due = self.loop.call_later(self.patience, self._taken)

    def _taken(self) -> None:
        """Give an answer up of which hardly anything was taken; one that is merely long goes on."""
        self._taking_due = None
        if self.transport.get_write_buffer_size() > self._left - _LEAST_TAKEN:
            self.transport.abort()
        else:
            self._must_be_taken()

    def _unset(self) -> None:
        for due in (self._header_due, self._taking_due):
            if due is not None:
                due.cancel()
        self._header_due = self._taking_due = None
