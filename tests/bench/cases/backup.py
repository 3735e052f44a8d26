# SPDX-License-Identifier: GPL-2.0-or-later
"""Backups: all of a half-sparse disk, and what was written to a full one."""

import filecmp
import os
import random
import time

import nbd

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


# --- incremental -----------------------------------------------------------

DIRTY_PART = 20  # one cluster in so many
CLUSTER = 64 << 10


def dirty_clusters(size_bytes):
    """Scattered, and the same for both programs."""
    return random.Random(1).sample(range(size_bytes // CLUSTER),
                                   size_bytes // CLUSTER // DIRTY_PART)


def check_clusters(source, target, clusters):
    with open(source, 'rb') as a, open(target, 'rb') as b:
        for cluster in clusters:
            a.seek(cluster * CLUSTER)
            b.seek(cluster * CLUSTER)
            if a.read(CLUSTER) != b.read(CLUSTER):
                raise RuntimeError(f'cluster {cluster} is not in the backup')


def run_incremental(bench, name, source, size_bytes):
    target = bench.new_file(bench.memory, 'target.img')
    with open(target, 'wb') as file:
        file.truncate(size_bytes)
    clusters = dirty_clusters(size_bytes)
    nodes = [{'driver': 'file', 'filename': str(path), 'node-name': node}
             for path, node in ((source, 'source'), (target, 'target'))]
    exports = [{'id': 'disk', 'name': 'disk', 'node-name': 'source',
                'writable': True}]
    with bench.programs.daemon(name, nodes, exports) as server:
        server.qmp.cmd('block-dirty-bitmap-add', {
            'node': 'source', 'name': 'b', 'granularity': CLUSTER})
        handle = nbd.NBD()
        handle.set_export_name('disk')
        handle.connect_unix(server.nbd)
        for cluster in clusters:
            data = handle.pread(512, cluster * CLUSTER)
            handle.pwrite(data, cluster * CLUSTER)
        handle.shutdown()
        start = time.perf_counter()
        server.qmp.cmd('blockdev-backup', {
            'job-id': 'job', 'device': 'source', 'target': 'target',
            'sync': 'incremental', 'bitmap': 'b'})
        event = server.qmp.wait_event('BLOCK_JOB_COMPLETED')
        seconds = time.perf_counter() - start
        if 'error' in event['data']:
            raise RuntimeError(event['data']['error'])
    check_clusters(source, target, clusters)
    target.unlink()
    return {'rate': len(clusters) * CLUSTER / (1 << 20) / seconds}


def incremental(bench):
    size_bytes = bench.backup_bytes
    source = bench.new_file(bench.memory, 'source.img')
    bench.programs.fill(source, size_bytes)
    ours, theirs = alternate(
        ('tidemark', 'QEMU'),
        lambda name: run_incremental(bench, name, source, size_bytes),
        bench.rounds)
    source.unlink()
    yield Row(f'incremental backup, 5 % of {size_bytes >> 20} MiB dirty',
              'MiB/s', 'more', values(ours, 'rate'), values(theirs, 'rate'),
              goal=1.5)


CASES = [('backup', full), ('incremental', incremental)]
