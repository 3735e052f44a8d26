# SPDX-License-Identifier: GPL-2.0-or-later
"""A QMP client over any stream socket, that also shows the raw lines.

Every receive has a time limit; reaching it is a failure. `log` keeps all
messages in the order in which they came.
"""

import json
import select
import socket
import struct
import time

from .program import TIMEOUT_S


class Closed(Exception):
    """The other side closed the connection."""


class QMPError(Exception):
    """The answer to a command was an error."""

    def __init__(self, reply):
        self.cls = reply['error']['class']
        self.desc = reply['error']['desc']
        super().__init__(f'{self.cls}: {self.desc}')


class QMP:
    """One connection. Takes over the socket (or a pair of pipe files)."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b''
        self.events = []
        self.log = []
        self.greeting = None

    @classmethod
    def unix(cls, path):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # A full backlog must wait, which a socket with a timeout of
        # Python's does not: it is non-blocking underneath.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                        struct.pack('ll', int(TIMEOUT_S), 0))
        sock.connect(path)
        sock.settimeout(TIMEOUT_S)
        return cls(sock)

    @classmethod
    def tcp(cls, port, host='127.0.0.1'):
        return cls(socket.create_connection((host, port), TIMEOUT_S))

    def close(self):
        self.sock.close()

    # -- bytes

    def send_raw(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def _fill(self, deadline):
        left_s = max(0, deadline - time.monotonic())
        ready, _, _ = select.select([self.sock], [], [], left_s)
        if not ready:
            raise TimeoutError(f'no answer; so far: {self.log[-5:]}')
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b''
        if not data:
            raise Closed(f'connection closed; so far: {self.log[-5:]}')
        self.buffer += data

    def recv_line(self, timeout_s=TIMEOUT_S):
        """The next line as bytes, without its end."""
        deadline = time.monotonic() + timeout_s
        while b'\n' not in self.buffer:
            self._fill(deadline)
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.rstrip(b'\r')

    def recv(self, timeout_s=TIMEOUT_S):
        """The next message of any kind, parsed."""
        message = json.loads(self.recv_line(timeout_s))
        self.log.append(message)
        return message

    def recv_until_closed(self):
        """All that still comes until the other side closes."""
        deadline = time.monotonic() + TIMEOUT_S
        try:
            while True:
                self._fill(deadline)
        except Closed:
            rest, self.buffer = self.buffer, b''
            return rest

    # -- messages

    def recv_reply(self):
        """The next message that is no event; events are kept aside."""
        while True:
            message = self.recv()
            if 'event' not in message:
                return message
            self.events.append(message)

    def negotiate(self, enable=None):
        self.greeting = self.recv()
        assert 'QMP' in self.greeting, self.greeting
        args = {'enable': enable} if enable is not None else None
        return self.cmd('qmp_capabilities', args)

    def execute(self, name, args=None, ident=None):
        """Sends one command; the whole reply, error or not."""
        request = {'execute': name}
        if args is not None:
            request['arguments'] = args
        if ident is not None:
            request['id'] = ident
        self.send_raw(json.dumps(request) + '\n')
        return self.recv_reply()

    def cmd(self, name, args=None, /, **kwargs):
        """Sends one command; its return value, or raises QMPError.

        Keyword arguments have '_' for '-': job_id='j'.
        """
        merged = dict(args or {})
        merged.update({k.replace('_', '-'): v for k, v in kwargs.items()})
        reply = self.execute(name, merged or None)
        if 'error' in reply:
            raise QMPError(reply)
        return reply['return']

    def event(self, name, /, **data):
        """Waits for an event NAME whose data has the given members.

        It is taken out of `events`; those before it stay there.
        """
        def fits(event):
            got = event.get('data', {})
            return event['event'] == name and all(
                got.get(k.replace('_', '-')) == v for k, v in data.items())

        for i, event in enumerate(self.events):
            if fits(event):
                return self.events.pop(i)
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            message = self.recv(max(0, deadline - time.monotonic()))
            assert 'event' in message, message
            if fits(message):
                return message
            self.events.append(message)
