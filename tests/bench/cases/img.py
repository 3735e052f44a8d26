# SPDX-License-Identifier: GPL-2.0-or-later
"""img convert and compare of a half-sparse disk, beside qemu-img."""

import filecmp
import os
import shutil
import subprocess
import time

from cases.backup import half_sparse
from lib.measure import Row, alternate, values


def find(bench, name):
    if name != 'tidemark':
        return shutil.which('qemu-img')
    return str(bench.programs.build / 'compat' / 'qemu-img')


def run(argv):
    """Runs it; wall and CPU time in seconds."""
    start = time.perf_counter()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
    _pid, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f'{argv}: exit status {process.returncode}')
    return {'seconds': seconds, 'cpu_ms':
            (usage.ru_utime + usage.ru_stime) * 1e3}


def rows(text, data_mib, ours, theirs, goal):
    rate = [[data_mib / s for s in values(side, 'seconds')]
            for side in (ours, theirs)]
    yield Row(f'{text}: data', 'MiB/s', 'more', *rate, goal=goal)
    yield Row(f'{text}: CPU', 'ms', 'less', values(ours, 'cpu_ms'),
              values(theirs, 'cpu_ms'))


def convert(bench, source, source_format, target_format, check):
    """The rows of one direction; `check` sees the target of each run."""
    target = bench.new_file(bench.memory, 'target.img')

    def once(name):
        target.unlink(missing_ok=True)
        result = run([find(bench, name), 'convert', '-f', source_format, '-O',
                      target_format, str(source), str(target)])
        check(name, target)
        return result

    ours, theirs = alternate(('tidemark', 'QEMU'), once, bench.rounds)
    target.unlink()
    size = bench.backup_bytes >> 20
    text = f'img convert, {size} MiB half-sparse, ' \
           f'{source_format} to {target_format}'
    yield from rows(text, size / 2, ours, theirs, 1.3)


def image_tools(bench):
    source = bench.new_file(bench.memory, 'source.img')
    image = bench.new_file(bench.memory, 'source.qcow2')
    half_sparse(bench, source, bench.backup_bytes)

    def equal_file(name, target):
        if not filecmp.cmp(source, target, shallow=False):
            raise RuntimeError(f'{name}: the target differs from its source')

    def equal_image(_name, target):
        for argv in (['check', '-q', '-f', 'qcow2', str(target)],
                     ['compare', '-q', '-f', 'raw', '-F', 'qcow2',
                      str(source), str(target)]):
            run(['qemu-img', *argv])

    yield from convert(bench, source, 'raw', 'raw', equal_file)
    yield from convert(bench, source, 'raw', 'qcow2', equal_image)
    run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', str(source),
         str(image)])
    yield from convert(bench, image, 'qcow2', 'raw', equal_file)
    ours, theirs = alternate(
        ('tidemark', 'QEMU'),
        lambda name: run([find(bench, name), 'compare', '-f', 'raw', '-F',
                          'qcow2', str(source), str(image)]), bench.rounds)
    size = bench.backup_bytes >> 20
    yield from rows(f'img compare, {size} MiB half-sparse, raw and qcow2',
                    size / 2, ours, theirs, 1.5)
    image.unlink()
    source.unlink()


CASES = [('img', image_tools)]
