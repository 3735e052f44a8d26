# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of libnbd that write in threads and note what they did.

They work off a budget, which bounds a test whatever the machine's speed.
"""

import random
import threading

import nbd

from . import exports
from .images import KIB, MIB
from .program import TIMEOUT_S


class Crowd:
    """Several connections to one export, a thread each.

    `history` gets their operations. An error reply is noted; the end of a
    connection is, too, unless `may_end`, a failure that `stop` raises.
    """

    def __init__(self, server, name, history, seed, clients=2, depth=8,
                 largest=1 * MIB, may_end=False, may_fail=False, align=1):
        self.server, self.name, self.history = server, name, history
        self.depth, self.largest, self.align = depth, largest, align
        self.may_end, self.may_fail = may_end, may_fail
        self.stopping = False
        self.failure = None
        self.errors = set()
        self.budget = threading.Semaphore(0)
        self.reads = []
        self.threads = []
        for i in range(clients):
            handle = server.connect(name, pread_initialize=False)
            thread = threading.Thread(
                target=self._run, args=(handle, random.Random(seed * 97 + i)))
            thread.start()
            self.threads.append(thread)

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
            _Client(self, handle, source).run()
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


class _Client:

    def __init__(self, crowd, handle, source):
        self.crowd, self.nbd, self.random = crowd, handle, source
        self.flight = {}

    def run(self):
        crowd = self.crowd
        while not crowd.stopping or self.flight:
            while not crowd.stopping and \
                    len(self.flight) < crowd.depth and \
                    crowd.budget.acquire(blocking=not self.flight):
                if not crowd.stopping:
                    self.issue()
            if self.flight:
                self.nbd.poll(1000)
            if self.flight and (self.nbd.aio_is_dead() or
                                self.nbd.aio_is_closed()):
                if not crowd.may_end:
                    raise AssertionError('the server closed the connection')
                return

    def range(self):
        size = self.crowd.history.size
        align = self.crowd.align
        length = self.random.choice(
            (512, 512, 1, 37, 4096, 4096, 5000, 16 * KIB, 64 * KIB,
             100 * KIB, 200001, self.crowd.largest))
        length = max(length // align * align, align)
        offset = self.random.randrange(0, size - length + 1)
        unit = self.random.choice((align, max(align, 512), 4096, 64 * KIB))
        return offset // unit * unit, length

    def issue(self):
        kind = self.random.choices(
            ('write', 'zero', 'trim', 'read', 'flush'),
            (70, 10, 8, 8, 4))[0]
        offset, length = self.range()
        op = buf = None
        if kind in ('write', 'zero', 'trim'):
            op = self.crowd.history.begin(kind, offset, length)
            if kind == 'write':
                buf = nbd.Buffer.from_bytearray(
                    bytearray(op.content(offset, offset + length)))
        elif kind == 'read':
            op = type('Read', (), {})()
            op.__dict__.update(offset=offset)
            op.start = _now()
            buf = nbd.Buffer(length)
        key = object()
        self.flight[key] = buf

        def done(error):
            self.flight.pop(key)
            self.finish(kind, op, buf, getattr(error, 'value', error))
            return 1

        self.send(kind, offset, length, buf, done)

    def send(self, kind, offset, length, buf, done):
        fua = nbd.CMD_FLAG_FUA if self.random.random() < 0.05 else 0
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
            op.end = _now()
            self.crowd.reads.append((op, buf.to_bytearray()))


def _now():
    from .history import now
    return now()
