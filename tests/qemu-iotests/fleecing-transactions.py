#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Several disks are frozen at one point in time: filters, bitmaps and exports
in one transaction, or nothing."""

import json
import threading

from lib import case, exports, images
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import MIB

WHY = 'has none of these actions'


class Transactions(FleeceCase):

    def setUp(self):
        super().setUp()
        self.add_raw('disk2', images.make_patterned(
            self.path('disk2.img'), self.size_bytes, seed=2))
        self.vm.cmd('blockdev-add', self.top_options('disk2', name='top2'))
        self.server.add('top2')
        self.guest2 = self.connect('top2')
        self.add_temp()
        self.add_temp('temp2')

    def action(self, kind, data):
        return {'type': kind, 'data': data}

    def freeze_one(self, n):
        """The actions for one disk; N is '' or '2'."""
        return [
            self.action('block-dirty-bitmap-add', {
                'node': 'disk' + n, 'name': 'next'}),
            self.action('blockdev-add', self.cbw_options(
                file='disk' + n, target='temp' + n, name='cbw' + n)),
            self.action('blockdev-reopen', {'options': [
                self.top_options('cbw' + n, name='top' + n)]}),
            self.action('blockdev-add', self.snap_options(
                file='cbw' + n, name='snap' + n)),
            self.action('block-export-add', {
                'type': 'nbd', 'id': 'snap' + n, 'node-name': 'snap' + n}),
        ]

    def thaw_one(self, n):
        return [
            self.action('blockdev-del', {'node-name': 'snap' + n}),
            self.action('blockdev-reopen', {'options': [
                self.top_options('disk' + n, name='top' + n)]}),
            self.action('blockdev-del', {'node-name': 'cbw' + n}),
            self.action('block-dirty-bitmap-remove', {
                'node': 'disk' + n, 'name': 'next'}),
        ]

    def graph(self):
        """All that queries tell of nodes, users and bitmaps."""
        graph = self.vm.cmd('x-debug-query-block-graph')
        names = {n['id']: n['name'] for n in graph['nodes']}
        return (sorted(names.values()),
                sorted(json.dumps([names[e['parent']], names[e['child']],
                                   e['name'], e['perm'], e['shared-perm']])
                       for e in graph['edges']),
                self.vm.cmd('query-named-block-nodes'),
                self.vm.cmd('query-block-exports'))

    @ours_only(WHY)
    def test_two_disks(self):
        self.vm.cmd('transaction', actions=self.freeze_one('') +
                    self.freeze_one('2'))
        self.guest.pwrite(b'1' * MIB, MIB)
        self.guest2.pwrite(b'2' * MIB, 2 * MIB)
        snap = self.connect('snap')
        self.assert_frozen(snap)
        self.frozen = images.pattern(0, self.size_bytes, seed=2)
        self.assert_frozen(self.connect('snap2'))
        # The new bitmaps have just what was written since.
        for node, offset in ('disk', MIB), ('disk2', 2 * MIB):
            counts = [b['count'] for b in self.node(node)['dirty-bitmaps']
                      if b.get('name') == 'next']
            self.assertEqual(counts, [MIB])

    @ours_only(WHY)
    def test_and_back(self):
        before = self.graph()
        self.vm.cmd('transaction', actions=self.freeze_one('') +
                    self.freeze_one('2'))
        self.guest.pwrite(b'1' * MIB, MIB)
        for n in '', '2':
            self.vm.cmd('block-export-del', {'id': 'snap' + n})
        self.vm.cmd('transaction', actions=self.thaw_one('') +
                    self.thaw_one('2'))
        after = self.graph()
        self.assertEqual(after[:2], before[:2])
        self.assertEqual(after[3], before[3])
        self.guest.pwrite(b'x' * 512, 0)
        self.guest2.pwrite(b'x' * 512, 0)
        for n in '', '2':
            self.vm.cmd('blockdev-del', {'node-name': 'temp' + n})

    @ours_only(WHY)
    def test_each_action_fails(self):
        """Whatever fails, everything is as it was."""
        actions = self.freeze_one('') + self.freeze_one('2')
        before = self.graph()
        for n in range(len(actions) + 1):
            reply = self.vm.execute('transaction', {
                'actions': actions[:n] + [self.action('abort', {})] +
                actions[n:]})
            self.assertEqual(reply['error']['desc'],
                             'Transaction aborted using Abort action')
            self.assertEqual(self.graph(), before, f'after {n} actions')
            self.guest.pwrite(bytes([n]) * 512, n * 512)
            self.guest2.pwrite(bytes([n]) * 512, n * 512)
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        self.assertFalse([e for e in self.vm.qmp.events
                          if e['event'] == 'BLOCK_EXPORT_DELETED'])
        # The names are free again.
        self.vm.cmd('transaction', actions=actions)
        self.connect('snap')

    @ours_only(WHY)
    def test_each_action_of_the_way_back_fails(self):
        self.vm.cmd('transaction', actions=self.freeze_one(''))
        self.vm.cmd('block-export-del', {'id': 'snap'})
        actions = self.thaw_one('')
        before = self.graph()
        for n in range(len(actions) + 1):
            self.vm.execute('transaction', {
                'actions': actions[:n] + [self.action('abort', {})]})
            self.assertEqual(self.graph(), before, f'after {n} actions')
        self.guest.pwrite(b'n' * MIB, 3 * MIB)
        self.server.add('snap')
        self.assert_frozen(self.connect('snap'))

    @ours_only(WHY)
    def test_real_failures(self):
        self.add_temp('small', MIB)
        before = self.graph()
        good = self.freeze_one('')
        bad = [
            (self.action('blockdev-add', self.cbw_options(
                file='disk2', target='small', name='x')),
             f"Target 'small' ({MIB} bytes) is smaller than 'disk2' "
             f'({self.size_bytes} bytes)'),
            (self.action('blockdev-reopen', {'options': [
                self.top_options('nosuch', name='top2')]}),
             "Cannot find device='' nor node-name='nosuch'"),
            (self.action('blockdev-reopen', {'options': [
                self.top_options('small', name='top2')]}),
             "The size of node 'top2' cannot change in a transaction"),
            (self.action('block-export-add', {
                'type': 'nbd', 'id': 'snap', 'node-name': 'snap'}),
             "Block export id 'snap' is already in use"),
            (self.action('block-export-add', {
                'type': 'nbd', 'id': 'y', 'node-name': 'snap',
                'name': 'snap'}),
             "NBD server already has export named 'snap'"),
            (self.action('blockdev-del', {'node-name': 'cbw'}),
             'Block device cbw is in use'),
            (self.action('blockdev-del', {'node-name': 'nosuch'}),
             "Failed to find node with node-name='nosuch'"),
            (self.action('blockdev-add', {'driver': 'null-co', 'size': 512}),
             "'node-name' must be specified for the root node"),
            (self.action('blockdev-add', {
                'driver': 'null-co', 'size': 512, 'node-name': 'cbw'}),
             "Duplicate nodes with node-name='cbw'"),
        ]
        for action, desc in bad:
            self.assert_error(self.vm, 'transaction',
                              {'actions': good + [action]}, desc)
            self.assertEqual(self.graph(), before, desc)

    @ours_only(WHY)
    def test_bitmap_and_its_export(self):
        """The usual turn of an incremental pull: the bitmap is frozen, the
        next one begins, both and the point in time are exported."""
        self.vm.cmd('block-dirty-bitmap-add', node='disk', name='b0')
        self.guest.pwrite(b'a' * CLUSTER, MIB)
        actions = [
            self.action('block-dirty-bitmap-disable', {
                'node': 'disk', 'name': 'b0'})] + [
            self.action('blockdev-add', self.cbw_options(
                bitmap={'node': 'disk', 'name': 'b0'})),
            self.action('block-dirty-bitmap-add', {
                'node': 'disk', 'name': 'b1'}),
            self.action('blockdev-reopen', {'options': [
                self.top_options('cbw')]}),
            self.action('blockdev-add', self.snap_options()),
            self.action('block-export-add', {
                'type': 'nbd', 'id': 'snap', 'node-name': 'snap',
                'bitmaps': [{'node': 'disk', 'name': 'b0'}]})]
        self.vm.execute('transaction', {
            'actions': actions + [self.action('abort', {})]})
        bitmap = self.node('disk')['dirty-bitmaps']
        self.assertEqual([(b['name'], b['busy'], b['recording'])
                          for b in bitmap], [('b0', False, True)])
        self.frozen = images.read(self.path_of['disk'])
        self.vm.cmd('transaction', actions=actions)
        self.guest.pwrite(b'b' * CLUSTER, MIB)
        snap = self.connect('snap', [exports.dirty('b0')])
        self.assertEqual(exports.dirty_ranges(snap, 'b0'), [(MIB, CLUSTER)])
        self.assert_frozen(snap, MIB, CLUSTER)
        self.refused(snap, 512, 0)

    @ours_only(WHY)
    def test_under_writers(self):
        """Each write is in the point in time of all disks, or of none."""
        stop = threading.Event()
        last = []

        def write():
            n = 0
            while not stop.is_set():
                n += 1
                # To the first disk, and only then to the second.
                self.guest.pwrite(n.to_bytes(8, 'big') * 64, 0)
                self.guest2.pwrite(n.to_bytes(8, 'big') * 64, 0)
            last.append(n)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(20):
                self.vm.cmd('transaction', actions=self.freeze_one('') +
                            self.freeze_one('2'))
                snaps = [self.connect('snap'), self.connect('snap2')]
                seen = [int.from_bytes(s.pread(8, 0), 'big') for s in snaps]
                again = [int.from_bytes(s.pread(8, 0), 'big') for s in snaps]
                self.assertEqual(seen, again)
                if seen[0] < 1 << 32 and seen[1] < 1 << 32:
                    self.assertIn(seen[0] - seen[1], (0, 1))
                for snap in snaps:
                    exports.disconnect(snap)
                for n in '', '2':
                    self.vm.cmd('block-export-del', {'id': 'snap' + n,
                                                     'mode': 'hard'})
                    self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='snap' + n)
                self.vm.cmd('transaction', actions=self.thaw_one('') +
                            self.thaw_one('2'))
        finally:
            stop.set()
            writer.join()
        self.assertGreater(last[0], 0)


if __name__ == '__main__':
    case.main()
