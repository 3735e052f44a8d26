# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of a job as its events tell it."""

import time

from .program import TIMEOUT_S

# One 64 KiB step a time: how far a job got is then exact.
ONE_BY_ONE = {'max-workers': 1, 'max-chunk': 65536}


def _of_job(event, job):
    data = event.get('data', {})
    return (event['event'] == 'JOB_STATUS_CHANGE' and data['id'] == job) or (
        event['event'].startswith('BLOCK_JOB_') and
        job in (data.get('device'), data.get('id')))


def _entry(event):
    """A status as a word; a BLOCK_JOB_* event as (word, its data)."""
    data = dict(event['data'])
    if event['event'] == 'JOB_STATUS_CHANGE':
        return data['status']
    data.pop('device', None)
    data.pop('id', None)
    return event['event'][len('BLOCK_JOB_'):], data


def take(vm, job):
    """The entries of all events of JOB seen so far; they are taken out."""
    mine = [e for e in vm.qmp.events if _of_job(e, job)]
    vm.qmp.events = [e for e in vm.qmp.events if not _of_job(e, job)]
    return [_entry(e) for e in mine]


def follow(vm, job, until):
    """The entries up to the one that is, or begins with, UNTIL."""
    out = []
    while True:
        while vm.qmp.events:
            event = next((e for e in vm.qmp.events if _of_job(e, job)), None)
            if event is None:
                break
            vm.qmp.events.remove(event)
            out.append(_entry(event))
            if out[-1] == until or out[-1][0] == until:
                return out
        message = vm.qmp.recv(TIMEOUT_S)
        assert 'event' in message, message
        vm.qmp.events.append(message)


def without_drains(entries):
    """ENTRIES without the brief pauses that a change of the graph brings."""
    out = []
    for entry in entries:
        if entry == 'running' and out and out[-1] == 'paused':
            out.pop()
        else:
            out.append(entry)
    return out


def start_backup(vm, job='job0', **args):
    """Starts a blockdev-backup; what came before the answer.

    Defaults: from `src` to `dst`, everything.
    """
    full = {'job-id': job, 'device': 'src', 'target': 'dst', 'sync': 'full'}
    full.update({k.replace('_', '-'): v for k, v in args.items()})
    vm.cmd('blockdev-backup', full)
    return without_drains(take(vm, job))


def query(vm, job):
    """The job's entries of query-jobs and query-block-jobs, or None."""
    out = []
    for command, key in ('query-jobs', 'id'), ('query-block-jobs', 'device'):
        found = [j for j in vm.cmd(command) if j[key] == job]
        assert len(found) <= 1, found
        out.append(found[0] if found else None)
    return tuple(out)


def wait_for_progress(vm, job, progress_bytes):
    """Returns when JOB tells exactly PROGRESS_BYTES.

    No event tells progress, so this asks; every question is a round trip.
    """
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        done = query(vm, job)[0]['current-progress']
        if done == progress_bytes:
            return
        assert done < progress_bytes, f'{job} is already at {done}'
        assert time.monotonic() < deadline, f'{job} stays at {done}'


def completed(length_bytes, offset_bytes=None, speed=0, **more):
    """The entry of a BLOCK_JOB_COMPLETED of a backup."""
    return ('COMPLETED', _progress(length_bytes, offset_bytes, speed, more))


def cancelled(length_bytes, offset_bytes=None, speed=0, **more):
    return ('CANCELLED', _progress(length_bytes, offset_bytes, speed, more))


def _progress(length_bytes, offset_bytes, speed, more):
    return dict({'type': 'backup', 'speed': speed, 'len': length_bytes,
                 'offset': length_bytes if offset_bytes is None
                 else offset_bytes}, **more)


PENDING = ('PENDING', {'type': 'backup'})


def error(operation, action='report'):
    return ('ERROR', {'operation': operation, 'action': action})
