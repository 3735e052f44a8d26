#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Under fire: several monitors change the same disks at the same time.

The main one takes backups. The others make, change and drop bitmaps, nodes
and exports of their own, run transactions that fail, and disturb the jobs.
"""

import random
import threading

from lib import case, exports
from lib.fire_case import ABORT, FireCase, backup, bitmap
from lib.history import common
from lib.program import TIMEOUT_S
from lib.qmp import QMPError


class Other:
    """One more monitor, in a thread of its own."""

    def __init__(self, case_, path, number, seed):
        self.qmp = case_.vm.connect(path)
        self.random = random.Random(seed)
        self.disks, self.server = case_.disks, case_.server
        self.name = f'other{number}'
        self.stopping = False
        self.failure = None
        self.steps = 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stopping:
                self.step()
                self.steps += 1
                self.qmp.events.clear()
                self.qmp.log.clear()
            self.undo()
        except BaseException as error:  # pylint: disable=broad-except
            self.failure = error

    def stop(self):
        self.stopping = True
        self.thread.join(TIMEOUT_S)
        assert not self.thread.is_alive(), f'{self.name} hangs'
        self.qmp.close()
        if self.failure:
            raise self.failure

    def attempt(self, name, /, **args):
        """What others do at the same time may forbid it."""
        try:
            return self.qmp.cmd(name, args)
        except QMPError:
            return None

    def step(self):
        disk = self.random.choice(self.disks)
        self.random.choice((
            self.bitmaps, self.bitmaps, self.failing, self.failing,
            self.nodes, self.export, self.job, self.backup,
            self.queries))(disk)

    def bitmaps(self, disk):
        verb = self.random.choice(('add', 'clear', 'remove', 'enable',
                                   'disable'))
        self.attempt('block-dirty-bitmap-' + verb, node=disk.name,
                     name=self.name)

    def failing(self, disk):
        other = self.random.choice(self.disks)
        self.attempt('transaction', actions=[
            bitmap('add', disk, self.name + 'x'),
            bitmap('clear', disk, 'b'),
            bitmap('disable', disk, 'b'),
            bitmap('clear', other, self.name),
            bitmap('remove', other, self.name), ABORT][
                self.random.randrange(4):])

    def nodes(self, disk):
        self.qmp.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': self.name, 'read-only': True,
            'file': disk.name})
        self.attempt('block-dirty-bitmap-add', node=self.name, name='on-top')
        self.qmp.cmd('blockdev-del', {'node-name': self.name})

    def export(self, disk):
        self.qmp.cmd('block-export-add', {
            'type': 'nbd', 'id': self.name, 'name': self.name,
            'node-name': disk.name})
        handle = self.server.connect(self.name)
        handle.pread(65536, 0)
        if self.random.random() < 0.5:
            exports.disconnect(handle)
        self.qmp.cmd('block-export-del', {'id': self.name, 'mode': 'hard'})
        self.qmp.event('BLOCK_EXPORT_DELETED', id=self.name)

    def job(self, disk):
        self.attempt(self.random.choice(('job-pause', 'job-resume',
                                         'job-resume')),
                     id='job-' + disk.name)

    def backup(self, disk):
        """One that never starts: its target, or its source, is busy; or
        it is undone."""
        action = backup(disk, job=self.name)
        self.attempt('transaction', actions=[
            bitmap('add', disk, self.name + 'y'), action, ABORT])

    def queries(self, disk):
        for name in ('query-jobs', 'query-block-jobs',
                     'query-named-block-nodes', 'query-block-exports'):
            self.qmp.cmd(name)

    def undo(self):
        for disk in self.disks:
            self.attempt('block-dirty-bitmap-remove', node=disk.name,
                         name=self.name)
            self.attempt('job-resume', id='job-' + disk.name)


class Monitors(FireCase):

    n_others = 2
    rounds = 6

    def daemon(self, *args, **kwargs):
        for i in range(self.n_others):
            args += ('--chardev', f'socket,id=other{i},server=on,wait=off,'
                     f'path={self.path(f"qmp{i}")}',
                     '--monitor', f'chardev=other{i}')
        return super().daemon(*args, **kwargs)

    def setUp(self):
        super().setUp()
        self.others = []
        self.addCleanup(self.stop_others, quietly=True)

    def stop_others(self, quietly=False):
        others, self.others = self.others, []
        for other in others:
            try:
                other.stop()
            except Exception:
                if not quietly:
                    raise

    def see_to_the_end(self, disk):
        """Others may have paused the job."""
        job = 'job-' + disk.name
        while job in [j['id'] for j in self.vm.cmd('query-jobs')]:
            try:
                self.vm.cmd('job-resume', id=job)
            except QMPError:
                pass
        return self.end_of(job)

    def test_all(self):
        self.start_crowds()
        self.transaction(*(bitmap('add', d, 'b') for d in self.disks))
        self.others = [
            Other(self, self.path(f'qmp{i}'), i, self.random.random())
            for i in range(self.n_others)]
        for i in range(self.rounds):
            self.allow(40)
            window = self.transaction(*(
                backup(d, 'incremental' if i else 'full', bitmap='b',
                       **({} if i else {'bitmap-mode': 'on-success'}),
                       speed=8 << 20) for d in self.disks))
            for disk in self.disks:
                self.record(disk, 'b', window)
            self.allow(40)
            for disk in self.disks:
                self.assertTrue(self.see_to_the_end(disk))
            common(*(d.history.times(self.target_of(d), window)
                     for d in self.disks))
            for disk in self.disks:
                self.check_bitmap(disk, 'b')
        self.stop_others()
        self.finish()


if __name__ == '__main__':
    case.main()
