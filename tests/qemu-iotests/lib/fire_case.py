# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks under constant writes, and control commands in the middle of them."""

import os
import random

from . import exports, history, images, jobs
from .case import Case
from .guests import Crowd
from .history import History, Recorder, now
from .images import MIB
from .qmp import QMPError


class Disk:
    """A raw disk, its history, its clients and the bitmaps on it."""

    def __init__(self, name, path, content):
        self.name, self.path = name, path
        self.history = History(content)
        self.crowd = None
        self.recorders = {}


class FireCase(Case):
    """`disks` are written to; each has a target `NAME-dst`.

    `iothreads`: how many threads serve the exports; none: the main one does.
    """

    size_bytes = 2 * MIB
    n_disks = 2
    direct = False
    rounds = 5
    seed = 1
    iothreads = int(os.environ.get('IOTEST_IOTHREADS', '0'))

    def setUp(self):
        super().setUp()
        self.seed = int(os.environ.get('IOTEST_SEED', self.seed))
        self.random = random.Random(f'{self.id()}{self.seed}')
        print(f'# seed {self.seed}')
        self.vm = self.daemon()
        threads = [f't{i}' for i in range(self.iothreads)]
        for thread in threads:
            self.vm.cmd('object-add', qom_type='iothread', id=thread)
        self.server = exports.Server(self.vm, iothreads=threads)
        self.disks = [self.make_disk(f'd{i}', i)
                      for i in range(self.n_disks)]
        self.nodes = self.node_names()
        # The last one registered runs first: before the daemon is ended.
        self.addCleanup(self.stop_crowds, quietly=True)

    def make_disk(self, name, index):
        content = history.sparse_pattern(self.size_bytes, index + 1)
        path = images.make(self.path(name + '.img'), self.size_bytes)
        with open(path, 'r+b') as f:
            f.write(content)
        self.add_node(name, path)
        target = images.make(self.path(name + '-dst.img'), self.size_bytes)
        self.add_node(name + '-dst', target)
        self.server.add(name)
        return Disk(name, path, content)

    def add_node(self, name, path, **options):
        self.vm.cmd('blockdev-add', dict({
            'driver': 'raw', 'node-name': name, 'discard': 'unmap', 'file': {
                'driver': 'file', 'filename': path, 'discard': 'unmap',
                'cache': {'direct': self.direct}}}, **options))

    # -- clients

    def start_crowd(self, disk, **options):
        disk.crowd = Crowd(self.server, disk.name, disk.history,
                           self.random.randrange(1 << 30), **options)

    def start_crowds(self, budget=40, clients=2, **options):
        # Two of each disk on each thread.
        options['clients'] = max(clients, 2 * self.iothreads)
        for disk in self.disks:
            self.start_crowd(disk, **options)
        self.allow(budget)

    def allow(self, count):
        for disk in self.disks:
            disk.crowd.allow(count)

    def stop_crowds(self, quietly=False):
        for disk in self.disks:
            if disk.crowd:
                try:
                    disk.crowd.stop()
                    if not quietly:
                        disk.crowd.check_reads()
                except Exception:
                    if not quietly:
                        raise
                finally:
                    disk.crowd = None

    # -- control

    def timed(self, command, args=None):
        """Runs a command; the window in which it took effect."""
        start = now()
        self.vm.cmd(command, args)
        return start, now()

    def transaction(self, *actions, grouped=False):
        args = {'actions': list(actions)}
        if grouped:
            args['properties'] = {'completion-mode': 'grouped'}
        return self.timed('transaction', args)

    def try_transaction(self, *actions, **options):
        try:
            return self.transaction(*actions, **options)
        except QMPError:
            return None

    def node_names(self):
        return sorted(n['node-name'] for n in
                      self.vm.cmd('query-named-block-nodes', flat=True))

    def target_of(self, disk):
        return images.read(self.path(disk.name + '-dst.img'))

    def end_of(self, job, none=False):
        """Follows JOB to its end; True if it succeeded. With `none` it
        never ran."""
        entries = jobs.follow(self.vm, job, 'null')
        if none:
            self.assertEqual(entries[-3:], ['aborting', 'concluded', 'null'])
            return False
        last = [e for e in entries
                if e[0] in ('COMPLETED', 'CANCELLED')][-1]
        return last[0] == 'COMPLETED' and 'error' not in last[1]

    # -- bitmaps

    def dirty_of(self, disk, name, granularity):
        """What bitmap NAME shows, from outside: (ranges, window).

        It goes on recording meanwhile: a copy is looked at.
        """
        copy = 'copy-of-' + name
        window = self.transaction(
            bitmap('add', disk, copy, disabled=True, granularity=granularity),
            {'type': 'block-dirty-bitmap-merge', 'data': {
                'node': disk.name, 'target': copy, 'bitmaps': [name]}})
        self.server.add(disk.name, name='probe', writable=False,
                        bitmaps=[copy])
        handle = self.server.connect('probe', [exports.dirty(copy)])
        ranges = exports.dirty_ranges(handle, copy)
        handle.shutdown()
        self.vm.cmd('block-export-del', id='probe', mode='hard')
        if not any(e['event'] == 'BLOCK_EXPORT_DELETED' and
                   e['data']['id'] == 'probe' for e in self.vm.qmp.events):
            self.vm.qmp.event('BLOCK_EXPORT_DELETED', id='probe')
        self.vm.qmp.events = [
            e for e in self.vm.qmp.events
            if e['event'] != 'BLOCK_EXPORT_DELETED']
        self.vm.cmd('block-dirty-bitmap-remove', node=disk.name, name=copy)
        return ranges, window

    def check_bitmap(self, disk, name):
        recorder = disk.recorders[name]
        ranges, window = self.dirty_of(disk, name, recorder.granularity)
        return recorder.check(ranges, window)

    def record(self, disk, name, window, granularity=65536):
        disk.recorders[name] = Recorder(disk.history, window, granularity)

    def interfere(self):
        """One more thing to do while jobs run; for subclasses."""

    # -- the end

    def finish(self):
        """All still: the disks are what was written, nothing is left."""
        self.stop_crowds()
        self.assertEqual(self.vm.cmd('query-jobs'), [])
        self.assertEqual(self.node_names(), self.nodes)
        for disk in self.disks:
            for name in disk.recorders:
                self.check_bitmap(disk, name)
            disk.history.check_pieces(images.read(disk.path), (now(), now()))
        self.vm.quit()


def bitmap(verb, disk, name, **more):
    return {'type': f'block-dirty-bitmap-{verb}',
            'data': dict({'node': disk.name, 'name': name}, **more)}


def backup(disk, sync='full', job=None, **more):
    return {'type': 'blockdev-backup', 'data': dict({
        'job-id': job or 'job-' + disk.name, 'device': disk.name,
        'target': disk.name + '-dst', 'sync': sync},
        **{k.replace('_', '-'): v for k, v in more.items()})}


ABORT = {'type': 'abort', 'data': {}}


class Trouble:
    """Interferes with running jobs, for a number of steps; then sees them
    to their end."""

    def __init__(self, case, job_ids, steps, cancel=True):
        self.case, self.vm, self.random = case, case.vm, case.random
        self.jobs, self.steps, self.cancel = list(job_ids), steps, cancel
        self.results = {}

    def verb(self, name, **args):
        """A verb that comes too late is no failure."""
        try:
            self.vm.cmd(name, args)
        except QMPError:
            pass

    def cancel_one(self, job):
        if self.random.random() < 0.5:
            self.verb('job-cancel', id=job)
        else:
            self.verb('block-job-cancel', device=job,
                      force=self.random.random() < 0.5)

    def step(self):
        job = self.random.choice(self.jobs)
        what = self.random.choice(
            ('pause', 'resume', 'speed', 'speed', 'query', 'query',
             'more', 'other') + ('cancel',) * self.cancel)
        if what in ('pause', 'resume'):
            self.verb('job-' + what, id=job)
        elif what == 'cancel' and self.random.random() < 0.3:
            self.cancel_one(job)
        elif what == 'speed':
            self.verb('block-job-set-speed', device=job, speed=(
                self.random.choice((0, 65536, 1 << 20, 32 << 20))))
        elif what == 'more':
            self.case.allow(self.random.randrange(20))
        elif what == 'other':
            self.case.interfere()
        else:
            self.vm.cmd(self.random.choice(('query-jobs',
                                            'query-block-jobs')))

    def run(self):
        """{job: True if it succeeded}"""
        for _ in range(self.steps):
            self.step()
        left = set(self.jobs)
        while left:
            states = {j['id']: j['status'] for j in self.vm.cmd('query-jobs')}
            left &= set(states)
            for job in left:
                self.verb('job-resume', id=job)
                self.verb('block-job-set-speed', device=job, speed=0)
                if states[job] == 'pending':
                    self.verb('job-finalize', id=job)
        for job in self.jobs:
            self.results[job] = self.case.end_of(job)
        return self.results
