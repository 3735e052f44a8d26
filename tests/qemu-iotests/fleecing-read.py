#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A frozen point in time is read while the guest writes."""

import os

from lib import case, exports, images, tools
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import KIB, MIB


class Read(FleeceCase):

    def test_of_the_point_in_time(self):
        self.add_temp()
        snap = self.freeze()
        self.assert_frozen(snap)
        for i, offset in enumerate((0, CLUSTER, 3 * MIB + 100,
                                    self.size_bytes - 512)):
            self.guest.pwrite(bytes([0xa0 + i]) * 300, offset)
        self.guest.pwrite(b'G' * MIB, 5 * MIB)
        self.guest.zero(CLUSTER, 2 * MIB)
        self.guest.trim(CLUSTER, 7 * MIB)
        for offset in (0, CLUSTER, 2 * MIB, 5 * MIB, 7 * MIB):
            self.assert_frozen(snap, offset, CLUSTER)
        self.assertEqual(self.guest.pread(MIB, 5 * MIB), b'G' * MIB)
        self.assertEqual(self.guest.pread(CLUSTER, 2 * MIB), bytes(CLUSTER))

    @ours_only('shows the live disk behind an area that was copied')
    def test_from_copied_to_untouched(self):
        """One request over areas of both kinds, many times in turn."""
        self.add_temp()
        snap = self.freeze()
        for i in range(0, 32, 2):
            self.guest.pwrite(b'x' * 512, i * CLUSTER + 1000)
        self.assert_frozen(snap)
        # What it had read from the disk is not taken for frozen later.
        for i in range(1, 32, 2):
            self.guest.pwrite(b'y' * CLUSTER, i * CLUSTER)
        self.assert_frozen(snap)
        self.assert_frozen(snap, 12345, 999999)

    def test_nobody_writes_to_it(self):
        self.add_temp()
        snap = self.freeze()
        self.assertEqual(exports.errno_of(snap.pwrite, b'x' * 512, 0),
                         'ENOTSUP')
        self.assertEqual(exports.errno_of(snap.zero, 512, 0), 'ENOTSUP')
        snap.flush()
        self.assert_frozen(snap)

    def test_only_what_the_bitmap_has(self):
        self.add_temp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b',
                    granularity=CLUSTER)
        self.guest.pwrite(b'1' * 100, MIB)
        self.guest.pwrite(b'2' * 100, 3 * MIB)
        self.guest.flush()
        snap = self.freeze(bitmap={'node': 'disk', 'name': 'b'})
        self.assert_frozen(snap, MIB, CLUSTER)
        self.refused(snap, 512, 0)
        self.refused(snap, 512, MIB - 512)
        self.refused(snap, 2 * CLUSTER, MIB)
        self.guest.pwrite(b'3' * 100, MIB)
        self.guest.pwrite(b'4' * MIB, 5 * MIB)
        self.assert_frozen(snap, MIB, CLUSTER)
        self.assert_frozen(snap, 3 * MIB, CLUSTER)
        # The bitmap may go on and go: it was looked at once.
        self.vm.cmd('block-dirty-bitmap-remove', node='disk', name='b')
        self.refused(snap, 512, 5 * MIB)
        self.assertEqual(os.stat(self.path_of['temp']).st_blocks * 512,
                         CLUSTER + self.first_block('temp'))

    def first_block(self, name):
        """Images are made with their first block allocated."""
        del name
        return self.made_bytes

    def add_temp(self, name='temp', size_bytes=None):
        super().add_temp(name, size_bytes)
        self.made_bytes = os.stat(self.path_of[name]).st_blocks * 512

    def test_discard(self):
        """It gives the space back, and what it says is gone is."""
        self.add_temp()
        snap = self.freeze()
        self.guest.pwrite(b'1' * MIB, MIB)
        before = os.stat(self.path_of['temp']).st_blocks
        snap.trim(MIB, MIB)
        self.assertEqual(
            (before - os.stat(self.path_of['temp']).st_blocks) * 512, MIB)
        self.refused(snap, 512, MIB)
        self.refused(snap, 512, 2 * MIB - 512)
        self.refused(snap, 1024, MIB - 512)
        self.assert_frozen(snap, 2 * MIB, MIB)
        # What was never copied will not be.
        snap.trim(MIB, 4 * MIB)
        self.guest.pwrite(b'2' * MIB, 4 * MIB)
        self.assertEqual(os.stat(self.path_of['temp']).st_blocks * 512,
                         self.made_bytes)
        self.refused(snap, 512, 4 * MIB)
        self.assertEqual(self.guest.pread(MIB, 4 * MIB), b'2' * MIB)

    @ours_only('an assertion fails')
    def test_discard_unaligned(self):
        self.add_temp()
        snap = self.freeze()
        snap.trim(3 * CLUSTER, CLUSTER - 512)
        self.assert_frozen(snap, 0, CLUSTER)
        self.refused(snap, 512, CLUSTER)
        self.refused(snap, 512, 3 * CLUSTER - 512)
        self.assert_frozen(snap, 3 * CLUSTER, CLUSTER)
        # Less than a cluster: nothing.
        snap.trim(CLUSTER - 512, 5 * CLUSTER + 256)
        self.assert_frozen(snap, 5 * CLUSTER, CLUSTER)
        # The last one reaches the end.
        snap.trim(100 * KIB, self.size_bytes - 100 * KIB)
        self.refused(snap, 512, self.size_bytes - 512)
        self.assert_frozen(snap, self.size_bytes - 2 * CLUSTER, CLUSTER)

    def test_discard_where_it_is_ignored(self):
        self.add_temp()
        self.vm.cmd('blockdev-add', self.cbw_options())
        self.put_between('cbw')
        self.vm.cmd('blockdev-add', {'driver': 'snapshot-access',
                                     'node-name': 'snap', 'file': 'cbw'})
        self.server.add('snap')
        snap = self.connect('snap')
        snap.trim(MIB, 0)
        self.assert_frozen(snap, 0, MIB)

    @ours_only('fails for what is outside of the bitmap')
    def test_status(self):
        """Neither the bitmap nor what was copied splits it up."""
        path = images.make(self.path('holes.img'), self.size_bytes)
        with open(path, 'r+b') as f:
            f.seek(2 * MIB)
            f.write(b'D' * 2 * MIB)
        self.add_raw('holes', path)
        self.add_temp()
        self.put_between('holes')
        self.vm.cmd('blockdev-add', self.cbw_options(file='holes'))
        self.put_between('cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        snap = self.connect('snap', [exports.BASE])
        expected = [(2 * MIB, 3), (2 * MIB, 0), (4 * MIB, 3)]
        first = MIB if False else expected
        self.assertEqual(self.extents(snap), first)
        for i in range(0, 128, 2):
            self.guest.pwrite(b'x' * 512, i * CLUSTER)
        self.assertEqual(self.extents(snap), expected)
        replies = []
        snap.block_status(self.size_bytes, 0,
                          lambda c, o, e, err: replies.append(e) and 0)
        self.assertEqual(len(replies[0]) // 2, 3)
        # What may not be read does not pass for a hole.
        snap.trim(MIB, 0)
        self.assertEqual(self.extents(snap),
                         [(MIB, 0), (MIB, 3), (2 * MIB, 0), (4 * MIB, 3)])

    def extents(self, snap):
        out = exports.extents(snap, exports.BASE)
        # The first block of an image is data, whatever was made of it.
        if len(out) > 1 and out[0] == (4096, 0):
            out = [(out[1][0] + 4096, out[1][1])] + out[2:]
        return out

    def test_many_readers(self):
        self.add_temp()
        snaps = [self.freeze()] + [self.connect('snap') for _ in range(4)]
        for i in range(64):
            self.guest.pwrite(bytes([i]) * 4096, i * 100000 // 512 * 512)
            snaps[i % 5].pread(CLUSTER, (i * 7 % 100) * CLUSTER)
        if not case.program.is_oracle():
            for snap in snaps:
                self.assert_frozen(snap)

    def test_again_and_again(self):
        """Put in and taken out under a guest that goes on."""
        for i in range(5):
            self.add_temp()
            snap = self.freeze()
            self.guest.pwrite(bytes([i + 1]) * MIB, i * MIB)
            self.assert_frozen(snap, i * MIB, MIB)
            exports.disconnect(snap)
            self.guest.pwrite(bytes([i + 2]) * 512, i * MIB)
            self.thaw()
            self.vm.cmd('blockdev-del', {'node-name': 'temp'})
        self.assertEqual(self.guest.pread(512, 0), bytes([2]) * 512)

    def test_shown_bitmaps(self):
        """Anonymous and not recording, as QEMU shows them."""
        self.add_temp()
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b')
        self.guest.pwrite(b'x' * 512, MIB)
        self.guest.flush()
        self.freeze(bitmap={'node': 'disk', 'name': 'b'})
        self.guest.pwrite(b'y' * 512, MIB)
        self.guest.pwrite(b'z' * 512, 2 * MIB)

        def anonymous(count):
            return {'busy': False, 'recording': False, 'persistent': False,
                    'granularity': CLUSTER, 'count': count}

        self.assertEqual(
            [b for b in self.node('cbw')['dirty-bitmaps']],
            [anonymous(CLUSTER), anonymous(2 * CLUSTER)])
        self.assertEqual([b for b in self.node('disk')['dirty-bitmaps']
                          if 'name' not in b], [anonymous(0)])


class Holes(FleeceCase):

    @ours_only('copies a request of clusters of both kinds as data')
    def test_holes_stay_holes(self):
        """Within one write, and in one that covers much."""
        path = images.make(self.path('holes.img'), self.size_bytes)
        with open(path, 'r+b') as f:
            for i in range(1, 16, 2):
                f.seek(i * CLUSTER)
                f.write(b'D' * CLUSTER)
        self.add_raw('holes', path)
        self.add_temp()
        self.put_between('holes')
        self.vm.cmd('blockdev-add', self.cbw_options(file='holes'))
        self.put_between('cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        self.frozen = images.read(path)
        made = os.stat(self.path_of['temp']).st_blocks * 512
        self.guest.pwrite(b'x' * (8 * CLUSTER), 0)
        self.guest.pwrite(b'x' * 512, 8 * CLUSTER)
        self.guest.pwrite(b'x' * 512, 9 * CLUSTER)
        self.guest.pwrite(b'y' * (4 * MIB), 4 * MIB)
        self.assert_frozen(self.connect('snap'))
        self.assertEqual(os.stat(self.path_of['temp']).st_blocks * 512 - made,
                         5 * CLUSTER)


class Targets(FleeceCase):
    """The temporary image may be of any kind."""

    def check(self):
        snap = self.freeze()
        for i in range(0, 100, 3):
            self.guest.pwrite(b'g' * 1000, i * CLUSTER + 777)
        for i in range(0, 100, 3):
            self.assert_frozen(snap, i * CLUSTER, CLUSTER)

    def test_qcow2(self):
        path = self.path('temp.qcow2')
        tools.img('create', '-f', 'qcow2', path, str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'temp',
            'file': {'driver': 'file', 'filename': path}})
        self.check()

    def test_qcow2_as_a_way_back(self):
        """Put above the disk afterwards it is the disk of that time, also
        where that had zeroes."""
        self.guest.zero(16 * CLUSTER, 0)
        self.guest.flush()
        self.frozen = images.read(self.path_of['disk'])
        path = self.path('temp.qcow2')
        tools.img('create', '-q', '-f', 'qcow2', path, str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'temp',
            'file': {'driver': 'file', 'filename': path}})
        exports.disconnect(self.freeze())
        for i in range(0, 100, 3):
            self.guest.pwrite(b'g' * 1000, i * CLUSTER + 777)
        self.thaw()
        exports.disconnect(self.guest)
        self.vm.quit()
        disk = self.path_of['disk']
        tools.img('rebase', '-u', '-b', disk, '-F', 'raw', path)
        plain = self.path('plain')
        tools.img('convert', '-f', 'qcow2', '-O', 'raw', path, plain)
        self.assertTrue(images.read(plain) == self.frozen)
        self.assertFalse(images.read(disk) == self.frozen)

    def test_qcow2_with_the_disk_behind_it(self):
        """The old scheme: the temporary image itself is exported."""
        temp = self.freeze_old_scheme()
        self.guest.pwrite(b'1' * 5000, MIB)
        self.guest.pwrite(b'2' * 5000, 4 * MIB)
        self.assert_frozen(temp)

    def test_old_scheme_by_a_job(self):
        path = self.path('temp.qcow2')
        tools.img('create', '-f', 'qcow2', path, str(self.size_bytes))
        self.vm.cmd('blockdev-add', {
            'driver': 'qcow2', 'node-name': 'temp', 'backing': 'disk',
            'file': {'driver': 'file', 'filename': path}})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'fleecing', 'device': 'disk', 'target': 'temp',
            'sync': 'none'})
        self.server.add('temp', writable=False)
        temp = self.connect('temp')
        for i in (0, 5, 9, 100, 101, 127):
            self.guest.pwrite(b'1' * 512, i * CLUSTER)
        self.assert_frozen(temp)
        self.vm.cmd('block-job-cancel', device='fleecing')
        data = self.vm.qmp.event('BLOCK_JOB_CANCELLED')['data']
        self.assertEqual((data['len'], data['offset']),
                         (self.size_bytes, 6 * CLUSTER))

    def test_larger(self):
        self.add_temp(size_bytes=2 * self.size_bytes)
        self.check()

    def test_throttled(self):
        self.vm.cmd('object-add', {'qom-type': 'throttle-group', 'id': 'g',
                                   'limits': {'iops-total': 1000}})
        self.add_temp('below')
        self.vm.cmd('blockdev-add', {
            'driver': 'throttle', 'node-name': 'temp', 'throttle-group': 'g',
            'file': 'below'})
        self.check()

    def test_over_nbd(self):
        other = self.daemon()
        path = images.make(self.path('far.img'), self.size_bytes)
        other.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'far',
            'file': {'driver': 'file', 'filename': path}})
        far = exports.Server(other, 'far')
        far.add('far')
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 'temp', 'export': 'far',
            'server': {'type': 'unix', 'path': far.path}})
        self.check()

    def test_min_cluster_size(self):
        if case.program.is_oracle():
            self.skipTest('QEMU 7.2 has no min-cluster-size')
        self.add_temp()
        snap = self.freeze(min_cluster_size=MIB)
        self.guest.pwrite(b'x' * 512, 3 * MIB + 512)
        self.assert_frozen(snap, 3 * MIB, MIB)
        self.assertGreaterEqual(
            os.stat(self.path_of['temp']).st_blocks * 512, MIB)


class Refused(FleeceCase):

    def refuse(self, desc, **cbw):
        self.assert_error(self.vm, 'blockdev-add', self.cbw_options(**cbw),
                          desc)

    def test_same_texts(self):
        self.add_temp()
        self.add_temp('big', 2 * self.size_bytes)
        self.refuse("Cannot find device='x' nor node-name='x'", target='x')
        self.refuse("Node 'x' not found", bitmap={'node': 'x', 'name': 'b'})
        self.refuse("Dirty bitmap 'b' not found",
                    bitmap={'node': 'disk', 'name': 'b'})
        self.vm.cmd('block-dirty-bitmap-add', node='big', name='b')
        self.refuse(
            "Cannot create block-copy-state: Failed to merge bitmap 'b' to "
            "internal copy-bitmap: Bitmaps are of different sizes "
            f"(destination size is {self.size_bytes}, source size is "
            f"{2 * self.size_bytes}) and can't be merged",
            bitmap={'node': 'big', 'name': 'b'})
        self.refuse("Parameter 'on-cbw-error' does not accept value 'x'",
                    on_cbw_error='x')
        self.refuse("Parameter 'cbw-timeout' expects uint32_t",
                    cbw_timeout=-1)
        # None of them left anything behind.
        self.vm.cmd('blockdev-del', {'node-name': 'temp'})

    @ours_only('accepts these, and fails or crashes later')
    def test_ours(self):
        self.add_temp()
        self.add_temp('small', MIB)
        self.refuse(f"Target 'small' ({MIB} bytes) is smaller than 'disk' "
                    f"({self.size_bytes} bytes)", target='small')
        self.refuse('Source and target cannot be the same', target='disk')
        self.refuse("Options 'cbw-timeout' and 'cbw-timeout-ms' cannot be "
                    'used together', cbw_timeout=1, cbw_timeout_ms=1)
        self.refuse('min-cluster-size needs to be a power of 2, 134217728 at '
                    'most', min_cluster_size=65537)

    def test_no_point_in_time(self):
        """Above anything but the filter there is nothing to see."""
        self.add_temp()
        self.vm.cmd('blockdev-add', self.snap_options(file='disk'))
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': self.snap_options()['node-name'],
            'target': 'temp', 'sync': 'full'})
        error = self.vm.qmp.event('BLOCK_JOB_ERROR')['data']
        self.assertEqual((error['operation'], error['action']),
                         ('read', 'report'))
        data = self.vm.qmp.event('BLOCK_JOB_COMPLETED')['data']
        self.assertEqual((data['offset'], data['error']),
                         (0, 'Operation not supported'))

    @ours_only('lets others write to the target')
    def test_the_target_is_its_own(self):
        self.add_temp()
        self.freeze()
        for node in ('temp', 'disk'):
            reply = self.vm.execute('block-export-add', {
                'type': 'nbd', 'id': 'w', 'node-name': node, 'writable': True})
            self.assertIn("Permission conflict on node '%s'" % node,
                          reply['error']['desc'])
            self.server.add(node, name='r-' + node, writable=False)

    def test_taken_out_under_readers(self):
        """It stays: the readers would see what the guest writes."""
        self.add_temp()
        snap = self.freeze()
        reply = self.vm.execute('blockdev-reopen',
                                {'options': [self.top_options('disk')]})
        self.assertIn("Permission conflict on node 'disk'",
                      reply['error']['desc'])
        self.guest.pwrite(b'x' * CLUSTER, MIB)
        self.assert_frozen(snap, MIB, CLUSTER)
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'snap'},
                          'Node snap is in use')
        self.assertIn('error', self.vm.execute('blockdev-del',
                                               {'node-name': 'cbw'}))

    @ours_only('sizes of raw files are not checked')
    def test_resize(self):
        self.add_temp()
        snap = self.freeze()
        for node in ('disk', 'top', 'temp'):
            reply = self.vm.execute('block_resize', {
                'node-name': node, 'size': 2 * self.size_bytes})
            self.assertIn('error', reply)
        self.assert_frozen(snap)


class Resized(FleeceCase):
    """The disk gets another length while nobody uses it but the filter."""

    def resize(self, size_bytes):
        self.add_temp()
        exports.disconnect(self.guest)
        self.vm.cmd('block-export-del', {'id': 'top'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'top'})
        self.vm.cmd('blockdev-add', self.cbw_options())
        self.vm.cmd('block_resize', node_name='disk', size=size_bytes)
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('cbw')
        self.server.add('snap', writable=False)
        return self.connect('cbw'), self.connect('snap')

    @ours_only('shows the old size')
    def test_longer(self):
        """What is new is nothing that the snapshot has."""
        guest, snap = self.resize(self.size_bytes + MIB)
        self.assertEqual(guest.get_size(), self.size_bytes + MIB)
        for at in 0, self.size_bytes - 512, self.size_bytes:
            guest.pwrite(b'x' * 1024, at)
            self.assertEqual(guest.pread(1024, at), b'x' * 1024)
        self.assert_frozen(snap)
        self.refused(snap, 512, self.size_bytes)

    @ours_only('aborts at a write beyond the new end')
    def test_shorter(self):
        half = self.size_bytes // 2
        guest, snap = self.resize(half)
        guest.pwrite(b'x' * 1024, half - 1024)
        for request in ((guest.pwrite, b'x' * 512, half),
                        (guest.pwrite, b'x' * 1024, half - 512),
                        (guest.pread, 512, self.size_bytes - 512)):
            self.assertEqual(exports.errno_of(*request), 'EINVAL')
        self.assert_frozen(snap, 0, half)
        self.refused(snap, 512, half)


if __name__ == '__main__':
    case.main()
