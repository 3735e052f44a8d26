# SPDX-License-Identifier: GPL-2.0-or-later
"""A QMP client that measures: one send, one wait, nothing in between."""

import json
import socket
import time


class QmpError(Exception):
    """A command that should have worked did not."""


class Qmp:
    """One connection to a server's monitor."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(120)
        self.sock.connect(path)
        self.buffer = b''
        self.events = []
        self._line()
        self.cmd('qmp_capabilities')

    def _line(self):
        while b'\n' not in self.buffer:
            data = self.sock.recv(1 << 16)
            if not data:
                raise QmpError('the server closed its monitor')
            self.buffer += data
        line, self.buffer = self.buffer.split(b'\n', 1)
        return json.loads(line)

    def _answer(self):
        while True:
            message = self._line()
            if 'event' in message:
                self.events.append(message)
                continue
            if 'error' in message:
                raise QmpError(message['error']['desc'])
            return message['return']

    @staticmethod
    def encode(name, args=None):
        """A command in wire form."""
        request = {'execute': name}
        if args:
            request['arguments'] = args
        return json.dumps(request).encode() + b'\n'

    def cmd(self, name, args=None):
        self.sock.sendall(self.encode(name, args))
        return self._answer()

    def timed(self, name, args=None):
        """Seconds from the command's last byte to its answer's first line."""
        data = self.encode(name, args)
        start = time.perf_counter()
        self.sock.sendall(data)
        while b'\n' not in self.buffer:
            self.buffer += self.sock.recv(1 << 16)
        seconds = time.perf_counter() - start
        self._answer()
        return seconds

    def pipelined(self, data, count):
        """Sends @data, which holds @count commands, while it takes the
        answers; the seconds. Each must be a success."""
        view = memoryview(data)
        got = b''
        start = time.perf_counter()
        self.sock.setblocking(False)
        while got.count(b'\n') < count if not view else True:
            view, part = self._exchange(view)
            got += part
        seconds = time.perf_counter() - start
        self.sock.settimeout(120)
        if got.count(b'"return"') != count or b'"error"' in got:
            raise QmpError(f'{count} commands, wrong answers')
        return seconds

    def _exchange(self, view):
        """Sends and receives what is possible now."""
        part = b''
        try:
            part = self.sock.recv(1 << 20)
            if not part:
                raise QmpError('the server closed its monitor')
        except BlockingIOError:
            pass
        if view:
            try:
                view = view[self.sock.send(view[:1 << 16]):]
            except BlockingIOError:
                pass
        return view, part

    def wait_event(self, name):
        """The next event of that name; those before it are dropped."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if event['event'] == name:
                    return event
            message = self._line()
            if 'event' not in message:
                raise QmpError(f'an answer nobody waits for: {message}')
            self.events.append(message)

    def close(self):
        self.sock.close()
