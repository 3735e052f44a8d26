#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: jobs paused, slowed, cancelled, and transactions that fail.

Whatever happened, the next successful increment on the same target makes it
the disk of its point in time, and no bitmap has lost or made up a write.
"""

from lib import case, jobs
from lib.fire_case import ABORT, FireCase, Trouble, backup, bitmap
from lib.history import common


class Control(FireCase):

    rounds = 8

    def start(self):
        """Full backups with bitmaps `b`, which the chains go on from, and
        `watch`, which plays."""
        self.start_crowds()
        window = self.transaction(
            *(bitmap('add', d, 'b') for d in self.disks),
            *(bitmap('add', d, 'watch') for d in self.disks),
            *map(backup, self.disks))
        for disk in self.disks:
            self.record(disk, 'b', window)
            self.record(disk, 'watch', window)
            self.assertTrue(self.end_of('job-' + disk.name))

    # -- what happens while jobs run

    def interfere(self):
        disk = self.random.choice(self.disks)
        self.random.choice((self.failing, self.failing, self.play,
                            self.play, self.unrelated))(disk)

    def failing(self, disk):
        """Much is prepared, then undone."""
        actions = [bitmap('add', disk, 'temporary'),
                   bitmap('clear', disk, 'watch'),
                   bitmap('disable', disk, 'watch'),
                   bitmap('enable', disk, 'watch'),
                   bitmap('remove', disk, 'watch')]
        actions = self.random.sample(actions, 3)
        self.assertIsNone(self.try_transaction(*actions, ABORT))

    def play(self, disk):
        watch = disk.recorders['watch']
        verb = self.random.choice(('clear', 'enable', 'disable', 'merge',
                                   'replace'))
        if verb == 'merge':
            window = self.transaction(
                bitmap('add', disk, 'temporary', disabled=True),
                self.merge(disk, 'temporary', 'watch'),
                bitmap('clear', disk, 'watch'),
                self.merge(disk, 'watch', 'temporary'),
                bitmap('remove', disk, 'temporary'))
            before = watch.copy()
            watch.clear(window)
            watch.merge(before, window)
        elif verb == 'replace':
            window = self.transaction(bitmap('remove', disk, 'watch'))
            window = self.transaction(bitmap('add', disk, 'watch'))
            self.record(disk, 'watch', window)
        else:
            window = self.transaction(bitmap(verb, disk, 'watch'))
            getattr(watch, verb)(window)

    @staticmethod
    def merge(disk, target, source):
        return {'type': 'block-dirty-bitmap-merge', 'data': {
            'node': disk.name, 'target': target, 'bitmaps': [source]}}

    def unrelated(self, disk):
        self.vm.cmd('blockdev-add', {'driver': 'null-co', 'size': 1 << 20,
                                     'node-name': 'unrelated'})
        self.vm.cmd('blockdev-del', {'node-name': 'unrelated'})

    # -- increments

    def increment(self, disk):
        sync, mode = self.random.choice((
            ('incremental', {}), ('bitmap', {'bitmap_mode': 'on-success'}),
            ('bitmap', {'bitmap_mode': 'always'}),
            ('full', {'bitmap_mode': 'always'}),
            ('full', {'bitmap_mode': 'on-success'})))
        more = {}
        if self.random.random() < 0.7:
            more['speed'] = self.random.choice((0, 65536, 1 << 20, 32 << 20))
        if self.random.random() < 0.5:
            more['x_perf'] = self.random.choice((
                jobs.ONE_BY_ONE, {'max-workers': 3}, {'max-chunk': 131072}))
        if self.random.random() < 0.3:
            more['auto_finalize'] = False
        return backup(disk, sync, bitmap='b', **mode, **more)

    def settle(self, disk, action, window, ok):
        """What the end of the job means for the model."""
        if ok:
            self.record(disk, 'b', window)
        elif action['data'].get('bitmap-mode') == 'always':
            # What was copied is no longer in it; the chain will tell.
            disk.recorders.pop('b', None)

    def round(self, grouped):
        actions = [self.increment(d) for d in self.disks]
        if self.random.random() < 0.3:
            self.assertIsNone(self.try_transaction(*actions, ABORT))
            for disk in self.disks:
                self.assertFalse(self.end_of('job-' + disk.name, none=True))
        self.allow(30)
        window = self.transaction(*actions, grouped=grouped)
        self.allow(self.random.randrange(60))
        ended = Trouble(self, ['job-' + d.name for d in self.disks],
                        self.random.randrange(25)).run()
        done = []
        for disk, action in zip(self.disks, actions):
            ok = ended['job-' + disk.name]
            self.settle(disk, action, window, ok)
            if ok:
                done.append(disk.history.times(self.target_of(disk), window))
        common(*done)
        if grouped:
            self.assertIn(len(done), (0, len(self.disks)))
        for disk in self.disks:
            for name in disk.recorders:
                self.check_bitmap(disk, name)

    def run_rounds(self, grouped):
        self.start()
        for _ in range(self.rounds):
            self.round(grouped)
        # The last one succeeds, and the writers are still: nothing is in
        # doubt.
        self.stop_crowds()
        window = self.transaction(*(
            backup(d, 'incremental', bitmap='b') for d in self.disks))
        for disk in self.disks:
            self.assertTrue(self.end_of('job-' + disk.name))
            self.record(disk, 'b', window)
            with open(disk.path, 'rb') as f:
                self.assertTrue(f.read() == self.target_of(disk))
            self.assertTrue(self.check_bitmap(disk, 'b'))
        self.finish()

    def test_individual(self):
        self.run_rounds(False)

    def test_grouped(self):
        self.run_rounds(True)


class Direct(Control):
    direct = True


class SmallWrites(Control):
    """Large enough a disk that most clusters are copied by one side."""
    size_bytes = 8 << 20
    n_disks = 1
    rounds = 5

    def start_crowds(self, **options):
        super().start_crowds(clients=3, depth=16, largest=8192, **options)


if __name__ == '__main__':
    case.main()
