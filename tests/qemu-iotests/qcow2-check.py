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

    def marks(self):
        with open('a', 'rb') as f:
            f.seek(72)
            return int.from_bytes(f.read(8), 'big')

    def test_mending_leaks_takes_marks_away(self):
        for mark in (1, 2):
            self.patch(REFCOUNTS + 12, b'\0\1')
            self.patch(72, mark.to_bytes(8, 'big'))
            tools.img('check', '-q', '-r', 'leaks', 'a')
            self.assertEqual(self.marks(), 0)

    def test_mark_stays_if_more_than_leaks_is_wrong(self):
        self.patch(REFCOUNTS + 10, b'\0\0')
        self.patch(72, b'\0\0\0\0\0\0\0\2')
        done = tools.img('check', '-q', '-r', 'leaks', 'a', check=False)
        self.assertEqual((done.returncode, self.marks()), (1, 2))

    def test_leaks_with_counts_at_no_place(self):
        self.patch(65536, (REFCOUNTS + 512).to_bytes(8, 'big'))
        done = tools.img('check', '-q', '-r', 'leaks', 'a', check=False)
        self.assertEqual((done.returncode, self.marks()), (1, 2))
        self.assertIn('qcow2: Marking image as corrupt: Refblock offset '
                      '0x20200 unaligned (reftable index: 0); ', done.stderr)
        self.assertIn("Can't get refcount for cluster 5: Input/output error\n",
                      done.stderr)

    def test_counts_behind_all_files(self):
        self.patch(65536, (1 << 63 | REFCOUNTS).to_bytes(8, 'big'))
        done = tools.img('check', '-q', 'a', check=False)
        self.assertEqual(done.returncode, 1)
        self.assertNotIn('unaligned', done.stderr)
        self.assertIn('ERROR refcount block 0 is outside image\n'
                      "Can't get refcount for cluster 0: Input/output error\n",
                      done.stderr)

    def test_zeroes_at_no_place(self):
        """Nothing is lost with a place that cannot be."""
        self.patch(4 * 65536, b'\x80\0\0\0\0\5\2\1')
        text = ('offset=50200: Preallocated cluster is not properly aligned; '
                'L2 entry corrupted.\n')
        done = tools.img('check', '-q', 'a', check=False)
        self.assertEqual((done.returncode, done.stderr),
                         (2, 'ERROR ' + text +
                          'ERROR cluster 6 refcount=0 reference=1\n'))
        done = tools.img('check', '-q', '-r', 'all', 'a')
        self.assertEqual(done.stderr, 'Repairing ' + text +
                         'Leaked cluster 5 refcount=1 reference=0\n'
                         'Repairing cluster 5 refcount=1 reference=0\n')
        tools.io('a', 'read -P 0 0 64k', options=('-f', 'qcow2'))

    def test_zeroes_at_no_place_with_reserved_bits(self):
        """They are told before the entry is written anew without them."""
        self.patch(4 * 65536, b'\xa0\0\0\0\0\5\2\1')
        done = tools.img('check', '-q', '-r', 'all', 'a')
        self.assertEqual(
            done.stderr, 'ERROR found l2 entry with reserved bits set: '
            'a000000000050201\n'
            'Repairing offset=50200: Preallocated cluster is not properly '
            'aligned; L2 entry corrupted.\n'
            'Leaked cluster 5 refcount=1 reference=0\n'
            'Repairing cluster 5 refcount=1 reference=0\n')
        tools.io('a', 'read -P 0 0 64k', options=('-f', 'qcow2'))

    def test_parts_of_zeroes_at_no_place(self):
        tools.img('create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', 'a',
                  '1M')
        tools.io('a', 'write -P 1 0 64k', options=('-f', 'qcow2'))
        for bits in b'\0' * 8, b'\xff' * 4 + b'\0' * 4:
            self.patch(4 * 65536, b'\x80\0\0\0\0\5\2\0' + bits)
            done = tools.img('check', '-q', '-r', 'all', 'a')
            self.assertTrue(done.stderr.startswith(
                'Repairing offset=50200: Preallocated cluster is not properly '
                'aligned; L2 entry corrupted.\n'), done.stderr)
            tools.io('a', 'read -P 0 0 64k', options=('-f', 'qcow2'))

    @case.ours_only('all parts of the cluster read as zeroes then')
    def test_parts_without_data_at_no_place(self):
        """What is read from the image behind is not hidden by mending."""
        tools.img('create', '-q', '-f', 'raw', 'behind', '1M')
        tools.io('behind', 'write -P 7 0 1M', options=('-f', 'raw'))
        tools.img('create', '-q', '-f', 'qcow2', '-o', 'extended_l2=on', '-b',
                  'behind', '-F', 'raw', 'a')
        tools.io('a', 'write -P 1 0 64k', options=('-f', 'qcow2'))
        self.patch(4 * 65536, b'\x80\0\0\0\0\5\2\0\0\0\0\1\0\0\0\0')
        tools.img('check', '-q', '-r', 'all', 'a')
        tools.io('a', 'read -P 0 0 2k', options=('-f', 'qcow2'))
        tools.io('a', 'read -P 7 2k 62k', options=('-f', 'qcow2'))

    def damage(self, offset, data, *commands):
        """What an image says that is used although it is damaged."""
        self.patch(offset, data)
        done = tools.io('a', *commands, options=('-f', 'qcow2'), check=False)
        return done.stderr

    def test_half_a_cluster_is_not_freed(self):
        tools.io('a', 'write 64k 64k', options=('-f', 'qcow2'))
        for command in 'discard 0 64k', 'write -z -u 0 64k':
            self.assertEqual(
                self.damage(4 * 65536, b'\x80\0\0\0\0\5\2\0', command),
                'qcow2: Image is corrupt: Cannot free unaligned cluster '
                '0x50200; further non-fatal corruption events will be '
                'suppressed\n')
            self.assertEqual(tools.img('check', '-q', 'a', check=False).stderr,
                             'Leaked cluster 5 refcount=1 reference=0\n')

    def test_half_a_cluster_is_in_no_snapshot(self):
        self.patch(4 * 65536, b'\x80\0\0\0\0\5\2\0')
        self.assertEqual(
            tools.img('snapshot', '-c', 's', 'a', check=False).stderr,
            'qcow2: Marking image as corrupt: Cluster allocation offset '
            '0x50200 unaligned (L2 offset: 0x40000, L2 index: 0); further '
            "corruption events will be suppressed\nqemu-img: Could not create "
            "snapshot 's': -5 (Input/output error)\n")

    @case.ours_only('counts its tables as free, and gives their space back')
    def test_tables_are_not_freed(self):
        """Whatever an entry names as the data of the guest."""
        for table in range(1, 5):
            entry = (1 << 63 | table << 16).to_bytes(8, 'big')
            for command in 'discard 64k 64k', 'write -z -u 64k 64k', None:
                self.patch(4 * 65536 + 8, entry)
                if command:
                    tools.io('a', command,
                             options=('-f', 'qcow2', '-d', 'unmap'))
                else:
                    tools.img('resize', '--shrink', 'a', '64k')
                self.assertEqual(tools.img('check', '-q', 'a').stderr, '')
                tools.io('a', 'read -P 1 0 64k', options=('-f', 'qcow2'))
            tools.img('resize', 'a', '1M')

    def test_snapshots_mend_flags(self):
        """Those of the tables that the disk uses."""
        tools.io('a', 'write -c -P 2 64k 64k', options=('-f', 'qcow2'))
        with open('a', 'rb') as f:
            f.seek(4 * 65536 + 8)
            first = f.read(1)[0]
        self.patch(4 * 65536 + 8, bytes([first | 0x80]))
        done = tools.img('check', '-q', 'a', check=False)
        self.assertIn('copied flag must never be set', done.stderr)
        tools.img('snapshot', '-c', 's', 'a')
        self.assertEqual(tools.img('check', '-q', 'a').stderr, '')
        self.patch(3 * 65536, b'\x20')
        done = tools.img('check', '-q', 'a', check=False)
        self.assertIn('found L1 entry with reserved bits set: 2000000000040000',
                      done.stderr)
        tools.img('snapshot', '-a', 's', 'a')
        self.assertEqual(tools.img('check', '-q', 'a').stderr, '')

    def test_what_has_no_count_is_not_freed(self):
        self.assertEqual(
            self.damage(REFCOUNTS + 10, b'\0\0', 'discard 0 64k'),
            'qcow2_free_clusters failed: Invalid argument\n')

    def test_table_of_flags_alone(self):
        """What it names is the header."""
        self.patch(3 * 65536, b'\x80\0\0\0\0\0\0\0')
        done = tools.img('check', 'a', check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn('\nERROR cluster 0 refcount=1 reference=3\n',
                      done.stderr)
        self.assertIn('\n45 errors were found on the image.\n', done.stdout)

    def test_flags_of_a_table_at_no_place(self):
        self.patch(3 * 65536, b'\xff' * 8)
        done = tools.img('check', '-q', 'a', check=False)
        self.assertIn('\nERROR OFLAG_COPIED L2 cluster: l1_index=0 '
                      'l1_entry=ffffffffffffffff refcount=0\n', done.stderr)

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
