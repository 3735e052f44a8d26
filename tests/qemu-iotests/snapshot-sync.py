#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-snapshot-sync: an image is made and put on top of a disk; and
snapshots inside an image."""

from lib import case, images, program, tools
from lib.exports import Server
from lib.images import MIB

SIZE = MIB
ABORT = {'type': 'abort', 'data': {}}


class SnapshotCase(case.Case):
    """Node `disk`, qcow2, with a guest."""

    def setUp(self):
        super().setUp()
        self.disk = self.path('disk.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', self.disk, str(SIZE))
        self.vm = self.daemon()
        self.add('disk', self.disk)
        self.server = Server(self.vm)
        self.server.add('disk')
        self.guest = self.server.connect('disk')

    def add(self, name, path, driver='qcow2', **more):
        self.vm.cmd('blockdev-add', {
            'driver': driver, 'node-name': name,
            'file': {'driver': 'file', 'filename': path}, **more})

    def node(self, name):
        return [n for n in self.vm.cmd('query-named-block-nodes')
                if n['node-name'] == name][0]

    def names(self):
        return sorted(n['node-name'] for n in self.vm.cmd(
            'query-named-block-nodes', {'flat': True})
            if not n['node-name'].startswith('#'))

    def transaction(self, kind, *args, abort=False):
        actions = [{'type': kind, 'data': a} for a in args]
        return {'actions': actions + [ABORT] * abort}


class SnapshotSync(SnapshotCase):

    def args(self, node='disk', overlay='over', **more):
        args = {'node-name': node, 'snapshot-node-name': overlay,
                'snapshot-file': self.path('over.qcow2')}
        args.update({k.replace('_', '-'): v for k, v in more.items()})
        return args

    def snapshot(self, *args, **more):
        self.vm.cmd('blockdev-snapshot-sync', self.args(*args, **more))

    def refuse(self, desc, **more):
        before = self.names()
        args = self.args(**more)
        self.assert_error(self.vm, 'blockdev-snapshot-sync', {
            k: v for k, v in args.items() if v is not None}, desc)
        self.assertEqual(self.names(), before)

    def test_made(self):
        self.guest.pwrite(b'\1' * 512, 0)
        self.snapshot()
        self.assertEqual(self.vm.stdout().splitlines(), [
            f"Formatting '{self.path('over.qcow2')}', fmt=qcow2 "
            'cluster_size=65536 extended_l2=off compression_type=zlib '
            f'size={SIZE} backing_file={self.disk} backing_fmt=qcow2 '
            'lazy_refcounts=off refcount_bits=16'])
        self.guest.pwrite(b'\2' * 512, 512)
        self.assertEqual(self.guest.pread(1024, 0), b'\1' * 512 + b'\2' * 512)
        self.assertEqual(self.node('over')['backing_file_depth'], 1)
        self.vm.quit()
        tools.io(self.disk, 'read -P 1 0 512', 'read -P 0 512 512',
                 options=('-f', 'qcow2'))
        tools.io(self.path('over.qcow2'), 'read -P 1 0 512',
                 'read -P 2 512 512', options=('-f', 'qcow2'))

    def test_existing(self):
        """What the image itself says is behind it does not count."""
        path, other = self.path('over.qcow2'), self.path('other.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', other, str(SIZE))
        tools.img('create', '-q', '-f', 'qcow2', '-b', other, '-F', 'qcow2',
                  path)
        self.guest.pwrite(b'\1' * 512, 0)
        self.snapshot(mode='existing')
        self.assertEqual(self.vm.stdout(), '')
        self.assertEqual(self.guest.pread(512, 0), b'\1' * 512)

    def test_as_the_disk(self):
        """The host's cache is used as it was for the disk."""
        path = self.path('direct.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        cache = {'direct': False, 'no-flush': True}
        self.add('direct', path, cache=cache)
        self.server.add('direct')
        self.snapshot('direct')
        self.assertEqual(self.node('over')['cache'],
                         {'writeback': True, **cache})

    def test_chain(self):
        """The node belongs to its users, and takes the next one."""
        self.snapshot()
        self.snapshot('over', 'next', snapshot_file=self.path('next.qcow2'))
        self.assertEqual(self.names(), ['disk', 'next', 'over'])
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'next'},
                          'Node next is in use')

    def test_refused(self):
        raw = images.make(self.path('raw.img'), SIZE)
        for desc, args in (
                ("Cannot find device='' nor node-name='x'", {'node': 'x'}),
                ("Cannot find device='' nor node-name=''", {'node': None}),
                ("Cannot find device='disk' nor node-name=''",
                 {'node': None, 'device': 'disk'}),
                ('New overlay node-name missing', {'overlay': None}),
                ('New overlay node-name already in use', {'overlay': 'disk'}),
                ("Invalid node-name: '#x'", {'overlay': '#x'}),
                (f"Could not open '{self.path('no')}': No such file or "
                 'directory', {'mode': 'existing',
                               'snapshot-file': self.path('no')}),
                ("Could not create '/no/such': No such file or directory",
                 {'snapshot-file': '/no/such'}),
                ('Image is not in qcow2 format',
                 {'mode': 'existing', 'snapshot-file': raw}),
                ('The overlay does not support backing images',
                 {'mode': 'existing', 'snapshot-file': raw,
                  'format': 'raw'}),
                ("Backing file not supported for file format 'raw'",
                 {'format': 'raw'}),
                ("Unknown file format 'x'", {'format': 'x'}),
                ("Format driver 'null-co' does not support image creation",
                 {'format': 'null-co'}),
                ('Error: Trying to create an image with the same filename as '
                 'the backing file', {'snapshot-file': self.disk})):
            self.refuse(desc, **args)
        self.snapshot()
        self.refuse("Node 'disk' is busy: node is used as backing hd of "
                    "'over'", overlay='two')

    def test_transaction(self):
        """Two on top of each other, at once or not at all."""
        both = (self.args(), self.args('over', 'next',
                                       snapshot_file=self.path('next')))
        kind = 'blockdev-snapshot-sync'
        # QEMU 7.2 does not survive the undoing of two.
        undone = both[:1] if program.is_oracle() else both
        self.assert_error(self.vm, 'transaction',
                          self.transaction(kind, *undone, abort=True),
                          'Transaction aborted using Abort action')
        self.assertEqual(self.names(), ['disk'])
        self.guest.pwrite(b'\1' * 512, 0)
        self.vm.cmd('transaction', self.transaction(kind, *both))
        self.guest.pwrite(b'\2' * 512, 512)
        self.assertEqual(self.guest.pread(1024, 0), b'\1' * 512 + b'\2' * 512)
        self.assertEqual(self.names(), ['disk', 'next', 'over'])


class InternalSnapshots(SnapshotCase):

    def create(self, name, device='disk'):
        self.vm.cmd('blockdev-snapshot-internal-sync', device=device,
                    name=name)

    def delete(self, **args):
        return self.vm.cmd('blockdev-snapshot-delete-internal-sync',
                           device='disk', **args)

    def test_life(self):
        self.guest.pwrite(b'\1' * 512, 0)
        self.create('one')
        self.create('two')
        self.guest.pwrite(b'\2' * 512, 0)
        info = self.delete(name='one')
        self.assertEqual((info['id'], info['name'], info['vm-state-size']),
                         ('1', 'one', 0))
        self.vm.quit()
        tools.io(self.disk, 'read -P 2 0 512', options=('-f', 'qcow2'))
        tools.img('snapshot', '-a', 'two', self.disk)
        tools.io(self.disk, 'read -P 1 0 512', options=('-f', 'qcow2'))
        tools.img('check', self.disk)

    def refuse(self, command, desc, **args):
        self.assert_error(self.vm, f'blockdev-snapshot-{command}',
                          {'device': 'disk', **args}, desc)

    def test_create_refused(self):
        self.create('one')
        self.add('raw', images.make(self.path('raw.img'), SIZE), 'raw')
        path = self.path('ro.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(SIZE))
        self.add('ro', path, **{'read-only': True})
        for desc, args in (
                ("Snapshot with name 'one' already exists on device 'disk'",
                 {'name': 'one'}),
                ('Name is empty', {'name': ''}),
                ("Cannot find device='x' nor node-name='x'",
                 {'device': 'x', 'name': 'a'}),
                ("Block format 'raw' used by device 'raw' does not support "
                 'internal snapshots', {'device': 'raw', 'name': 'a'}),
                ("Device 'ro' is read only", {'device': 'ro', 'name': 'a'})):
            self.refuse('internal-sync', desc, **args)

    def test_delete_refused(self):
        self.create('one')
        self.add('raw', images.make(self.path('raw.img'), SIZE), 'raw')
        for desc, args in (
                ('Name or id must be provided', {}),
                ("Snapshot with id 'null' and name 'x' does not exist on "
                 "device 'disk'", {'name': 'x'}),
                ("Snapshot with id '7' and name 'null' does not exist on "
                 "device 'disk'", {'id': '7'}),
                ("Snapshot with id '7' and name 'one' does not exist on "
                 "device 'disk'", {'id': '7', 'name': 'one'}),
                ("Snapshot with id '1' and name 'x' does not exist on "
                 "device 'disk'", {'id': '1', 'name': 'x'}),
                ("Cannot find device='x' nor node-name='x'",
                 {'device': 'x', 'id': '1'}),
                ('Failed to get a snapshot list: Operation not supported',
                 {'device': 'raw', 'id': '1'})):
            self.refuse('delete-internal-sync', desc, **args)

    def test_transaction(self):
        kind = 'blockdev-snapshot-internal-sync'
        both = tuple({'device': 'disk', 'name': name} for name in 'ab')
        self.assert_error(self.vm, 'transaction',
                          self.transaction(kind, *both, abort=True),
                          'Transaction aborted using Abort action')
        self.assertNotIn('snapshots', self.node('disk')['image'])
        self.vm.cmd('transaction', self.transaction(kind, *both))
        self.assertEqual([s['name'] for s in
                          self.node('disk')['image']['snapshots']],
                         ['a', 'b'])


if __name__ == '__main__':
    case.main()
