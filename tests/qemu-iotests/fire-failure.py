#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: targets that fail for a while.

The daemon may not write a file beyond a limit that comes and goes. Source
files lie below it, windows of the targets' files above, so it is copies that
fail, be they the job's or a client's. A backup that succeeds nevertheless is
complete; one that does not leaves bitmaps from which the next one heals the
target.
"""

import json
import resource
import signal

from lib import case, images, jobs
from lib.case import ours_only
from lib.fire_case import FireCase, Trouble, backup, bitmap
from lib.history import common
from lib.images import MIB

WINDOW = 8 * MIB
NO_LIMIT = resource.RLIM_INFINITY


class Failure(FireCase):

    rounds = 8
    modes = (('incremental', {}), ('bitmap', {'bitmap_mode': 'on-success'}),
             ('full', {'bitmap_mode': 'on-success'}))

    def daemon(self, *args, **kwargs):
        # Without this the kernel ends who writes beyond the limit.
        return super().daemon(*args, preexec_fn=lambda: signal.signal(
            signal.SIGXFSZ, signal.SIG_IGN), **kwargs)

    def add_node(self, name, path, **options):
        if name.endswith('-dst'):
            images.make(path, WINDOW + self.size_bytes)
            options.update(offset=WINDOW, size=self.size_bytes)
        super().add_node(name, path, **options)

    def target_of(self, disk):
        return super().target_of(disk)[WINDOW:]

    def set_limit(self, limit):
        resource.prlimit(self.vm.pid, resource.RLIMIT_FSIZE,
                         (limit, NO_LIMIT))

    def interfere(self):
        """Targets take writes up to some place, or all."""
        self.set_limit(self.random.choice((
            NO_LIMIT, NO_LIMIT, WINDOW,
            WINDOW + self.random.randrange(self.size_bytes))))

    # -- rounds

    def start(self):
        self.start_crowds(may_fail=True)
        window = self.transaction(*(bitmap('add', d, 'b')
                                    for d in self.disks),
                                  *map(backup, self.disks))
        for disk in self.disks:
            self.record(disk, 'b', window)
            self.assertTrue(self.end_of('job-' + disk.name))

    def increment(self, disk):
        sync, mode = self.random.choice(self.modes)
        return backup(disk, sync, bitmap='b', **mode,
                      speed=self.random.choice((0, 1 << 20, 8 << 20)),
                      x_perf=self.random.choice((jobs.ONE_BY_ONE,
                                                 {'max-workers': 64})))

    def round(self):
        actions = [self.increment(d) for d in self.disks]
        self.allow(20)
        if self.random.random() < 0.5:
            self.interfere()
        window = self.transaction(*actions,
                                  grouped=self.random.random() < 0.3)
        self.allow(self.random.randrange(80))
        ended = Trouble(self, ['job-' + d.name for d in self.disks],
                        self.random.randrange(25),
                        cancel=self.random.random() < 0.3).run()
        self.set_limit(NO_LIMIT)
        done = []
        for disk, action in zip(self.disks, actions):
            if ended['job-' + disk.name]:
                self.record(disk, 'b', window)
                done.append(disk.history.times(self.target_of(disk), window))
            elif action['data'].get('bitmap-mode') == 'always':
                disk.recorders.pop('b', None)
        common(*done)
        for disk in self.disks:
            for name in disk.recorders:
                self.check_bitmap(disk, name)

    def test_chain(self):
        self.start()
        for _ in range(self.rounds):
            self.round()
        self.heal()

    def heal(self):
        """Without trouble an increment makes each target its disk."""
        self.stop_crowds()
        window = self.transaction(*(
            backup(d, 'incremental', bitmap='b') for d in self.disks))
        for disk in self.disks:
            self.assertTrue(self.end_of('job-' + disk.name))
            self.record(disk, 'b', window)
            self.assertTrue(images.read(disk.path) == self.target_of(disk))
        self.finish()

    @ours_only('may forget a cluster whose copy fails')
    def test_cancelled_before_its_first_step(self):
        """Mostly only clients copied until then; what failed is not lost. A
        job that took a step after all may have failed before it is told."""
        self.start()
        for _ in range(self.rounds):
            self.set_limit(WINDOW)
            actions = [backup(d, 'bitmap', bitmap='b', bitmap_mode='always')
                       for d in self.disks]
            self.all_at_once(
                ('transaction', {'actions': actions}),
                *(('job-pause', {'id': 'job-' + d.name})
                  for d in self.disks))
            self.allow(40)
            for disk in self.disks:
                self.assert_done_or_over(self.vm.execute(
                    'job-cancel', {'id': 'job-' + disk.name}))
            for disk in self.disks:
                disk.recorders.pop('b', None)
                self.end_of('job-' + disk.name)
            self.set_limit(NO_LIMIT)
        self.heal()

    def all_at_once(self, *commands):
        """So that jobs have little time for a step between them."""
        self.vm.qmp.send_raw(''.join(
            json.dumps({'execute': name, 'arguments': args}) + '\n'
            for name, args in commands))
        for _ in commands:
            self.assert_done_or_over(self.vm.qmp.recv_reply())

    def assert_done_or_over(self, reply):
        if reply != {'return': {}}:
            self.assertRegex(reply['error']['desc'],
                             '^Job not found$|cannot accept command verb')


class Direct(Failure):
    direct = True


@ours_only('may forget a cluster whose copy fails')
class Always(Failure):
    """The bitmap forgets what was copied, even if the backup fails then."""
    modes = (('bitmap', {'bitmap_mode': 'always'}),
             ('full', {'bitmap_mode': 'always'}))


class OneDisk(Always):
    """Many small writes: most clusters are copied by clients."""
    n_disks = 1
    size_bytes = 8 * MIB
    rounds = 6
    modes = Failure.modes + Always.modes

    def start_crowds(self, **options):
        super().start_crowds(clients=3, depth=16, largest=8192, **options)


if __name__ == '__main__':
    case.main()
