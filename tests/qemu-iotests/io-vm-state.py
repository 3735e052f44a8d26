#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: the state of a machine that a qcow2 image keeps behind its disk."""

import json

from lib import case, tools
from lib.case import ours_only

LAYOUTS = ('cluster_size=64k', 'compat=0.10', 'cluster_size=512',
           'cluster_size=2M,refcount_bits=1', 'extended_l2=on')


class VmState(case.Case):

    def create(self, options):
        tools.img('create', '-q', '-f', 'qcow2', '-o', options, 'a.qcow2',
                  '1M', cwd=self.dir)

    def io(self, *commands):
        """Nothing is printed and nothing fails."""
        ran = tools.io('a.qcow2', *commands, options=('-f', 'qcow2'),
                       check=False, cwd=self.dir)
        self.assertEqual((ran.stdout, ran.stderr, ran.returncode),
                         ('', '', 0), commands)

    def check(self):
        done = tools.img('check', '--output=json', 'a.qcow2', cwd=self.dir)
        return json.loads(done.stdout)

    def test_written_and_read_again(self):
        for options in LAYOUTS:
            self.create(options)
            self.io('write -q -P 7 0 1M', 'write -bq -P 5 0 64k',
                    'write -bq -P 6 40M 512')
            self.io('read -bq -P 5 0 64k', 'read -bq -P 0 64k 64k',
                    'read -bq -P 6 40M 512', 'read -bq -P 0 900M 512',
                    'read -q -P 7 0 1M')
            self.assertEqual(self.check()['check-errors'], 0)

    def test_kept_by_a_snapshot(self):
        self.create('cluster_size=64k')
        self.io('write -bq -P 5 0 64k')
        tools.img('snapshot', '-c', 's', 'a.qcow2', cwd=self.dir)
        self.io('write -bq -P 6 0 64k')
        tools.img('snapshot', '-a', 's', 'a.qcow2', cwd=self.dir)
        self.io('read -bq -P 5 0 64k')
        self.check()

    def test_part_of_no_map(self):
        self.create('cluster_size=64k')
        self.io('write -bq -P 5 0 64k')
        out = tools.img('map', '--output=json', 'a.qcow2', cwd=self.dir).stdout
        self.assertFalse(any(e['present'] for e in json.loads(out)), out)
        self.assertEqual(self.check()['allocated-clusters'], 1)

    def test_too_far(self):
        self.create('cluster_size=512')
        ran = tools.io('a.qcow2', 'write -b 100T 512',
                       options=('-f', 'qcow2'), check=False, cwd=self.dir)
        self.assertEqual((ran.stdout, ran.returncode),
                         ('write failed: File too large\n', 1))

    @ours_only('the disk shows the state that lay where it grows')
    def test_never_a_part_of_the_disk(self):
        self.create('cluster_size=512')
        self.io('write -bq -P 5 0 64k')
        tools.img('resize', '-q', 'a.qcow2', '2M', cwd=self.dir)
        self.io('read -q -P 0 1M 1M')
        self.check()

    @ours_only('it writes behind the disk in the external file')
    def test_refused_with_a_data_file(self):
        self.create('data_file=' + self.path('a.data'))
        ran = tools.io('a.qcow2', 'write -b 0 512', 'read -b 0 512',
                       options=('-f', 'qcow2'), check=False, cwd=self.dir)
        self.assertEqual((ran.stdout, ran.returncode),
                         ('write failed: Operation not supported\n'
                          'read failed: Operation not supported\n', 1))


if __name__ == '__main__':
    case.main()
