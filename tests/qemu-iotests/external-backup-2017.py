#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The external backup of 2017: bitmaps that survive a failed backup.

A backup program keeps one bitmap, `last`: what changed since its last
backup. To take the next one it disables `last`, adds `next` and starts the
backup in one transaction. If all goes well it drops `last` and `next` takes
its place. If not, it enables `last` again, merges `next` into it and drops
`next`, as if nothing had been tried.
"""

from lib import bitmaps, case, exports, images, jobs
from lib.backup_case import BackupCase, CHUNK
from lib.images import MIB
from lib.jobs import completed, error


class Program(BackupCase):
    """What the backup program says, and what must hold."""

    # -- the parts of a transaction

    @staticmethod
    def add(name):
        return {'type': 'block-dirty-bitmap-add',
                'data': {'node': 'src', 'name': name}}

    @staticmethod
    def disable(name):
        return {'type': 'block-dirty-bitmap-disable',
                'data': {'node': 'src', 'name': name}}

    @staticmethod
    def backup(job='job0', target='dst', **more):
        data = {'job-id': job, 'device': 'src', 'target': target}
        data.update({k.replace('_', '-'): v for k, v in more.items()})
        return {'type': 'blockdev-backup', 'data': data}

    def transaction(self, *actions):
        self.vm.cmd('transaction', actions=list(actions))

    def start_increment(self, **more):
        """One point in time: the old bitmap ends, the new one begins."""
        self.transaction(
            self.disable('last'), self.add('next'), self.backup(
                sync='bitmap', bitmap='last', bitmap_mode='never', **more))

    # -- the two endings

    def succeed(self):
        """`next` becomes `last` (a bitmap cannot be renamed: merge)."""
        self.bitmap('remove', 'last')
        self.transaction(self.add('last'), {
            'type': 'block-dirty-bitmap-merge', 'data': {
                'node': 'src', 'target': 'last', 'bitmaps': ['next']}},
            {'type': 'block-dirty-bitmap-remove',
             'data': {'node': 'src', 'name': 'next'}})

    def give_up(self):
        self.transaction(
            {'type': 'block-dirty-bitmap-enable',
             'data': {'node': 'src', 'name': 'last'}},
            {'type': 'block-dirty-bitmap-merge', 'data': {
                'node': 'src', 'target': 'last', 'bitmaps': ['next']}},
            {'type': 'block-dirty-bitmap-remove',
             'data': {'node': 'src', 'name': 'next'}})

    # -- what must hold

    def assert_target_is(self, content):
        self.assertEqual(images.read(self.target) == content, True)

    def assert_dirty(self, name, *offsets):
        self.assertEqual(bitmaps.sha256(self.vm, 'src', name),
                         bitmaps.expected_sha256(
                             self.size_bytes, CHUNK,
                             [(offset, CHUNK) for offset in offsets]))


class Stories(Program):

    def setUp(self):
        super().setUp()
        self.guest()
        self.transaction(self.add('last'), self.backup(sync='full'))
        self.assertEqual(self.follow('null')[-1], 'null')
        self.assert_target_is(images.read(self.source))

    def test_success(self):
        self.write(0, 7 * CHUNK)
        point = images.read(self.source)
        self.start_increment(speed=1, x_perf=jobs.ONE_BY_ONE)
        # The guest goes on while the backup runs.
        self.write(7 * CHUNK, 9 * CHUNK, byte=0xbb)
        self.assert_dirty('last', 0, 7 * CHUNK)
        self.assert_dirty('next', 7 * CHUNK, 9 * CHUNK)
        self.vm.cmd('block-job-set-speed', device='job0', speed=0)
        self.assertEqual(self.follow('null')[-3:], [
            completed(2 * CHUNK), 'concluded', 'null'])
        self.assert_target_is(point)
        self.succeed()
        self.assertEqual(bitmaps.of_node(self.vm, 'src'),
                         [bitmaps.entry('last', count=2 * CHUNK)])
        # The next increment has what this one did not.
        self.start_increment()
        self.assertEqual(self.follow('null')[-1], 'null')
        self.assert_target_is(images.read(self.source))

    def test_cancelled(self):
        self.write(0, 7 * CHUNK)
        self.start_increment(speed=1, x_perf=jobs.ONE_BY_ONE)
        self.write(9 * CHUNK, byte=0xbb)
        self.vm.cmd('job-cancel', id='job0')
        self.assertEqual(self.follow('null')[-1], 'null')
        self.give_up()
        self.assertEqual(bitmaps.of_node(self.vm, 'src'),
                         [bitmaps.entry('last', count=3 * CHUNK)])
        self.assert_dirty('last', 0, 7 * CHUNK, 9 * CHUNK)
        # It records on, and the next try has everything.
        self.write(11 * CHUNK, byte=0xcc)
        self.start_increment()
        self.assertIn(completed(4 * CHUNK), self.follow('null'))
        self.assert_target_is(images.read(self.source))

    def test_many_days(self):
        for day in range(6):
            self.write(day * CHUNK, (3 * day + 20) * CHUNK, byte=day + 1)
            point = images.read(self.source)
            self.start_increment(speed=1, x_perf=jobs.ONE_BY_ONE)
            self.write((40 + day) * CHUNK, byte=0x80 + day)
            if day % 3 == 2:
                self.vm.cmd('job-cancel', id='job0')
                self.follow('null')
                self.give_up()
                continue
            self.vm.cmd('block-job-set-speed', device='job0', speed=0)
            self.follow('null')
            self.assert_target_is(point)
            self.succeed()
        self.start_increment()
        self.follow('null')
        self.assert_target_is(images.read(self.source))

    def test_cannot_start(self):
        """The transaction fails as a whole: there is nothing to undo."""
        self.write(0)
        before = bitmaps.of_node(self.vm, 'src')
        self.assert_error(self.vm, 'transaction', {'actions': [
            self.disable('last'), self.add('next'), self.backup(
                target='nosuch', sync='bitmap', bitmap='last',
                **{'bitmap-mode': 'never'})]},
            "Cannot find device='nosuch' nor node-name='nosuch'")
        self.assertEqual(bitmaps.of_node(self.vm, 'src'), before)
        self.write(CHUNK)
        self.assert_dirty('last', 0, CHUNK)

    def test_read_by_an_external_program(self):
        """No job: a program reads what the bitmap shows, over NBD."""
        self.write(0, 7 * CHUNK)
        self.transaction(self.disable('last'), self.add('next'))
        self.server.add('src', name='view', writable=False,
                        bitmaps=['last'])
        view = self.server.connect('view', [exports.dirty('last')])
        ranges = exports.dirty_ranges(view, 'last')
        self.assertEqual(ranges, [(0, CHUNK), (7 * CHUNK, CHUNK)])
        with open(self.target, 'r+b') as copy:
            for offset, length in ranges:
                copy.seek(offset)
                copy.write(view.pread(length, offset))
        view.shutdown()
        self.vm.cmd('block-export-del', id='view')
        self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='view')
        self.assert_target_is(images.read(self.source))
        self.succeed()
        self.assertEqual(bitmaps.of_node(self.vm, 'src'),
                         [bitmaps.entry('last')])


class NoRoom(Program):
    """The target is full half way."""

    limit_bytes = 2 * MIB

    def test_failure(self):
        self.bitmap('add', 'last')
        self.write(0)
        # What is beyond the limit is made dirty without a write there.
        self.bitmap('add', 'wide', granularity=4 * MIB)
        self.write(0)
        self.vm.cmd('block-dirty-bitmap-merge', node='src', target='last',
                    bitmaps=['wide'])
        self.bitmap('remove', 'wide')
        self.start_increment(x_perf=jobs.ONE_BY_ONE)
        self.write(5 * CHUNK, byte=0xbb)
        history = self.follow('null')
        self.assertEqual(history[-5:], [
            error('write'), 'aborting', completed(
                4 * MIB, 2 * MIB, error='File too large'), 'concluded',
            'null'])
        self.assertEqual(bitmaps.count(self.vm, 'src', 'last'), 4 * MIB)
        self.assertEqual(bitmaps.count(self.vm, 'src', 'next'), CHUNK)
        self.give_up()
        self.assert_dirty('last', *range(0, 4 * MIB, CHUNK))
        self.assertTrue(bitmaps.find(self.vm, 'src', 'last')['recording'])


if __name__ == '__main__':
    case.main()
