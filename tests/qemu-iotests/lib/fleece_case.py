# SPDX-License-Identifier: GPL-2.0-or-later
"""A case with a guest on a disk, and what it takes to freeze that.

    guest -> export `top` -> raw `top` -> [cbw ->] raw `disk` -> file
                                           | target
                                          `temp`
    reader -> export `snap` -> snapshot-access `snap` -> cbw
"""

from . import exports, images, tools
from .case import Case
from .images import KIB, MIB

CLUSTER = 64 * KIB


class FleeceCase(Case):

    size_bytes = 8 * MIB

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()
        self.path_of = {}
        self.add_raw('disk', images.make_patterned(self.path('disk.img'),
                                                   self.size_bytes))
        self.frozen = images.read(self.path_of['disk'])
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'top', 'file': 'disk',
            'discard': 'unmap'})
        self.server = exports.Server(self.vm)
        self.server.add('top')
        self.guest = self.connect('top')

    def connect(self, name, contexts=()):
        handle = self.server.connect(name, contexts)
        self.addCleanup(self.disconnect, handle)
        return handle

    def disconnect(self, handle):
        """Also from a daemon that was killed."""
        if not self.vm.expect_crash:
            exports.disconnect(handle)

    # -- nodes

    def add_raw(self, name, path, **more):
        self.path_of[name] = path
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': name, 'discard': 'unmap', **more,
            'file': {'driver': 'file', 'filename': path,
                     'discard': 'unmap'}})

    def add_temp(self, name='temp', size_bytes=None):
        self.add_raw(name, images.make(self.path(f'{name}.img'),
                                       size_bytes or self.size_bytes))

    def cbw_options(self, file='disk', target='temp', name='cbw', **more):
        return {'driver': 'copy-before-write', 'node-name': name,
                'file': file, 'target': target, 'discard': 'unmap',
                **{k.replace('_', '-'): v for k, v in more.items()}}

    def snap_options(self, file='cbw', name='snap'):
        return {'driver': 'snapshot-access', 'node-name': name, 'file': file,
                'discard': 'unmap'}

    def top_options(self, file, name='top'):
        return {'driver': 'raw', 'node-name': name, 'file': file,
                'discard': 'unmap'}

    def put_between(self, file, name='top'):
        """`name` shows FILE from now on, while it is used."""
        self.vm.cmd('blockdev-reopen', options=[self.top_options(file, name)])

    def freeze_old_scheme(self):
        """The temporary image has the disk behind it and is itself exported;
        a client of that."""
        path = self.path('temp.qcow2')
        tools.img('create', '-f', 'qcow2', path, str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'temp', 'backing': 'disk',
            'file': {'driver': 'file', 'filename': path}})
        self.vm.cmd('blockdev-add', self.cbw_options())
        self.put_between('cbw')
        self.server.add('temp', writable=False)
        return self.connect('temp')

    def freeze(self, **cbw):
        """From now on `snap` shows what `disk` has now; a client of it."""
        self.vm.cmd('blockdev-add', self.cbw_options(**cbw))
        self.put_between('cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        self.frozen = images.read(self.path_of['disk'])
        return self.connect('snap', [exports.BASE])

    def thaw(self):
        """The reverse; no client of `snap` is left."""
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.put_between('disk')
        self.vm.cmd('blockdev-del', {'node-name': 'cbw'})

    # -- checks

    def assert_frozen(self, snap, offset=0, length=None):
        """What a reader sees of the area is of the point in time."""
        end = self.size_bytes if length is None else offset + length
        for at in range(offset, end, MIB):
            n = min(MIB, end - at)
            data = snap.pread(n, at)
            if data != self.frozen[at:at + n]:
                bad = next(i for i in range(n)
                           if data[i] != self.frozen[at + i])
                self.fail(f'not of the point in time at {at + bad}')

    def node(self, name):
        return next(n for n in self.vm.cmd('query-named-block-nodes')
                    if n['node-name'] == name)

    def refused(self, snap, length, offset):
        """A read of the snapshot must be refused."""
        self.assertEqual(exports.errno_of(snap.pread, length, offset),
                         'EINVAL')
