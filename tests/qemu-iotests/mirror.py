#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""blockdev-mirror without a bitmap: its life, its ends, its arguments."""

import os

from lib import case, images, jobs
from lib.images import KIB, MIB
from lib.mirror_case import CHUNK, MirrorCase

SIZE = 8 * MIB


def read_at(path, offset, length):
    with open(path, 'rb') as file:
        file.seek(offset)
        return file.read(length)


class Life(MirrorCase):

    def test_complete(self):
        """Ready, then the users of the source go on with the target."""
        guest = self.guest()
        self.start_mirror()
        self.assertEqual(self.wait_ready(), (SIZE, SIZE))
        self.assertEqual(self.complete(), [
            'waiting', 'pending', self.end_of('COMPLETED', SIZE), 'concluded',
            'null'])
        self.assert_equal_disks()
        guest.pwrite(b'\xbb' * CHUNK, 2 * CHUNK)
        guest.flush()
        self.assertEqual(read_at(self.target, 2 * CHUNK, CHUNK),
                         b'\xbb' * CHUNK)
        self.assertNotEqual(read_at(self.source, 2 * CHUNK, CHUNK),
                            b'\xbb' * CHUNK)
        self.vm.cmd('blockdev-del', {'node-name': 'src'})

    def test_leave(self):
        """A cancel when it is ready: a copy of one moment, no pivot."""
        guest = self.guest()
        self.start_mirror()
        self.wait_ready()
        guest.pwrite(b'\xaa' * CHUNK, 0)
        self.assertEqual(self.leave(), [
            'waiting', 'pending',
            self.end_of('COMPLETED', SIZE + CHUNK), 'concluded', 'null'])
        self.assert_equal_disks()
        guest.pwrite(b'\xbb' * CHUNK, 0)
        self.assertEqual(read_at(self.source, 0, CHUNK), b'\xbb' * CHUNK)
        self.assertEqual(read_at(self.target, 0, CHUNK), b'\xaa' * CHUNK)
        self.vm.cmd('blockdev-del', {'node-name': 'dst'})

    def test_force(self):
        self.start_mirror()
        self.wait_ready()
        self.vm.cmd('block-job-cancel', {'device': 'job0', 'force': True})
        self.assertEqual(self.history(), [
            'aborting', self.end_of('CANCELLED', SIZE), 'concluded', 'null'])
        self.vm.cmd('blockdev-del', {'node-name': 'src'})

    def test_job_cancel_is_force(self):
        self.start_mirror()
        self.wait_ready()
        self.vm.cmd('job-cancel', {'id': 'job0'})
        self.assertEqual(self.history(), [
            'aborting', self.end_of('CANCELLED', SIZE), 'concluded', 'null'])

    def test_cancel_early(self):
        """Not ready yet: there is no copy that could be left."""
        self.start_slow()
        self.vm.cmd('block-job-cancel', {'device': 'job0'})
        history = self.history()
        self.assertEqual([e if isinstance(e, str) else e[0] for e in history],
                         ['aborting', 'CANCELLED', 'concluded', 'null'])

    def test_complete_early(self):
        self.start_slow()
        self.assert_error(
            self.vm, 'block-job-complete', {'device': 'job0'},
            "Job 'job0' in state 'running' cannot accept command verb "
            "'complete'")
        self.vm.cmd('block-job-cancel', {'device': 'job0', 'force': True})
        self.history()

    def test_finalize(self):
        """The user's leave to finish; the disks are equal then."""
        guest = self.guest()
        self.start_mirror(auto_finalize=False, auto_dismiss=False)
        self.wait_ready()
        guest.pwrite(b'\xaa' * CHUNK, CHUNK)
        self.vm.cmd('job-complete', {'id': 'job0'})
        self.assertEqual(self.history('PENDING')[:2], ['waiting', 'pending'])
        self.vm.cmd('job-finalize', {'id': 'job0'})
        self.assertEqual(self.history('concluded')[0][0], 'COMPLETED')
        self.assert_equal_disks()
        self.vm.cmd('job-dismiss', {'id': 'job0'})

    @case.ours_only('guests are held from complete to finalize')
    def test_writes_before_finalize(self):
        """They are neither held nor lost."""
        guest = self.guest()
        for mode in 'background', 'write-blocking':
            self.start_mirror(auto_finalize=False, copy_mode=mode)
            self.wait_ready()
            self.vm.cmd('job-complete', {'id': 'job0'})
            self.history('PENDING')
            for i in range(20):
                guest.pwrite(bytes([i + 1]) * CHUNK, 3 * i * CHUNK)
            self.vm.cmd('job-finalize', {'id': 'job0'})
            self.history()
            self.assert_equal_disks()
            # Back, so that the next one starts from the same place.
            self.start_mirror(device='dst', target='src')
            self.wait_ready()
            self.complete()
            self.assert_equal_disks()

    @case.ours_only('it hangs with the guest held')
    def test_cancel_pending(self):
        guest = self.guest()
        self.start_mirror(auto_finalize=False)
        self.wait_ready()
        self.vm.cmd('job-complete', {'id': 'job0'})
        self.history('PENDING')
        guest.pwrite(b'\xcc' * CHUNK, 0)
        self.vm.cmd('job-cancel', {'id': 'job0'})
        self.assertEqual(self.history()[1][0], 'CANCELLED')
        self.assertEqual(read_at(self.source, 0, CHUNK), b'\xcc' * CHUNK)

    def test_guest_writes(self):
        """What is written while it runs, and while it is ready, is copied;
        the end tells it as more done."""
        guest = self.guest()
        self.start_slow()
        for i in range(8):
            guest.pwrite(bytes([i + 1]) * CHUNK, (3 * i) * CHUNK)
        self.vm.cmd('block-job-set-speed', {'device': 'job0', 'speed': 0})
        length, offset = self.wait_ready()
        self.assertEqual(length, offset)
        guest.zero(3 * CHUNK, 8 * CHUNK)
        guest.trim(CHUNK, 20 * CHUNK)
        guest.pwrite(b'\x11' * 4096, SIZE - 4096)
        self.complete()
        self.assert_equal_disks()

    def test_write_blocking(self):
        guest = self.guest()
        self.start_mirror(copy_mode='write-blocking')
        self.wait_ready()
        guest.pwrite(b'\x11' * 512, 5 * CHUNK + 512)
        guest.pwrite(b'\x12' * (3 * CHUNK), 6 * CHUNK + 4096)
        guest.zero(2 * CHUNK, 20 * CHUNK)
        self.assertEqual(read_at(self.target, 5 * CHUNK + 512, 512),
                         b'\x11' * 512)
        self.assertEqual(read_at(self.target, 6 * CHUNK + 4096, 3 * CHUNK),
                         b'\x12' * (3 * CHUNK))
        self.complete()
        self.assert_equal_disks()

    def test_pause(self):
        self.start_slow()
        self.vm.cmd('block-job-pause', {'device': 'job0'})
        self.assertEqual(jobs.follow(self.vm, 'job0', 'paused')[-1], 'paused')
        self.vm.cmd('block-job-set-speed', {'device': 'job0', 'speed': 0})
        self.vm.cmd('block-job-resume', {'device': 'job0'})
        self.wait_ready()
        self.vm.cmd('block-job-pause', {'device': 'job0'})
        jobs.follow(self.vm, 'job0', 'standby')
        self.vm.cmd('block-job-resume', {'device': 'job0'})
        self.complete()
        self.assert_equal_disks()

    def test_sync_none(self):
        """Only what is written from now on."""
        guest = self.guest()
        self.start_mirror(sync='none')
        self.assertEqual(self.wait_ready(), (0, 0))
        guest.pwrite(b'\x77' * CHUNK, 4 * CHUNK)
        self.leave()
        self.assertEqual(read_at(self.target, 4 * CHUNK, CHUNK),
                         b'\x77' * CHUNK)
        self.assertEqual(read_at(self.target, 0, 4 * CHUNK), bytes(4 * CHUNK))

    def test_holes(self):
        """They stay holes, also where the target had data."""
        self.add_pair('sparse', 'full')
        self.start_mirror(device='sparse', target='full')
        self.wait_ready()
        self.leave()
        self.assertEqual(images.checksum(self.path('sparse.img')),
                         images.checksum(self.path('full.img')))
        self.assertLess(os.stat(self.path('full.img')).st_blocks * 512,
                        2 * MIB)

    def add_pair(self, source, target):
        images.make(self.path(source + '.img'), SIZE, [(MIB, MIB, 0x31)])
        images.make_patterned(self.path(target + '.img'), SIZE)
        for name in source, target:
            self.add_disk(name, self.path(name + '.img'))

    def test_granularities(self):
        for granularity in 512, 4096, MIB, 64 * MIB:
            self.start_mirror(granularity=granularity)
            self.assertEqual(self.wait_ready(), (SIZE, SIZE))
            self.leave()
            self.assert_equal_disks()

    def test_odd_size(self):
        images.make_patterned(self.path('a.img'), MIB + 512)
        images.make(self.path('b.img'), MIB + 512)
        self.add_disk('a', self.path('a.img'))
        self.add_disk('b', self.path('b.img'))
        self.start_mirror(device='a', target='b')
        self.assertEqual(self.wait_ready(), (MIB + 512, MIB + 512))
        self.leave()
        self.assertEqual(images.checksum(self.path('a.img')),
                         images.checksum(self.path('b.img')))

    def test_empty_disk(self):
        for name in 'a', 'b':
            self.add_disk(name, images.make(self.path(name), 0))
        self.start_mirror(device='a', target='b')
        self.assertEqual(self.wait_ready(), (0, 0))
        self.complete()

    def test_quit(self):
        """The daemon ends in the middle; the source is whole."""
        before = images.checksum(self.source)
        self.start_slow()
        self.vm.cmd('quit')
        self.assertEqual(self.vm.wait(), 0)
        self.assertEqual(images.checksum(self.source), before)

    @case.ours_only('no block-job-change')
    def test_change(self):
        guest = self.guest()
        self.start_mirror()
        self.wait_ready()
        query = lambda: jobs.query(self.vm, 'job0')[1].get('actively-synced')
        self.assertIs(query(), None)
        args = {'id': 'job0', 'type': 'mirror', 'copy-mode': 'write-blocking'}
        self.vm.cmd('block-job-change', args)
        self.vm.cmd('block-job-change', args)
        guest.pwrite(b'\x21' * 4096, 4096)
        self.assertEqual(read_at(self.target, 4096, 4096), b'\x21' * 4096)
        self.assert_error(
            self.vm, 'block-job-change', dict(args, **{
                'copy-mode': 'background'}),
            "Change to copy mode 'background' is not implemented")
        self.assert_error(
            self.vm, 'block-job-change', {'id': 'job0', 'type': 'commit'},
            "Options of a 'commit' job cannot be changed for job 'job0'")
        self.assert_error(self.vm, 'block-job-change', dict(args, id='no'),
                          "Block job 'no' not found", 'DeviceNotActive')
        while not query():
            pass
        self.complete()
        self.assert_equal_disks()

    @case.ours_only('no target-is-zero')
    def test_target_is_zero(self):
        """Zeroes are not copied."""
        self.add_pair('sparse', 'zero')
        images.make(self.path('zero.img'), SIZE)
        self.start_mirror(device='sparse', target='zero', target_is_zero=True)
        self.assertEqual(self.wait_ready(), (MIB, MIB))
        self.leave()
        self.assertEqual(images.checksum(self.path('sparse.img')),
                         images.checksum(self.path('zero.img')))


class Arguments(MirrorCase):

    size_bytes = MIB

    def refuse(self, desc, **args):
        full = {'job-id': 'job0', 'device': 'src', 'target': 'dst',
                'sync': 'full'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        full = {k: v for k, v in full.items() if v is not None}
        self.assert_error(self.vm, 'blockdev-mirror', full, desc)
        self.assertEqual(self.vm.cmd('query-jobs'), [])

    def test_nodes(self):
        self.refuse("Cannot find device='no' nor node-name='no'", device='no')
        self.refuse("Cannot find device='no' nor node-name='no'", target='no')
        self.refuse("Can't mirror node into itself", target='src')
        self.refuse("Failed to find node with node-name='no'", replaces='no')
        self.refuse("Cannot replace 'dst' by a node mirrored from 'src', "
                    "because it cannot be guaranteed that doing so would not "
                    "lead to an abrupt change of visible data",
                    replaces='dst')
        self.refuse("Duplicate nodes with node-name='dst'",
                    filter_node_name='dst')

    def test_numbers(self):
        for granularity in 1, 511, 2 ** 27:
            self.refuse("Parameter 'granularity' expects a value in range "
                        "[512B, 64MB]", granularity=granularity)
        self.refuse("Parameter 'granularity' expects a power of 2",
                    granularity=768)
        self.refuse("Invalid parameter 'buf-size'", buf_size=-1)
        self.refuse("Parameter 'speed' expects a non-negative value",
                    speed=-1)
        self.refuse("Invalid job ID ''", job_id=None)
        # Nor does a target with users of its own hide these.
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'above',
                                     'file': 'dst'})
        self.refuse("Invalid job ID ''", job_id=None)
        self.refuse("Parameter 'speed' expects a non-negative value",
                    speed=-1)

    def test_sizes(self):
        for name, size in ('small', MIB // 2), ('large', 2 * MIB):
            self.new_disk(name, size)
            self.start_mirror(target=name)
            self.assertEqual(self.history(), [
                'aborting', self.end_of(
                    'COMPLETED', 0,
                    error='Source and target image have different sizes'),
                'concluded', 'null'])

    def test_busy(self):
        """No second job on what a mirror has."""
        self.start_mirror(filter_node_name='top')
        self.new_disk('other')
        self.wait_ready()
        for args in ({'device': 'src', 'target': 'other'},
                     {'device': 'other', 'target': 'dst'}):
            reply = self.vm.execute('blockdev-mirror', {
                'job-id': 'job1', 'sync': 'full', **args})
            self.assertIn('error', reply)
        self.assert_error(self.vm, 'blockdev-del', {'node-name': 'dst'},
                          'Node dst is in use')
        self.complete()

    @case.ours_only('mirror is no action there')
    def test_transaction(self):
        """With a bitmap made in the same moment; undone by an abort."""
        mirror = {'type': 'blockdev-mirror', 'data': {
            'job-id': 'job0', 'device': 'src', 'target': 'dst',
            'sync': 'full'}}
        add = {'type': 'block-dirty-bitmap-add',
               'data': {'node': 'src', 'name': 'b'}}
        abort = {'type': 'abort', 'data': {}}
        guest = self.guest()
        self.assert_qmp_fails(self.vm, 'transaction',
                              {'actions': [add, mirror, abort]})
        self.assertEqual(jobs.take(self.vm, 'job0')[-1], 'null')
        guest.pwrite(b'\x01' * 4096, 0)
        self.vm.cmd('transaction', {'actions': [add, mirror]})
        self.wait_ready()
        self.complete()
        self.assertEqual(images.checksum(self.source),
                         images.checksum(self.target))

    @case.ours_only('mirror is no action there')
    def test_group(self):
        """Two disks, one moment."""
        self.new_disk('src2')
        self.new_disk('dst2')
        self.vm.cmd('transaction', {
            'actions': [{'type': 'blockdev-mirror', 'data': {
                'job-id': f'job{n}', 'device': f'src{n}', 'sync': 'full',
                'target': f'dst{n}'}} for n in ('', 2)],
            'properties': {'completion-mode': 'grouped'}})
        for job in 'job', 'job2':
            self.wait_ready(job)
        self.vm.cmd('job-complete', {'id': 'job'})
        self.assertEqual(jobs.follow(self.vm, 'job', 'waiting')[-1],
                         'waiting')
        self.vm.cmd('job-complete', {'id': 'job2'})
        for job in 'job', 'job2':
            self.assertEqual(self.history('null', job)[-1], 'null')

    def test_replaces_filter(self):
        """The target takes the place of a disk below a filter."""
        self.vm.cmd('object-add', {'qom-type': 'throttle-group', 'id': 'g'})
        self.vm.cmd('blockdev-add', {
            'driver': 'throttle', 'node-name': 'slow',
            'throttle-group': 'g', 'file': 'src'})
        guest = self.guest('slow')
        self.start_mirror(device='slow', replaces='src')
        self.wait_ready()
        self.complete()
        guest.pwrite(b'\x41' * KIB, KIB)
        guest.flush()
        self.assertEqual(read_at(self.target, KIB, KIB), b'\x41' * KIB)
        self.assertNotEqual(read_at(self.source, KIB, KIB), b'\x41' * KIB)
        self.vm.cmd('blockdev-del', {'node-name': 'src'})


if __name__ == '__main__':
    case.main()
