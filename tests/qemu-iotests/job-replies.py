#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What a job has told when the command that started it is answered: one that
has nothing to do is ready, or gone, by then."""

from lib import case, images, jobs, tools
from lib.images import MIB

LIFE = ['created', 'running']
END = ['waiting', 'pending']


class Replies(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon()

    def disk(self, name, size, driver='raw', **more):
        path = self.path(name)
        if driver == 'raw':
            images.make(path, size)
        else:
            tools.img('create', '-q', '-f', driver, path, str(size))
        self.add(name, driver, **more)

    def add(self, name, driver, **more):
        args = {'driver': driver, 'node-name': name,
                'file': {'driver': 'file', 'filename': self.path(name)}}
        args.update({k.replace('_', '-'): v for k, v in more.items()})
        self.vm.cmd('blockdev-add', args)

    def told(self, command, **args):
        """What was told before the answer."""
        full = {'job-id': 'j'}
        full.update({k.replace('_', '-'): v for k, v in args.items()})
        self.vm.cmd(command, full)
        return jobs.without_drains(jobs.take(self.vm, 'j'))

    @staticmethod
    def entry(event, kind):
        return (event, {'type': kind, 'len': 0, 'offset': 0, 'speed': 0})

    def ended(self, kind):
        return LIFE + END + [self.entry('COMPLETED', kind), 'concluded',
                             'null']

    def pair(self, size):
        self.disk('a', size)
        self.disk('b', size)

    def test_mirror_of_nothing(self):
        self.pair(0)
        ready = LIFE + ['ready', self.entry('READY', 'mirror')]
        self.assertEqual(self.told('blockdev-mirror', device='a', target='b',
                                   sync='full'), ready)
        self.vm.cmd('block-job-complete', device='j')
        jobs.follow(self.vm, 'j', 'null')

    def test_mirror_of_what_comes(self):
        self.pair(MIB)
        ready = LIFE + ['ready', self.entry('READY', 'mirror')]
        self.assertEqual(self.told('blockdev-mirror', device='a', target='b',
                                   sync='none'), ready)

    def test_mirror(self):
        self.pair(MIB)
        self.assertEqual(self.told('blockdev-mirror', device='a', target='b',
                                   sync='full'), LIFE)
        jobs.follow(self.vm, 'j', 'READY')

    def test_drive_mirror_counts(self):
        """What no image has is nothing; a hole of a raw one is something."""
        self.disk('a', MIB, 'qcow2')
        self.disk('r', MIB + 512)
        images.fill(self.path('r'), 70000, 10, 7)
        for disk, length in ('a', 0), ('r', MIB + 512):
            self.vm.cmd('drive-mirror', {
                'job-id': 'j', 'device': disk, 'sync': 'full',
                'target': self.path(disk + 'c'), 'format': 'qcow2'})
            ready = jobs.follow(self.vm, 'j', 'READY')[-1][1]
            self.assertEqual((ready['len'], ready['offset']), (length, length))
            self.vm.cmd('block-job-cancel', device='j')
            jobs.follow(self.vm, 'j', 'null')

    def test_backup_of_nothing(self):
        self.pair(0)
        args = {'device': 'a', 'target': 'b', 'sync': 'full'}
        self.assertEqual(self.told('blockdev-backup', **args),
                         self.ended('backup'))
        self.assertEqual(
            self.told('blockdev-backup', auto_finalize=False, **args),
            LIFE + END + [jobs.PENDING])

    def test_backup_of_no_changes(self):
        for name in 'a', 'b':
            self.disk(name, MIB, 'qcow2')
        self.vm.cmd('block-dirty-bitmap-add', node='a', name='z')
        self.assertEqual(
            self.told('blockdev-backup', device='a', target='b',
                      sync='incremental', bitmap='z'), self.ended('backup'))

    def test_backup(self):
        self.pair(MIB)
        self.assertEqual(self.told('blockdev-backup', device='a', target='b',
                                   sync='full'), LIFE)
        jobs.follow(self.vm, 'j', 'null')

    def chain(self, size):
        self.disk('a', size, 'qcow2', read_only=True)
        for name, below in ('b', 'a'), ('c', 'b'):
            tools.img('create', '-q', '-f', 'qcow2', '-b', self.path(below),
                      '-F', 'qcow2', self.path(name))
            self.add(name, 'qcow2', backing=below, read_only=name == 'b')

    def test_chain_of_nothing(self):
        self.chain(0)
        self.assertEqual(self.told('block-stream', device='c',
                                   base_node='a'), self.ended('stream'))
        self.assertEqual(self.told('block-commit', device='c'),
                         LIFE + ['ready', self.entry('READY', 'commit')])

    def test_commit_of_nothing(self):
        self.chain(0)
        self.assertEqual(self.told('block-commit', device='c', top_node='b',
                                   base_node='a'), self.ended('commit'))

    def test_chain(self):
        """What has to look for something answers first."""
        self.chain(MIB)
        self.assertEqual(self.told('block-commit', device='c', top_node='b',
                                   base_node='a'), LIFE)
        jobs.follow(self.vm, 'j', 'null')
        self.assertEqual(self.told('block-stream', device='c'), LIFE)
        jobs.follow(self.vm, 'j', 'null')

    def test_active_commit_of_nothing(self):
        self.chain(MIB)
        self.assertEqual(self.told('block-commit', device='c'), LIFE)
        self.assertEqual(jobs.follow(self.vm, 'j', 'READY'),
                         ['ready', self.entry('READY', 'commit')])

    def test_stream_of_what_stands_alone(self):
        self.disk('a', MIB, 'qcow2')
        self.assertEqual(self.told('block-stream', device='a'),
                         self.ended('stream'))

    def test_cancelled_watch(self):
        """A backup that only waits for guests ends before the answer."""
        for name in 'a', 'b':
            self.disk(name, MIB, 'qcow2')
        self.told('blockdev-backup', device='a', target='b', sync='none')
        self.vm.cmd('block-job-cancel', device='j')
        self.assertEqual(jobs.without_drains(jobs.take(self.vm, 'j')), [
            'aborting', jobs.cancelled(MIB, 0), 'concluded', 'null'])

    def test_refused_by_targets_user(self):
        """A mirror comes, and goes, when the target's user does not bear
        it."""
        self.pair(MIB)
        self.vm.cmd('nbd-server-start', addr={
            'type': 'unix', 'data': {'path': self.path('nbd')}})
        self.vm.cmd('block-export-add', {
            'type': 'nbd', 'id': 'e', 'node-name': 'b', 'writable': True})
        self.assert_error(
            self.vm, 'blockdev-mirror', {
                'job-id': 'j', 'device': 'a', 'target': 'b', 'sync': 'full'},
            "Permission conflict on node 'b': permissions 'consistent read, "
            "write' are both required by an unnamed block device (uses node "
            "'b' as 'root' child) and unshared by an unnamed block device "
            "(uses node 'b' as 'root' child).")
        self.assertEqual(jobs.take(self.vm, 'j'), ['created', 'null'])

    def test_shown_held(self):
        """A mirror that waits for its last leave shows as paused."""
        self.pair(MIB)
        self.told('blockdev-mirror', device='a', target='b', sync='none',
                  auto_finalize=False)
        self.vm.cmd('job-complete', id='j')
        jobs.follow(self.vm, 'j', 'PENDING')
        info = jobs.query(self.vm, 'j')[1]
        self.assertEqual((info['status'], info['paused'], info['busy']),
                         ('pending', True, False))
        self.vm.cmd('job-finalize', id='j')
        jobs.follow(self.vm, 'j', 'null')


if __name__ == '__main__':
    case.main()
