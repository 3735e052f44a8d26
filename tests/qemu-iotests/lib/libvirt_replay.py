# SPDX-License-Identifier: GPL-2.0-or-later
"""Replays a session of libvirt (see libvirt/trim.py) against a program."""

import errno
import json
import os

from .libvirt_answers import ANSWERS, HOLDS, Schema, node_of
from .libvirt_stage import Guest, check_image, make_disk
from .qmp import Closed

# What libvirt 9.0 refuses an answer without.
NODE_FIELDS = ('node-name', 'image')
STATS_FIELDS = ('rd_operations', 'rd_bytes', 'wr_operations', 'wr_bytes',
                'rd_total_time_ns', 'wr_total_time_ns', 'flush_operations',
                'flush_total_time_ns')
JOB_FIELDS = ('device', 'type', 'len', 'offset', 'speed')
BITMAP_FIELDS = ('name', 'granularity', 'count', 'recording', 'persistent')


def need(entry, fields):
    missing = [f for f in fields if f not in entry]
    assert not missing, f'libvirt misses {missing} in {entry}'


def nodes(answer):
    found = {}
    for node in answer:
        need(node, NODE_FIELDS)
        need(node['image'], ('virtual-size', 'actual-size'))
        named = [b for b in node.get('dirty-bitmaps', []) if 'name' in b]
        for bitmap in named:
            need(bitmap, BITMAP_FIELDS)
            assert not bitmap.get('inconsistent'), bitmap
        if node['node-name'].startswith('#'):
            continue
        entry = {'cluster': node['image'].get('cluster-size'), 'bitmaps': {
            b['name']: [b['granularity'], b['recording'], b['persistent']]
            for b in named}}
        if node['drv'] not in ('file', 'blkdebug'):
            entry['size'] = node['image']['virtual-size']
        found[node['node-name']] = entry
    return found


def devices(answer):
    return {d['qdev']: [node_of(d), d['removable'], d.get('io-status')]
            for d in answer if d['device'] == ''}


def stats(answer):
    for entry in answer:
        need(entry['stats'], STATS_FIELDS)
    names = [e.get('qdev') or e['node-name'] for e in answer]
    return sorted(n for n in names if not n.startswith('#'))


def jobs(answer):
    for job in answer:
        need(job, ('id', 'type', 'status', 'current-progress',
                   'total-progress'))
    return {j['id']: [j['type'], j.get('error')] for j in answer}


def block_jobs(answer):
    for job in answer:
        need(job, JOB_FIELDS)
    return {j['device']: j['type'] for j in answer}


READERS = {**ANSWERS, 'query-named-block-nodes': nodes, 'query-block': devices,
           'query-blockstats': stats, 'query-jobs': jobs,
           'query-block-jobs': block_jobs}


def without_drains(entries):
    """ENTRIES without the pauses that a change of the graph brings."""
    out = []
    for entry in entries:
        if out and out[-1] in ('paused', 'standby') and entry in out:
            out.pop()
        else:
            out.append(entry)
    return out


def full(storage):
    """STORAGE, but no writing once there is data for it."""
    image = {'driver': 'file', 'filename': storage['filename']}
    rule = {'event': 'write_aio', 'errno': errno.ENOSPC,
            'iotype': 'write', 'immediately': False, 'once': False}
    return {'driver': 'blkdebug', 'node-name': storage['node-name'],
            'image': image, 'inject-error': [rule]}


def job_of(event):
    if event['see'] == 'BLOCK_IO_ERROR':
        return None
    return event.get('id') or event.get('device')


def word(event):
    """An event as comparable: a state, or what a BLOCK_JOB_* says."""
    if event['see'] == 'JOB_STATUS_CHANGE':
        return event['status']
    return {k: v for k, v in event.items() if k != 'early'}


KINDS = ('start', 'reconnect', 'file', 'do', 'see', 'end')


class Replay:
    """Invariant: `expected` are the events of this stage so far that the
    recording shows, `told` those that came, by job. WITHOUT are names of which
    the answers to a probe may have none."""

    def __init__(self, case, steps, make_stage, without=()):
        self.case, self.steps, self.without = case, steps, without
        self.make_stage = make_stage
        self.stage = self.guest = None
        self.running = False
        self.expected, self.told, self.early = {}, {}, []
        self.copies = {}
        self.crossed = set()  # nodes written to beyond their threshold

    def run(self):
        self.run_steps(self.steps)
        self.end_stage()

    def run_steps(self, steps):
        for number, step in enumerate(steps):
            kind = next(k for k in KINDS if k in step)
            try:
                getattr(self, f'step_{kind}')(step)
            except (AssertionError, Closed, TimeoutError) as error:
                raise AssertionError(
                    f'step {number + 1}, {json.dumps(step)}: '
                    f'{error}') from error

    # -- steps

    def step_start(self, step):
        self.end_stage()
        disks = step['start']
        for disk in disks:
            path = self.case.path(disk['file'])
            if not os.path.exists(path):
                make_disk(path, disk['driver'], disk['size'])
        more = [word.replace('DIR/', self.case.dir + '/')
                for word in step.get('argv', [])]
        self.stage = self.make_stage(self.case.dir, disks, *more,
                                     machine=step.get('machine', 'q35'))
        self.case.addCleanup(self.stage.end)
        if self.guest is None:
            self.guest = Guest(disks)

    def step_reconnect(self, step):
        self.take_events()
        self.stage.reconnect()

    def step_file(self, step):
        path = self.case.path(step['file'])
        if 'format' in step:
            make_disk(path, step['format'], step['size'])
        else:
            with open(path, 'xb'):
                pass

    def step_do(self, step):
        if self.running and step['do'] not in ('job-dismiss',
                                             'qmp_capabilities'):
            self.guest.write(self.stage)
        if step['do'] in ('cont', 'stop'):
            self.running = step['do'] == 'cont'
        if self.stage.skips(step):
            self.early = None
            return
        if 'each' in step:
            self.get_each(step)
            return
        self.remember_copies(step)
        arguments = step.get('with')
        if step.get('full'):
            self.stage.full = arguments['node-name']
            arguments = full(arguments)
        self.check_reply(step, self.ask(step['do'], arguments))
        if step['do'] == 'blockdev-del':
            self.check_copy(step['with']['node-name'])
            if step['with']['node-name'] == self.stage.full:
                self.stage.full = None

    def ask(self, command, arguments):
        """The reply; the events before it are `early`."""
        text = json.dumps({'execute': command,
                           **({'arguments': arguments}
                              if arguments is not None else {})})
        self.take_events()
        self.stage.qmp.send_raw(
            text.replace('DIR/', self.case.dir + '/') + '\r\n')
        reply = self.stage.qmp.recv_reply()
        self.early = self.take_events()
        return reply

    def get_each(self, step):
        """All differences at once: there may be hundreds of properties."""
        found = {}
        for name in step['each']:
            reply = self.ask('qom-get', {**step['with'], 'property': name})
            found[name] = reply.get('return', reply)
        self.case.assertEqual(found, step['each'])

    def step_see(self, step):
        if step['see'] == 'BLOCK_WRITE_THRESHOLD':
            self.cross_threshold(step['node-name'])
        if step.get('early'):
            self.check_early(step)
        if job_of(step) is None:
            return
        self.expected.setdefault(job_of(step), []).append(word(step))
        self.wait_for(step)

    def cross_threshold(self, node):
        """The guest writes until the event is there; it may be already."""
        for _ in range(1000):
            self.take_events()
            if node in self.crossed:
                return
            self.guest.write(self.stage)
        raise AssertionError('there is no such event')

    def step_end(self, step):
        self.case.assertEqual(self.stage.terminate(), 0)
        self.running = False
        self.compare_jobs()
        for disk in self.stage.disks:
            self.check_end(disk)
        self.stage = None

    # -- parts

    def end_stage(self):
        if self.stage is not None:
            self.stage.quit()
            self.compare_jobs()
            self.stage = None

    def take_events(self):
        """The events at hand as `see` steps; they are noted by job."""
        out = []
        for event in self.stage.qmp.events:
            step = {'see': event['event']}
            for key in ('id', 'status', 'device', 'type', 'error', 'speed'):
                if key in event.get('data', {}):
                    step[key] = event['data'][key]
            out.append(step)
            if event['event'] == 'BLOCK_WRITE_THRESHOLD':
                self.crossed.add(event['data']['node-name'])
            if job_of(step) is not None:
                self.told.setdefault(job_of(step), []).append(word(step))
        self.stage.qmp.events.clear()
        return out

    def check_early(self, step):
        wanted = {k: v for k, v in step.items() if k != 'early'}
        assert self.early is None or wanted in self.early, \
            f'not before the answer; there were {self.early}'

    def wait_for(self, step):
        """Returns when the job has told as much as the recording shows."""
        job = job_of(step)
        while True:
            expected = without_drains(self.expected[job])
            told = without_drains(self.told.get(job, []))
            if told[:len(expected)] == expected or \
                    expected[-1] in ('paused', 'standby'):
                return
            assert told == expected[:len(told)], f'{told}, not {expected}'
            message = self.stage.qmp.recv()
            assert 'event' in message, message
            self.stage.qmp.events.append(message)
            self.take_events()

    def compare_jobs(self):
        for job, expected in self.expected.items():
            self.case.assertEqual(without_drains(self.told[job]),
                                  without_drains(expected), job)
        self.expected, self.told = {}, {}

    def check_reply(self, step, reply):
        if 'fails' in step:
            desc = step['fails'].replace('DIR/', self.case.dir + '/')
            assert reply == {'error': {
                'class': step.get('class', 'GenericError'),
                'desc': desc}}, reply
            return
        assert 'return' in reply, reply
        if step['do'] == 'query-qmp-schema':
            schema = Schema(reply['return'])
            self.check_missing(step, lambda p: not schema.holds(p))
            return
        read = READERS.get(step['do'], lambda answer: answer)
        found, wanted = read(reply['return']), step.get('gives', {})
        if step['do'] == 'query-jobs':
            self.compare_running(found, wanted)
        elif step['do'] == 'query-block-jobs':
            assert set(wanted) >= set(found), found
        elif step['do'] in HOLDS:
            self.check_missing(step, lambda name: name not in found)
        else:
            self.case.assertEqual(found, wanted)

    def check_missing(self, step, missing):
        """Of the names that STEP gives, none is MISSING that may not be."""
        self.case.assertEqual(
            [name for name in filter(missing, step['gives'])
             if name not in self.without and
             f"{step['do']} {name}" not in self.without], [])

    def compare_running(self, found, wanted):
        """Which of several jobs still runs depends on the moment, but
        what libvirt asks about must be there."""
        for job, entry in found.items():
            assert job in wanted and entry[0] == wanted[job][0], found
        assert set(found) == set(wanted), found
        for job, (_, error) in wanted.items():
            assert error is None or found[job][1] == error, found

    # -- copies

    def remember_copies(self, step):
        """A full backup must hold what the disks hold at this moment."""
        if step['do'] != 'transaction' or 'fails' in step:
            return
        for action in step['with']['actions']:
            data = action['data']
            if action['type'] != 'blockdev-backup' or data['sync'] != 'full':
                continue
            disk = self.disk_below(data['device'])
            if disk is not None:
                self.copies[data['target']] = disk, self.guest.snapshot()

    def disk_below(self, node):
        return next((d for d in self.stage.disks if d['node'] == node), None)

    def check_copy(self, node):
        if node not in self.copies:
            return
        disk, moment = self.copies.pop(node)
        add = next(s['with'] for s in self.steps if s.get('do') ==
                   'blockdev-add' and s['with']['node-name'] == node)
        storage = next(s['with'] for s in self.steps if s.get('do') ==
                       'blockdev-add' and
                       s['with']['node-name'] == add['file'])
        if self.was_cancelled(disk):
            return
        check_image(storage['filename'].replace('DIR/', self.case.dir + '/'),
                    add['driver'], disk['size'], moment[disk['qdev']])

    def was_cancelled(self, disk):
        last = [e for job, told in self.told.items() if disk['node'] in job
                for e in told if isinstance(e, dict)][-1]
        return last['see'] == 'BLOCK_JOB_CANCELLED'

    def check_end(self, disk):
        """The disk itself holds all that the guest wrote."""
        node = [s for s in self.steps if s.get('do') == 'job-complete']
        if node:
            return
        check_image(self.case.path(disk['file']), disk['driver'],
                    disk['size'], self.guest.wrote[disk['qdev']])
