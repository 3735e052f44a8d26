#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What img check prints, and where; and long names of snapshots."""

import os
import subprocess

from lib import case, program, tools
from lib.tools import TIMEOUT_S

LEAK = 'Leaked cluster 5 refcount=2 reference=1\n'
REFCOUNTS = 2 * 65536


class Check(case.Case):

    def setUp(self):
        super().setUp()
        os.chdir(self.dir)
        self.addCleanup(os.chdir, '/')
        tools.img('create', '-q', '-f', 'qcow2', 'a', '1M')
        tools.io('a', 'write -P 1 0 64k', options=('-f', 'qcow2'))

    def patch(self, offset, data):
        with open('a', 'r+b') as f:
            f.seek(offset)
            f.write(data)

    def test_quiet_tells_findings(self):
        self.patch(REFCOUNTS + 10, b'\0\2')
        done = tools.img('check', '-q', 'a', check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ''))
        self.assertEqual(done.stderr, LEAK + 'ERROR OFLAG_COPIED data cluster:'
                         ' l2_entry=8000000000050000 refcount=2\n')

    def test_findings_come_first(self):
        """In a pipe that takes both."""
        self.patch(REFCOUNTS + 10, b'\0\2')
        out = subprocess.run(
            [program.find('qemu-img'), 'check', '-r', 'all', 'a'], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=True,
            timeout=TIMEOUT_S).stdout
        self.assertEqual(out, LEAK + '''\
Repairing cluster 5 refcount=2 reference=1
The following inconsistencies were found and repaired:

    1 leaked clusters
    0 corruptions

Double checking the fixed image now...
No errors were found on the image.
1/16 = 6.25% allocated, 0.00% fragmented, 0.00% compressed clusters
Image end offset: 393216
''')

    def test_corruption_is_told_once(self):
        self.patch(65536 + 6, b'\2')
        done = tools.img('check', 'a', check=False)
        self.assertEqual(done.stderr.count('further non-fatal corruption'), 1,
                         done.stderr)

    def test_long_names(self):
        for length in 255, 256, 300:
            tools.img('snapshot', '-c', 'x' * length, 'a')
        out = tools.img('snapshot', '-l', 'a').stdout
        self.assertEqual([len(line.split()[1])
                          for line in out.splitlines()[2:]], [255] * 3)


if __name__ == '__main__':
    case.main()
