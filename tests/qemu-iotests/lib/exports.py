# SPDX-License-Identifier: GPL-2.0-or-later
"""NBD exports of a daemon, and clients of libnbd (never of ours)."""

import os

try:
    import nbd
except ImportError as missing:
    raise RuntimeError('Python has no libnbd: install python3-libnbd') \
        from missing

from . import program

BASE = 'base:allocation'

# For tests that ask a server ten thousand questions: they are not late only
# because the machine is slow. QEMU 7.2 has no limit, and no such word.
NO_LIMIT = {} if program.is_oracle() else {'handshake-max-seconds': 0}


def dirty(bitmap):
    """The metadata context that shows a dirty bitmap."""
    return f'qemu:dirty-bitmap:{bitmap}'


class Server:
    """The NBD server of a daemon, on a unix socket in its directory.

    `iothreads`: names of those that its exports run on.
    """

    def __init__(self, vm, name='nbd', iothreads=(), **options):
        self.vm = vm
        self.iothreads = list(iothreads)
        self.path = os.path.join(vm.dir, name)
        vm.cmd('nbd-server-start', {
            'addr': {'type': 'unix', 'data': {'path': self.path}},
            **options})

    def add(self, node, name=None, writable=True, **options):
        """Exports NODE; the id of the export is its name."""
        name = node if name is None else name
        args = {'type': 'nbd', 'id': name, 'node-name': node, 'name': name,
                'writable': writable}
        if self.iothreads:
            args['iothread'] = self.iothreads
        args.update({k.replace('_', '-'): v for k, v in options.items()})
        self.vm.cmd('block-export-add', args)

    def uri(self, name):
        return f'nbd+unix:///{name}?socket={self.path}'

    def connect(self, name, contexts=(), **settings):
        """A connected libnbd handle.

        `settings` are names of libnbd's set_* calls: pread_initialize=False.
        """
        handle = nbd.NBD()
        # Requests that the server must judge, not the client.
        handle.set_strict_mode(0)
        handle.set_export_name(name)
        for context in contexts:
            handle.add_meta_context(context)
        for setting, value in settings.items():
            getattr(handle, f'set_{setting}')(value)
        handle.connect_unix(self.path)
        return handle


def disconnect(handle):
    """Says good-bye, if the connection still stands."""
    if not (handle.aio_is_closed() or handle.aio_is_dead()):
        handle.shutdown()


def errno_of(call, *args):
    """The name of the error ('EINVAL') that CALL ends with."""
    try:
        call(*args)
    except nbd.Error as error:
        return error.errno
    raise AssertionError(f'{call} succeeded')


def extents(handle, context, offset_bytes=0, length_bytes=None):
    """[(length, flags)] of CONTEXT; neighbours with equal flags joined."""
    size = handle.get_size()
    end = size if length_bytes is None else offset_bytes + length_bytes
    out = []

    def take(metacontext, offset, entries, error):
        if metacontext != context:
            return 0
        for i in range(0, len(entries), 2):
            if out and out[-1][1] == entries[i + 1]:
                out[-1] = (out[-1][0] + entries[i], entries[i + 1])
            else:
                out.append((entries[i], entries[i + 1]))
        return 0

    at = offset_bytes
    while at < end:
        before = sum(length for length, _ in out)
        handle.block_status(end - at, at, take)
        step = sum(length for length, _ in out) - before
        assert step > 0, f'no extent at {at}'
        at += step
    return out


def dirty_ranges(handle, bitmap):
    """[(offset, length)] of what is dirty."""
    out = []
    at = 0
    for length, flags in extents(handle, dirty(bitmap)):
        if flags & 1:
            out.append((at, length))
        at += length
    return out
