# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of libnbd that write in threads and note what they did.

They work off a budget, which bounds a test whatever the machine's speed.
"""

import os
import random
import socket
import threading

import nbd

from . import exports
from .history import now
from .images import KIB, MIB
from .program import TIMEOUT_S


class Crowd:
    """Several connections to one export, a thread each.

    `history` gets their operations. An error reply (unless `may_fail`) and
    the end of a connection (unless `may_end`) is a failure that `stop`
    raises. `drops`: how likely a client is to go away without a word, and
    come again, where it could ask for something.
    """

    def __init__(self, server, name, history, seed, clients=2, depth=8,
                 largest=1 * MIB, may_end=False, may_fail=False, drops=0):
        self.server, self.name, self.history = server, name, history
        self.drops = drops
        self.depth, self.largest = depth, largest
        self.may_end, self.may_fail = may_end, may_fail
        self.stopping = False
        self.failure = None
        self.errors = set()
        self.budget = threading.Semaphore(0)
        self.reads = []
        self.threads = []
        # The first connections must succeed, so they are made here.
        handles = [self.connect() for _ in range(clients)]
        for i, handle in enumerate(handles):
            thread = threading.Thread(
                target=self._run, args=(handle, random.Random(seed * 97 + i)))
            thread.start()
            self.threads.append(thread)

    def connect(self):
        return self.server.connect(self.name, pread_initialize=False)

    def allow(self, count):
        """COUNT more operations, of all clients together."""
        for _ in range(count):
            self.budget.release()

    def stop(self):
        """Lets what is in flight end; raises what went wrong."""
        self.stopping = True
        self.allow(len(self.threads))
        for thread in self.threads:
            thread.join(TIMEOUT_S)
            if thread.is_alive():
                raise AssertionError(f'requests to {self.name} hang')
        if self.failure:
            raise self.failure

    # -- a client

    def _run(self, handle, source):
        try:
            while not _Client(self, handle, source).run():
                handle = self.connect()
            exports.disconnect(handle)
        except nbd.Error as error:
            if not self.may_end:
                self.failure = error
        except BaseException as error:  # pylint: disable=broad-except
            self.failure = error

    def check_reads(self):
        for op, data in self.reads:
            self.history.check_pieces(bytes(data), (op.start, op.end),
                                      op.offset)
        self.reads = []


def hang_up(handle):
    """Cuts the connection; replies on their way are lost."""
    with socket.socket(fileno=os.dup(handle.aio_get_fd())) as sock:
        sock.shutdown(socket.SHUT_RDWR)
    try:
        while not (handle.aio_is_dead() or handle.aio_is_closed()):
            handle.poll(1000)
    except nbd.Error:
        pass


class Read:
    """A read, or a flush: where, and from when to when."""

    def __init__(self, offset, start):
        self.offset, self.start, self.end = offset, start, None


class _Client:
    """One connection and what is in flight on it."""

    def __init__(self, crowd, handle, source):
        self.crowd, self.nbd, self.random = crowd, handle, source
        self.flight = {}

    def run(self):
        """False when this client wants to come again."""
        crowd = self.crowd
        while not crowd.stopping or self.flight:
            while not crowd.stopping and \
                    len(self.flight) < crowd.depth and \
                    crowd.budget.acquire(blocking=not self.flight):
                if not crowd.stopping:
                    self.issue()
                    if self.random.random() < crowd.drops:
                        hang_up(self.nbd)
                        return False
            if self.flight:
                self.nbd.poll(1000)
            if self.flight and (self.nbd.aio_is_dead() or
                                self.nbd.aio_is_closed()):
                if not crowd.may_end:
                    raise AssertionError('the server closed the connection')
                return True
        return True

    def range(self):
        size = self.crowd.history.size
        length = self.random.choice(
            (512, 512, 1, 37, 4096, 4096, 5000, 16 * KIB, 64 * KIB,
             100 * KIB, 200001, self.crowd.largest))
        offset = self.random.randrange(0, size - length + 1)
        unit = self.random.choice((1, 512, 4096, 64 * KIB))
        return offset // unit * unit, length

    def issue(self):
        kind = self.random.choices(
            ('write', 'zero', 'trim', 'read', 'flush'),
            (70, 10, 8, 8, 4))[0]
        offset, length = self.range()
        fua = self.random.random() < 0.05
        op = buf = None
        if kind in ('write', 'zero', 'trim'):
            op = self.crowd.history.begin(kind, offset, length)
            op.fua = fua
            if kind == 'write':
                buf = nbd.Buffer.from_bytearray(
                    bytearray(op.content(offset, offset + length)))
        elif kind == 'read':
            op = Read(offset, now())
            buf = nbd.Buffer(length)
        else:
            op = Read(0, now())
        key = object()
        self.flight[key] = buf

        def done(error):
            self.flight.pop(key)
            self.finish(kind, op, buf, getattr(error, 'value', error))
            return 1

        self.send(kind, offset, length, buf, done,
                  nbd.CMD_FLAG_FUA if fua else 0)

    def send(self, kind, offset, length, buf, done, fua):
        if kind == 'write':
            self.nbd.aio_pwrite(buf, offset, done, fua)
        elif kind == 'zero':
            hole = self.random.choice((0, nbd.CMD_FLAG_NO_HOLE))
            self.nbd.aio_zero(length, offset, done, hole | fua)
        elif kind == 'trim':
            self.nbd.aio_trim(length, offset, done, fua)
        elif kind == 'read':
            self.nbd.aio_pread(buf, offset, done)
        else:
            self.nbd.aio_flush(done)

    def finish(self, kind, op, buf, error):
        if error:
            self.crowd.errors.add(error)
            if not self.crowd.may_fail and not self.crowd.may_end:
                self.crowd.failure = AssertionError(
                    f'{kind} failed: errno {error}')
        if kind in ('write', 'zero', 'trim'):
            op.finish(not error)
        elif kind == 'read' and not error:
            op.end = now()
            self.crowd.reads.append((op, buf.to_bytearray()))
        elif kind == 'flush' and not error:
            self.crowd.history.flushed(op.start)
