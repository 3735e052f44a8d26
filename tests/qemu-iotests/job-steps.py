#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Steps of jobs that stand still because of their speed: which verbs let them
do one more."""

from lib import case, images, jobs, tools
from lib.images import KIB, MIB

SIZE = 16 * MIB
STEP = 64 * KIB
PIECE = 512 * KIB


class Steps(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def add(self, name, driver='raw', **more):
        args = {'driver': driver, 'node-name': name,
                'file': {'driver': 'file', 'filename': self.path(name)}}
        args.update({k.replace('_', '-'): v for k, v in more.items()})
        self.vm.cmd('blockdev-add', args)

    def start(self, command, **more):
        images.make_patterned(self.path('a'), SIZE)
        images.make(self.path('b'), SIZE)
        for name in 'a', 'b':
            self.add(name)
        args = {'job-id': 'j', 'device': 'a', 'target': 'b', 'sync': 'full',
                'speed': 1}
        args.update(more)
        self.vm.cmd(command, args)

    def start_in_chain(self, command, **more):
        tools.img('create', '-q', '-f', 'qcow2', self.path('a'), str(SIZE))
        for name, below in ('b', 'a'), ('c', 'b'):
            tools.img('create', '-q', '-f', 'qcow2', '-b', self.path(below),
                      '-F', 'qcow2', self.path(name))
        tools.io(self.path('b'), f'write -q -P 3 0 {SIZE}',
                 options=('-f', 'qcow2'))
        self.add('a', 'qcow2', read_only=True)
        self.add('b', 'qcow2', read_only=True, backing='a')
        self.add('c', 'qcow2', backing='b')
        self.vm.cmd(command, {'job-id': 'j', 'device': 'c', 'speed': 1,
                              **more})

    def pause(self):
        self.vm.cmd('job-pause', id='j')
        if jobs.query(self.vm, 'j')[0]['status'] != 'paused':
            jobs.follow(self.vm, 'j', 'paused')

    def speed(self, value):
        self.vm.cmd('block-job-set-speed', device='j', speed=value)

    def stays(self, steps, step):
        """It has done so many, and no more after some questions."""
        jobs.wait_for_progress(self.vm, 'j', steps * step)
        for _ in range(20):
            self.assertEqual(jobs.query(self.vm, 'j')[0]['current-progress'],
                             steps * step)

    def check_woken(self, step):
        self.stays(1, step)
        for speed, steps in ((1, 1), (2, 2), (1, 2), (3, 3), (100, 4),
                             (50, 4), (50, 4)):
            self.speed(speed)
            self.stays(steps, step)
        for steps in 5, 6:
            self.pause()
            self.stays(steps - 1, step)
            self.vm.cmd('job-resume', id='j')
            self.stays(steps, step)
        self.vm.cmd('block-job-cancel', device='j', force=True)
        jobs.follow(self.vm, 'j', 'null')

    def test_mirror(self):
        self.start('blockdev-mirror', **{'buf-size': STEP})
        self.check_woken(STEP)

    def test_stream(self):
        self.start_in_chain('block-stream', **{'base-node': 'a'})
        self.check_woken(PIECE)

    def test_commit(self):
        self.start_in_chain('block-commit', **{'top-node': 'b'})
        self.check_woken(PIECE)

    def test_backup(self):
        """It pays for what it did, at any speed, and a pause forgives
        nothing."""
        self.start('blockdev-backup', **{'x-perf': jobs.ONE_BY_ONE})
        self.stays(1, STEP)
        for speed in 1, 2, 1, 3, 2:
            self.speed(speed)
            self.stays(1, STEP)
        self.pause()
        self.vm.cmd('job-resume', id='j')
        self.stays(1, STEP)
        self.speed(0)
        jobs.follow(self.vm, 'j', 'COMPLETED')

    def test_mirror_by_buffers(self):
        """A mirror does a buffer's worth at once; 16 MiB if nobody says."""
        for size, buf in (MIB, {'buf-size': MIB}), (SIZE, {}):
            self.start('blockdev-mirror', **buf)
            self.stays(1, size)
            # The last of it is to be paid for, too.
            self.assertEqual(jobs.query(self.vm, 'j')[0]['status'], 'running')
            self.vm.cmd('block-job-cancel', device='j', force=True)
            jobs.follow(self.vm, 'j', 'null')
            for name in 'a', 'b':
                self.vm.cmd('blockdev-del', {'node-name': name})

    def test_mirror_by_runs(self):
        """And no more than what lies together."""
        tools.img('create', '-q', '-f', 'qcow2', self.path('a'), str(SIZE))
        tools.io(self.path('a'), *(f'write -q {i}M 128k' for i in range(4)),
                 options=('-f', 'qcow2'))
        self.add('a', 'qcow2')
        self.vm.cmd('drive-mirror', {
            'job-id': 'j', 'device': 'a', 'target': self.path('c'),
            'sync': 'full', 'speed': 1})
        for steps in 1, 2, 3, 4:
            self.stays(steps, 2 * STEP)
            self.pause()
            self.vm.cmd('job-resume', id='j')
        jobs.follow(self.vm, 'j', 'READY')

    def test_no_limit(self):
        self.start('blockdev-mirror', **{'buf-size': STEP})
        self.stays(1, STEP)
        self.speed(0)
        jobs.follow(self.vm, 'j', 'READY')


if __name__ == '__main__':
    case.main()
