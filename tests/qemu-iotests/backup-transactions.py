#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Backups in transactions: one point in time, alone or together."""

from lib import bitmaps, case, images, jobs
from lib.backup_case import BackupCase, CHUNK
from lib.images import MIB
from lib.jobs import PENDING, cancelled, completed, error

GROUPED = {'completion-mode': 'grouped'}
ABORT = {'type': 'abort', 'data': {}}
UNDONE = ['created', 'aborting', 'concluded', 'null']


def backup(job, device='src', target='dst', sync='full', **more):
    return {'type': 'blockdev-backup', 'data': dict({
        'job-id': job, 'device': device, 'target': target, 'sync': sync},
        **{k.replace('_', '-'): v for k, v in more.items()})}


def bitmap(verb, name, node='src', **more):
    return {'type': f'block-dirty-bitmap-{verb}',
            'data': dict({'node': node, 'name': name}, **more)}


class TransactionCase(BackupCase):
    """Runs transactions and tells what their jobs did."""

    def setUp(self):
        super().setUp()
        self.add_pair()

    def add_pair(self):
        path = images.make_patterned(self.path('src2.img'), self.size_bytes,
                                     seed=2)
        self.add_disk('src2', path)
        self.new_disk('dst2')

    def run_actions(self, *actions, **properties):
        args = {'actions': list(actions)}
        if properties:
            args['properties'] = properties['properties']
        self.vm.cmd('transaction', args)

    def history(self, job, until='null'):
        return jobs.without_drains(self.follow(until, job))

    def started(self, job):
        """The events that came before the answer."""
        return jobs.without_drains(jobs.take(self.vm, job))

    def assert_done(self, job, length):
        self.assertEqual(self.history(job), [
            'waiting', 'pending', completed(length), 'concluded', 'null'])

    def state(self):
        return [(b, bitmaps.sha256(self.vm, 'src', b['name']))
                for b in bitmaps.of_node(self.vm, 'src')]


class Together(TransactionCase):

    # -- success

    def test_newest_first(self):
        """Jobs without work end before the reply, the newest first."""
        self.run_actions(bitmap('add', 'b'), bitmap('add', 'b', 'src2'))
        self.run_actions(
            backup('job0', sync='incremental', bitmap='b'),
            backup('job1', 'src2', 'dst2', sync='incremental', bitmap='b'))
        self.assertEqual(
            [e['data']['id'] for e in self.vm.qmp.events
             if e['data'].get('status') == 'waiting'], ['job1', 'job0'])

    def test_full_and_bitmap(self):
        """The start of every chain of increments."""
        self.guest()
        self.run_actions(bitmap('add', 'b'), backup('job0'))
        self.write(CHUNK)
        self.assertEqual(self.history('job0'), [
            'created', 'running', 'waiting', 'pending',
            completed(self.size_bytes), 'concluded', 'null'])
        self.assertEqual(bitmaps.find(self.vm, 'src', 'b'),
                         bitmaps.entry('b', count=CHUNK))

    def test_bitmap_starts_with_the_backup(self):
        """What the backup does not have is in the bitmap, and conversely."""
        before = images.read(self.source)
        self.bitmap('add', 'b')
        self.write(5 * CHUNK)
        after = images.read(self.source)
        self.run_actions(bitmap('clear', 'b'),
                         backup('job0', speed=1, x_perf=jobs.ONE_BY_ONE))
        self.write(3 * CHUNK, 5 * CHUNK, byte=0xcc)
        self.vm.cmd('block-job-set-speed', device='job0', speed=0)
        self.history('job0')
        self.assertNotEqual(before, after)
        self.assertEqual(images.read(self.target) == after, True)
        self.assertEqual(bitmaps.sha256(self.vm, 'src', 'b'),
                         bitmaps.expected_sha256(
                             self.size_bytes, CHUNK,
                             [(3 * CHUNK, CHUNK), (5 * CHUNK, CHUNK)]))

    def test_two_disks(self):
        for properties in {}, {'completion-mode': 'individual'}, GROUPED:
            self.run_actions(
                backup('job0'), backup('job1', 'src2', 'dst2'),
                properties=properties)
            for job in 'job0', 'job1':
                self.assertEqual(self.history(job)[-4:], [
                    'pending', completed(self.size_bytes), 'concluded',
                    'null'])
        for name in '', '2':
            self.assertEqual(images.checksum(self.path(f'src{name}.img')),
                             images.checksum(self.path(f'dst{name}.img')))

    def test_incremental(self):
        self.bitmap('add', 'b')
        self.bitmap('add', 'b', node='src2')
        self.write(0)
        self.write(CHUNK, 2 * CHUNK, node='src2')
        self.run_actions(
            backup('job0', sync='incremental', bitmap='b'),
            backup('job1', 'src2', 'dst2', 'incremental', bitmap='b'))
        self.assertIn(completed(CHUNK), self.history('job0'))
        self.assertIn(completed(2 * CHUNK), self.history('job1'))
        for node in 'src', 'src2':
            self.assertEqual(bitmaps.of_node(self.vm, node),
                             [bitmaps.entry('b')])

    def test_nothing_to_do(self):
        """Increments without changes end well, grouped or not."""
        self.bitmap('add', 'b')
        self.bitmap('add', 'b', node='src2')
        for properties in {}, GROUPED:
            self.run_actions(
                backup('job0', sync='incremental', bitmap='b'),
                backup('job1', 'src2', 'dst2', 'incremental', bitmap='b'),
                properties=properties)
            for job in 'job0', 'job1':
                self.assertIn(completed(0), self.history(job))

    def test_bitmap_made_in_the_transaction(self):
        self.write(0)
        self.run_actions(bitmap('add', 'b', disabled=True),
                         backup('job0', sync='bitmap', bitmap='b',
                                bitmap_mode='never'))
        self.assertIn(completed(0), self.history('job0'))

    def test_grouped_waits_for_all(self):
        """One is ready; it waits until the other is, too."""
        self.run_actions(
            backup('job0'),
            backup('job1', 'src2', 'dst2', speed=1, x_perf=jobs.ONE_BY_ONE),
            properties=GROUPED)
        self.assertEqual(self.history('job0', 'waiting'),
                         ['created', 'running', 'waiting'])
        self.assertEqual(jobs.query(self.vm, 'job0')[0]['status'], 'waiting')
        self.assertEqual(jobs.query(self.vm, 'job1')[0]['status'], 'running')
        self.vm.cmd('block-job-set-speed', device='job1', speed=0)
        self.assertEqual(self.history('job1')[-4:], [
            'pending', completed(self.size_bytes), 'concluded', 'null'])
        self.assertEqual(self.history('job0'), [
            'pending', completed(self.size_bytes), 'concluded', 'null'])

    def test_individual_waits_for_none(self):
        self.run_actions(
            backup('job0'),
            backup('job1', 'src2', 'dst2', speed=1, x_perf=jobs.ONE_BY_ONE))
        self.assertEqual(self.history('job0')[-1], 'null')
        self.assertEqual(jobs.query(self.vm, 'job1')[0]['status'], 'running')
        self.vm.cmd('job-cancel', id='job1')
        self.assertEqual(self.history('job1')[-1], 'null')

    def test_grouped_finalize(self):
        """With auto-finalize off, one word finalises the whole group."""
        self.run_actions(
            backup('job0', auto_finalize=False),
            backup('job1', 'src2', 'dst2', auto_finalize=False),
            properties=GROUPED)
        for job in 'job0', 'job1':
            self.assertEqual(self.history(job, 'PENDING')[-2:],
                             ['pending', PENDING])
        self.vm.cmd('job-finalize', id='job1')
        for job in 'job0', 'job1':
            self.assertEqual(self.history(job), [
                completed(self.size_bytes), 'concluded', 'null'])

    def test_grouped_cancel(self):
        """Who cancels one cancels all; the bitmaps keep what they had."""
        self.bitmap('add', 'b')
        self.write(0)
        before = self.state()
        self.run_actions(
            backup('job0', sync='incremental', bitmap='b'),
            backup('job1', 'src2', 'dst2', speed=1, x_perf=jobs.ONE_BY_ONE),
            properties=GROUPED)
        self.history('job0', 'waiting')
        self.vm.cmd('job-cancel', id='job1')
        self.assertEqual(self.history('job0'), [
            'aborting', cancelled(CHUNK), 'concluded', 'null'])
        self.assertEqual(self.history('job1')[-1], 'null')
        self.assertEqual(self.state(), before)

    # -- failure to start

    def test_abort(self):
        self.bitmap('add', 'b')
        self.write(0)
        before = self.state()
        target = images.checksum(self.target)
        self.assert_error(
            self.vm, 'transaction',
            {'actions': [backup('job0', sync='incremental', bitmap='b'),
                         bitmap('add', 'new'), ABORT]},
            'Transaction aborted using Abort action')
        self.assertEqual(self.started('job0'), UNDONE)
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        self.assertEqual(self.state(), before)
        self.assertEqual(images.checksum(self.target), target)
        self.run_backup()

    def test_second_cannot_start(self):
        cannot = "Cannot find device='nosuch' nor node-name='nosuch'"
        for bad, desc in (
                (backup('job1', target='nosuch'), cannot),
                (backup('job1', 'src2', 'dst'), "Node 'dst' is busy: block "
                 'device is in use by block job: backup'),
                (backup('job0', 'src2', 'dst2'),
                 "Job ID 'job0' already in use"),
                (backup('job1', 'src2', 'dst2', 'incremental'),
                 "must provide a valid bitmap name for 'incremental' sync "
                 'mode')):
            self.assert_error(self.vm, 'transaction',
                              {'actions': [bitmap('add', 'new'),
                                           backup('job0'), bad]}, desc)
            self.assertEqual(self.started('job0'), UNDONE)
            self.assertEqual(self.vm.cmd('query-jobs'), [])
            self.assertEqual(bitmaps.of_node(self.vm, 'src'), [])

    def test_bitmap_of_the_backup_is_busy(self):
        self.bitmap('add', 'b')
        self.assert_error(
            self.vm, 'transaction',
            {'actions': [backup('job0', sync='incremental', bitmap='b'),
                         bitmap('clear', 'b')]},
            "Bitmap 'b' is currently in use by another operation and cannot "
            'be used')
        self.assertEqual(self.started('job0'), UNDONE)
        self.bitmap('clear', 'b')


class Failing(TransactionCase):
    """The second target cannot take all: its file is limited to 2 MiB."""

    limit_bytes = 2 * MIB

    def add_pair(self):
        """The first pair is small enough to succeed."""
        self.new_disk('small', MIB)
        self.new_disk('small-copy', MIB)
        self.vm.cmd('block-dirty-bitmap-add', node='small', name='b')

    def small(self, **more):
        return backup('job0', 'small', 'small-copy', 'incremental',
                      bitmap='b', **more)

    def failing(self):
        return backup('job1', x_perf=jobs.ONE_BY_ONE)

    def assert_failed(self):
        history = self.history('job1')
        self.assertEqual(history[-5:], [
            error('write'), 'aborting',
            completed(self.size_bytes, 2 * MIB, error='File too large'),
            'concluded', 'null'])

    def test_grouped(self):
        self.write(0, node='small')
        self.run_actions(self.small(), self.failing(), properties=GROUPED)
        self.assertEqual(self.history('job0')[-4:], [
            'aborting', cancelled(CHUNK), 'concluded', 'null'])
        self.assert_failed()
        self.assertEqual(bitmaps.of_node(self.vm, 'small'),
                         [bitmaps.entry('b', count=CHUNK)])

    def test_grouped_with_nothing_to_do(self):
        self.run_actions(self.small(), self.failing(), properties=GROUPED)
        self.assertEqual(self.history('job0')[-4:], [
            'aborting', cancelled(0), 'concluded', 'null'])
        self.assert_failed()

    def test_individual(self):
        self.write(0, node='small')
        self.run_actions(self.small(), self.failing())
        self.assertEqual(self.history('job0')[-4:], [
            'pending', completed(CHUNK), 'concluded', 'null'])
        self.assert_failed()
        self.assertEqual(bitmaps.of_node(self.vm, 'small'),
                         [bitmaps.entry('b')])


if __name__ == '__main__':
    case.main()
