#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The room that a filter may fill of its target is bounded: the event when
little is left, what happens when it is full, room that readers give back."""

import threading

from lib import case, exports
from lib.case import ours_only
from lib.fleece_case import CLUSTER, FleeceCase
from lib.images import MIB

CAP = 4 * CLUSTER


@ours_only('knows no bound')
class Space(FleeceCase):

    def setUp(self):
        super().setUp()
        self.add_temp()

    def write(self, cluster, clusters=1):
        self.guest.pwrite(b'x' * (clusters * CLUSTER), cluster * CLUSTER)

    def used(self):
        return self.node('cbw')['snapshot-space-used']

    def events(self, name='BLOCK_SNAPSHOT_SPACE_LOW'):
        self.vm.cmd('query-version')
        return [e['data'] for e in self.vm.qmp.events if e['event'] == name]

    def low(self, clusters):
        return {'node-name': 'cbw', 'used': clusters * CLUSTER,
                'space-cap': CAP}

    # -- counting

    def test_not_told_without_a_bound(self):
        self.freeze()
        self.assertNotIn('snapshot-space-used', self.node('cbw'))

    def test_low_water(self):
        snap = self.freeze(space_cap=CAP, space_low_water=CLUSTER)
        self.assertEqual(self.used(), 0)
        self.write(0)
        self.write(0)
        self.write(5)
        self.assertEqual(self.used(), 2 * CLUSTER)
        self.assertEqual(self.events(), [])
        self.write(7)
        self.assertEqual(self.events(), [self.low(3)])
        # Once, until there was more again.
        self.write(9)
        self.assertEqual(self.events(), [self.low(3)])
        snap.trim(CLUSTER, 0)
        self.assertEqual(self.used(), 3 * CLUSTER)
        self.write(11)
        self.assertEqual(self.events(), [self.low(3)])
        snap.trim(3 * CLUSTER, 5 * CLUSTER)
        self.assertEqual(self.used(), 2 * CLUSTER)
        self.write(13)
        self.assertEqual(self.events(), [self.low(3), self.low(3)])
        self.assert_frozen(snap, 9 * CLUSTER, 10 * CLUSTER)

    def test_low_water_by_default(self):
        self.freeze(space_cap=16 * CLUSTER)
        self.write(0, 13)
        self.assertEqual(self.events(), [])
        self.write(13)
        self.assertEqual(len(self.events()), 1)

    def test_holes_are_free(self):
        self.guest.trim(4 * CLUSTER, 8 * CLUSTER)
        self.guest.flush()
        snap = self.freeze(space_cap=CAP)
        self.write(8, 4)
        self.assertEqual(self.used(), 0)
        self.write(0, 4)
        self.assertEqual(self.used(), CAP)
        self.assert_frozen(snap)

    def test_space_that_is_not_freed_still_counts(self):
        """The target ignores discards."""
        self.vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'keeps', 'file': 'temp'})
        snap = self.freeze(target='keeps', space_cap=CAP)
        self.write(0, 2)
        snap.trim(2 * CLUSTER, 0)
        self.assertEqual(self.used(), 2 * CLUSTER)

    # -- full

    def test_full_breaks_the_write(self):
        snap = self.freeze(space_cap=CAP)
        self.write(0, 4)
        self.assertEqual(
            exports.errno_of(self.guest.pwrite, b'y' * 512, 5 * CLUSTER),
            'ENOSPC')
        self.assertEqual(self.guest.pread(512, 5 * CLUSTER),
                         self.frozen[5 * CLUSTER:5 * CLUSTER + 512])
        self.assertEqual(self.used(), CAP)
        self.write(0, 4)
        self.assert_frozen(snap)
        # What a reader gives back serves the next one.
        snap.trim(CLUSTER, CLUSTER)
        self.write(5)
        self.assert_frozen(snap, 2 * CLUSTER)

    def test_full_in_the_middle_of_a_write(self):
        snap = self.freeze(space_cap=CAP)
        self.write(0, 2)
        self.assertEqual(
            exports.errno_of(self.guest.pwrite, b'y' * (4 * CLUSTER),
                             8 * CLUSTER), 'ENOSPC')
        self.assert_frozen(snap)
        self.assertLessEqual(self.used(), CAP)

    def test_full_breaks_the_snapshot(self):
        snap = self.freeze(space_cap=CAP, on_cbw_error='break-snapshot')
        self.write(0, 4)
        self.assert_frozen(snap)
        self.write(5)
        self.assertEqual(self.guest.pread(1, 5 * CLUSTER), b'x')
        self.refused(snap, 512, 0)
        self.assertEqual(self.events('BLOCK_SNAPSHOT_BROKEN'), [{
            'node-name': 'cbw', 'operation': 'write', 'nospace': True,
            'reason': 'The space-cap is reached'}])
        self.assertEqual(self.node('cbw')['snapshot-error'],
                         "writing to node 'temp': The space-cap is reached")
        self.write(20, 20)

    # -- waiting

    def test_waits_for_a_reader(self):
        snap = self.freeze(space_cap=CAP, on_space_full='wait',
                           cbw_timeout=3600)
        self.write(0, 4)
        writer = threading.Thread(target=self.write, args=(8, 2))
        writer.start()
        self.assert_frozen(snap)
        snap.trim(CLUSTER, 0)
        snap.trim(CLUSTER, 2 * CLUSTER)
        writer.join()
        self.assertEqual(self.used(), CAP)
        self.assert_frozen(snap, 3 * CLUSTER)
        self.assertEqual(self.guest.pread(1, 8 * CLUSTER), b'x')

    def test_waits_in_vain(self):
        snap = self.freeze(space_cap=CAP, on_space_full='wait',
                           cbw_timeout_ms=50)
        self.write(0, 4)
        self.assertEqual(
            exports.errno_of(self.guest.pwrite, b'y' * 512, 5 * CLUSTER),
            'ENOSPC')
        self.assert_frozen(snap)

    def test_waits_in_vain_and_breaks(self):
        snap = self.freeze(space_cap=CAP, on_space_full='wait',
                           cbw_timeout_ms=50, on_cbw_error='break-snapshot')
        self.write(0, 4)
        self.write(5)
        self.refused(snap, 512, 0)
        self.assertEqual(
            [e['reason'] for e in self.events('BLOCK_SNAPSHOT_BROKEN')],
            ['The space-cap is reached'])
        exports.disconnect(snap)
        self.thaw()

    # -- refused

    def test_refused(self):
        def refuse(desc, **cbw):
            self.assert_error(self.vm, 'blockdev-add',
                              self.cbw_options(**cbw), desc)

        refuse("Option 'space-low-water' needs 'space-cap'",
               space_low_water=1)
        refuse("Option 'on-space-full' needs 'space-cap'",
               on_space_full='fail')
        refuse('space-low-water must be less than space-cap', space_cap=CAP,
               space_low_water=CAP)
        refuse("on-space-full 'wait' needs a cbw-timeout", space_cap=CAP,
               on_space_full='wait')
        refuse(f'space-cap must be at least one cluster ({CLUSTER} bytes)',
               space_cap=CLUSTER - 1)
        refuse(f'space-cap must be at least one cluster ({MIB} bytes)',
               space_cap=CAP, min_cluster_size=MIB)
        self.vm.cmd('blockdev-del', {'node-name': 'temp'})


if __name__ == '__main__':
    case.main()
