#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Points in time that end by themselves when their readers are gone."""

import os
import signal

import nbd

from lib import case, exports, images
from lib.case import ours_only
from lib.fleece_case import FleeceCase
from lib.images import MIB
from lib.jobs import ONE_BY_ONE


@ours_only('knows no leases')
class Lease(FleeceCase):

    def lease(self, seconds=1):
        self.vm.cmd('block-snapshot-lease', {'node-name': 'cbw',
                                             'seconds': seconds})

    def leases(self):
        return self.vm.cmd('query-block-snapshot-leases')

    def names(self):
        return {n['node-name'] for n in
                self.vm.cmd('query-named-block-nodes')
                if not n['node-name'].startswith('#')}

    def ended(self):
        self.assertEqual(self.vm.qmp.event('BLOCK_SNAPSHOT_ENDED')['data'],
                         {'node-name': 'cbw', 'reason': 'lease'})

    def assert_nothing_left(self, *more):
        self.assertEqual(self.names(), {'top', 'disk', *more})
        self.assertEqual([e['id'] for e in
                          self.vm.cmd('query-block-exports')], ['top'])
        self.assertEqual(self.leases(), [])
        self.guest.pwrite(b'z' * MIB, 6 * MIB)
        self.assertEqual(self.guest.pread(MIB, 6 * MIB), b'z' * MIB)

    def test_query(self):
        self.add_temp()
        exports.disconnect(self.freeze())
        self.lease(3600)
        info = self.leases()[0]
        self.assertEqual((info['node-name'], info['seconds']), ('cbw', 3600))
        self.assertLessEqual(info['remaining-ms'], 3600000)

    def test_reader_that_goes(self):
        self.add_temp()
        snap = self.freeze()
        self.lease()
        self.assertTrue(self.leases()[0]['in-use'])
        self.guest.pwrite(b'x' * MIB, MIB)
        self.assert_frozen(snap)
        exports.disconnect(snap)
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.ended()
        self.assert_nothing_left()
        # The guest's writes are not copied any more.
        self.assertEqual(self.guest.pread(MIB, MIB), b'x' * MIB)
        self.add_temp('temp')
        snap = self.freeze()
        self.guest.pwrite(b'y' * MIB, MIB)
        self.assert_frozen(snap)

    def test_reader_that_dies(self):
        self.add_temp()
        exports.disconnect(self.freeze())
        self.lease(3600)
        reader = self.server.connect('snap')
        reader.aio_pread(nbd.Buffer(MIB), 0)
        self.lease(1)
        del reader
        self.ended()
        self.assert_nothing_left()

    def test_in_one_transaction(self):
        self.add_temp()
        actions = [
            ('blockdev-add', self.cbw_options()),
            ('blockdev-reopen', {'options': [self.top_options('cbw')]}),
            ('blockdev-add', self.snap_options()),
            ('block-export-add', {'type': 'nbd', 'id': 'snap',
                                  'node-name': 'snap'}),
            ('block-snapshot-lease', {'node-name': 'cbw', 'seconds': 1}),
        ]
        actions = [{'type': t, 'data': d} for t, d in actions]
        abort = {'type': 'abort', 'data': {}}
        self.assert_error(self.vm, 'transaction',
                          {'actions': actions + [abort]},
                          'Transaction aborted using Abort action')
        self.assertEqual(self.leases(), [])
        self.vm.cmd('transaction', actions=actions)
        self.ended()
        self.assert_nothing_left()

    def test_undone_in_a_transaction(self):
        self.add_temp()
        self.freeze()
        self.lease(100)
        for seconds in 0, 200:
            self.assert_error(self.vm, 'transaction', {'actions': [
                {'type': 'block-snapshot-lease',
                 'data': {'node-name': 'cbw', 'seconds': seconds}},
                {'type': 'abort', 'data': {}}]},
                'Transaction aborted using Abort action')
            self.assertEqual(self.leases()[0]['seconds'], 100)
        self.vm.cmd('transaction', actions=[
            {'type': 'block-snapshot-lease',
             'data': {'node-name': 'cbw', 'seconds': 0}}])
        self.assertEqual(self.leases(), [])

    def test_a_job_is_a_reader(self):
        self.add_temp()
        exports.disconnect(self.freeze())
        self.add_temp('copy')
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'snap', 'target': 'copy',
            'sync': 'full', 'speed': 1, 'x-perf': ONE_BY_ONE})
        self.lease(1)
        self.assertTrue(self.leases()[0]['in-use'])
        self.vm.cmd('block-job-set-speed', device='job', speed=0)
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.ended()
        self.assert_nothing_left('copy')
        self.assertTrue(images.read(self.path_of['copy']) == self.frozen)

    def test_old_scheme(self):
        temp = self.freeze_old_scheme()
        self.guest.pwrite(b'1' * 5000, MIB)
        self.lease()
        self.assertTrue(self.leases()[0]['in-use'])
        self.assert_frozen(temp)
        exports.disconnect(temp)
        self.ended()
        self.assert_nothing_left()

    def test_what_was_there_before_stays(self):
        """A node below the target; the filter is out already."""
        path = images.make(self.path('far.img'), self.size_bytes)
        self.vm.cmd('blockdev-add', {'driver': 'file', 'node-name': 'below',
                                     'filename': path})
        self.vm.cmd('blockdev-add', {'driver': 'raw', 'node-name': 'temp',
                                     'file': 'below'})
        exports.disconnect(self.freeze())
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.put_between('disk')
        self.lease()
        self.ended()
        self.assert_nothing_left('below')

    def test_guest_at_the_filter_itself(self):
        self.add_temp()
        self.vm.cmd('block-export-del', {'id': 'top', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'top'})
        self.vm.cmd('blockdev-add', self.cbw_options())
        self.server.add('cbw')
        guest = self.connect('cbw')
        self.vm.cmd('blockdev-add', self.snap_options())
        self.server.add('snap')
        snap = self.connect('snap')
        self.assert_frozen(snap, 0, MIB)
        self.lease()
        guest.pwrite(b'x' * MIB, MIB)
        exports.disconnect(snap)
        self.ended()
        guest.pwrite(b'y' * MIB, 2 * MIB)
        self.assertEqual(guest.pread(2 * MIB, MIB), b'x' * MIB + b'y' * MIB)
        self.assertEqual(self.names(), {'disk'})
        self.assertEqual(self.vm.cmd('query-block-exports')[0]['node-name'],
                         'disk')

    def test_broken(self):
        path = images.make(self.path('temp.img'), self.size_bytes)
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'temp', 'file': {
                'driver': 'blkdebug', 'inject-error': [
                    {'event': 'write_aio', 'errno': 5}],
                'image': {'driver': 'file', 'filename': path}}})
        exports.disconnect(self.freeze(on_cbw_error='break-snapshot'))
        self.guest.pwrite(b'x' * 512, 0)
        self.lease()
        self.ended()
        self.assert_nothing_left()

    def test_deleted_by_hand(self):
        self.add_temp()
        exports.disconnect(self.freeze())
        self.lease(3600)
        self.thaw()
        self.assertEqual(self.leases(), [])
        self.vm.cmd('blockdev-del', {'node-name': 'temp'})
        self.assert_nothing_left()

    def test_quit_with_a_lease(self):
        self.add_temp()
        self.freeze()
        self.lease(3600)

    def test_target_that_hangs(self):
        """Its late request keeps it, not the guest."""
        far_vm = self.daemon()
        far_vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'far', 'file': {
                'driver': 'file', 'filename':
                    images.make(self.path('far.img'), self.size_bytes)}})
        far = exports.Server(far_vm, 'far')
        far.add('far')
        self.vm.cmd('blockdev-add', {
            'driver': 'nbd', 'node-name': 'temp', 'export': 'far',
            'server': {'type': 'unix', 'path': far.path}})
        exports.disconnect(self.freeze(cbw_timeout_ms=50,
                                       on_cbw_error='break-snapshot'))
        os.kill(far_vm.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, far_vm.pid, signal.SIGCONT)
        self.guest.pwrite(b'x' * 512, MIB)
        self.lease()
        self.ended()
        self.assertEqual(self.names(), {'top', 'disk', 'cbw', 'temp'})
        self.guest.pwrite(b'y' * MIB, 2 * MIB)
        os.kill(far_vm.pid, signal.SIGCONT)

    def test_refused(self):
        self.add_temp()
        self.freeze()
        for name, desc in (
                ('x', "Failed to find node with node-name='x'"),
                ('disk', "Node 'disk' keeps no point in time of its own"),
                ('snap', "Node 'snap' keeps no point in time of its own")):
            self.assert_error(self.vm, 'block-snapshot-lease', {
                'node-name': name, 'seconds': 1}, desc)
        self.add_temp('copy')
        self.vm.cmd('block-export-del', {'id': 'snap', 'mode': 'hard'})
        self.vm.qmp.event('BLOCK_EXPORT_DELETED')
        self.vm.cmd('blockdev-del', {'node-name': 'snap'})
        self.put_between('disk')
        self.vm.cmd('blockdev-del', {'node-name': 'cbw'})
        self.vm.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'disk', 'target': 'copy',
            'sync': 'none', 'filter-node-name': 'cbw'})
        self.assert_error(self.vm, 'block-snapshot-lease', {
            'node-name': 'cbw', 'seconds': 1},
            "Node 'cbw' keeps no point in time of its own")
        self.vm.cmd('block-job-cancel', device='job')
        self.vm.qmp.event('JOB_STATUS_CHANGE', status='null')


if __name__ == '__main__':
    case.main()
