#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: backups and their bitmaps are of one point in time.

Clients write without pause while disks are copied together, in full and by
increments; what each backup holds must be explained by one moment between
the request and the reply of its transaction.
"""

from lib import case
from lib.case import ours_only
from lib.fire_case import FireCase, backup, bitmap
from lib.history import common
from lib.images import MIB


class Instant(FireCase):

    granularity = 65536

    def assert_same_instant(self, window):
        common(*(d.history.times(self.target_of(d), window)
                 for d in self.disks))

    def test_full(self):
        """All disks of a transaction share the point in time."""
        self.start_crowds()
        for i in range(self.rounds):
            self.allow(60)
            window = self.transaction(*map(backup, self.disks),
                                      grouped=i % 2 == 1)
            self.allow(60)
            for disk in self.disks:
                self.assertTrue(self.end_of('job-' + disk.name))
            self.assert_same_instant(window)
        self.finish()

    def test_chain(self):
        """A full backup with new bitmaps, then increments on top."""
        self.start_crowds()
        actions = [bitmap('add', d, 'b', granularity=self.granularity)
                   for d in self.disks]
        for i in range(self.rounds):
            self.allow(40)
            window = self.transaction(
                *actions, *(backup(d, 'full') if i == 0 else
                            backup(d, 'incremental', bitmap='b')
                            for d in self.disks))
            actions = []
            for disk in self.disks:
                self.record(disk, 'b', window, self.granularity)
            self.allow(40)
            for disk in self.disks:
                self.assertTrue(self.end_of('job-' + disk.name))
            self.assert_same_instant(window)
            for disk in self.disks:
                self.check_bitmap(disk, 'b')
        self.finish()

    def test_two_bitmaps_in_turn(self):
        """The way of one client: a bitmap a backup, frozen with the next
        one's birth; a job never clears them."""
        self.start_crowds()
        old = None
        for i in range(self.rounds):
            self.allow(40)
            actions = [bitmap('add', d, f'b{i}') for d in self.disks]
            if old is None:
                actions += [backup(d) for d in self.disks]
            else:
                actions += [bitmap('disable', d, old) for d in self.disks]
                actions += [backup(d, 'bitmap', bitmap=old,
                                   bitmap_mode='never') for d in self.disks]
            window = self.transaction(*actions)
            self.allow(40)
            for disk in self.disks:
                self.assertTrue(self.end_of('job-' + disk.name))
                self.record(disk, f'b{i}', window)
                if old is not None:
                    disk.recorders[old].disable(window)
            self.assert_same_instant(window)
            old = f'b{i}'
        self.finish()


class Direct(Instant):
    direct = True


@ours_only('refuses writers where O_DIRECT does not fit the size')
class OddSize(Instant):
    """The last cluster and the last page are not whole."""
    size_bytes = MIB + 3 * 512
    direct = True
    granularity = 512
    rounds = 3


class FourClients(Instant):
    n_disks = 1
    granularity = 1 << 20
    rounds = 3

    def start_crowds(self, **options):
        super().start_crowds(clients=4, depth=16, budget=200, **options)


if __name__ == '__main__':
    case.main()
