# SPDX-License-Identifier: GPL-2.0-or-later
"""A full backup of a half-sparse disk."""

import filecmp
import os
import time

from lib.measure import Row, alternate, values

PIECE = 64 << 20


def half_sparse(bench, path, size_bytes):
    """Data and holes take turns."""
    bench.programs.fill(path, size_bytes)
    with open(path, 'r+b') as file:
        for at in range(PIECE, size_bytes, 2 * PIECE):
            bench.punch(file, at, PIECE)


def run_backup(bench, name, source, size_bytes):
    target = bench.new_file(bench.memory, 'target.img')
    with open(target, 'wb') as file:
        file.truncate(size_bytes)
    nodes = [{'driver': 'file', 'filename': str(path), 'node-name': node}
             for path, node in ((source, 'source'), (target, 'target'))]
    with bench.programs.daemon(name, nodes) as server:
        before = server.cpu_seconds()
        start = time.perf_counter()
        server.qmp.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'source', 'target': 'target',
            'sync': 'full'})
        event = server.qmp.wait_event('BLOCK_JOB_COMPLETED')
        seconds = time.perf_counter() - start
        cpu_seconds = server.cpu_seconds() - before
        if 'error' in event['data']:
            raise RuntimeError(event['data']['error'])
    allocated = os.stat(target).st_blocks * 512
    if not filecmp.cmp(source, target, shallow=False):
        raise RuntimeError(f'{name}: the backup differs from its source')
    target.unlink()
    # Half of it is data.
    return {'rate': size_bytes / 2 / (1 << 20) / seconds,
            'cpu_ms': cpu_seconds * 1e3, 'allocated': allocated / (1 << 20)}


def full(bench):
    size_bytes = bench.backup_bytes
    source = bench.new_file(bench.memory, 'source.img')
    half_sparse(bench, source, size_bytes)
    ours, theirs = alternate(
        ('tidemark', 'QEMU'),
        lambda name: run_backup(bench, name, source, size_bytes),
        bench.rounds)
    source.unlink()
    text = f'full backup, {size_bytes >> 20} MiB half-sparse'
    yield Row(f'{text}: data', 'MiB/s', 'more', values(ours, 'rate'),
              values(theirs, 'rate'), goal=1.5)
    yield Row(f'{text}: CPU', 'ms', 'less', values(ours, 'cpu_ms'),
              values(theirs, 'cpu_ms'))
    yield Row(f'{text}: target', 'MiB', 'less', values(ours, 'allocated'),
              values(theirs, 'allocated'),
              limit=size_bytes / 2 / (1 << 20) * 1.01)


CASES = [('backup', full)]
