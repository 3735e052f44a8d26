#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the benchmarks and prints a table.

Usage: run.py BUILD [--rounds N] [--seconds S] [--only CASE]...

Each case does the same work with tidemark and with Debian's
qemu-storage-daemon, alternating A,B and B,A, and checks what came of it: the
data of every reply, what writes left in the file, the bits of every bitmap,
the copies of a backup. A wrong result ends the run; a goal that is missed is
shown.
"""

import argparse
import ctypes
import json
import shutil
import sys
import tempfile
from pathlib import Path

from cases import backup, bitmaps, control, fleecing, img, mirror, nbd, qcow2
from lib.measure import HEAD, WIDTHS, line
from lib.servers import Programs

ALL_CASES = (nbd.CASES + bitmaps.CASES + control.CASES + backup.CASES +
             fleecing.CASES + img.CASES + mirror.CASES + qcow2.CASES)
PUNCH_HOLE_KEEP_SIZE = 3


class Bench:
    """What a case needs to know: how long, how often, where."""

    def __init__(self, arguments, memory, disk):
        self.memory = Path(memory)
        self.disk = Path(disk)
        self.rounds = arguments.rounds
        self.seconds = arguments.seconds
        self.backup_bytes = arguments.backup_mib << 20
        self.programs = Programs(arguments.build, memory, arguments.reference)
        self.has_nbdkit = shutil.which('nbdkit') is not None
        self.libc = ctypes.CDLL(None, use_errno=True)

    @staticmethod
    def new_file(folder, name):
        path = Path(folder) / name
        path.unlink(missing_ok=True)
        return path

    def punch(self, file, offset_bytes, length_bytes):
        """Makes a hole."""
        if self.libc.fallocate64(
                file.fileno(), PUNCH_HOLE_KEEP_SIZE,
                ctypes.c_int64(offset_bytes), ctypes.c_int64(length_bytes)):
            raise OSError(ctypes.get_errno(), 'fallocate')

    @staticmethod
    def json(text):
        return json.loads(text)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build', type=Path)
    parser.add_argument('--rounds', type=int, default=4)
    parser.add_argument('--seconds', type=float, default=1,
                        help='of one run of a rate')
    parser.add_argument('--backup-mib', type=int, default=4096)
    parser.add_argument('--only', action='append', metavar='CASE',
                        choices=[name for name, _ in ALL_CASES])
    parser.add_argument('--memory', default='/dev/shm',
                        help='a folder on tmpfs')
    parser.add_argument('--disk', default='/var/tmp',
                        help='a folder on a disk that takes O_DIRECT')
    parser.add_argument('--reference', default='qemu-storage-daemon')
    return parser.parse_args()


def run_cases(bench, only):
    missed = 0
    print(line(HEAD))
    print(line(['-' * width for width in WIDTHS]))
    for name, function in ALL_CASES:
        if only and name not in only:
            continue
        for row in function(bench):
            print(line(row.cells()), flush=True)
            missed += not row.reached()
    return missed


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix='bench-', dir=arguments.memory) \
            as memory, tempfile.TemporaryDirectory(
                prefix='bench-', dir=arguments.disk) as disk:
        missed = run_cases(Bench(arguments, memory, disk), arguments.only)
    print(f'\n{missed} goals missed' if missed else '\nall goals reached')
    return 0


if __name__ == '__main__':
    sys.exit(main())
