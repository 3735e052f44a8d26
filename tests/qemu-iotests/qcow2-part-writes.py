#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes of parts of new clusters: what the files of the image hold, and how
much space they take, is what QEMU leaves."""

import os
import shutil
import subprocess
import tempfile

from lib import case, program, shell_diff, tools

ORACLE_PATH = '/usr/bin'


class DataFile(shell_diff.ShellDiff):
    """An external data file that ends before what is written."""

    def test_grows(self):
        self.table('''
            qemu-img create -q -f qcow2 -o cluster_size=2M,data_file=y d 512k; qemu-io -f qcow2 -c 'write -P 5 0 1000' -c 'read -P 0 1000 500k' d; stat -c %s y; qemu-img map --output=json d
            qemu-img create -q -f qcow2 -o data_file=y d 3M; truncate -s 1M y; qemu-io -f qcow2 -c 'write -P 1 2M 4k' -c 'write -z 2500k 64k' -c 'read -P 0 512k 1M' d; stat -c %s y
            qemu-img create -q -f qcow2 -o data_file=y,data_file_raw=on d 3M; truncate -s 1M y; qemu-io -f qcow2 -c 'write -P 1 2M 4k' -c 'write -z 2500k 64k' -c 'discard 2900k 100k' -c 'read -P 0 512k 1M' d; stat -c %s y; qemu-img map --output=json d
            qemu-img create -q -f qcow2 -o data_file=y,data_file_raw=on,cluster_size=512k d 1000000; stat -c %s y; qemu-io -f qcow2 -c 'write -z 900k 20k' -c 'write -z 524288 476160' -c 'write -P 9 524288 476160' d; stat -c %s y
            qemu-img create -q -f qcow2 -o data_file=y,cluster_size=512k d 1000000; qemu-io -f qcow2 -c 'write -z 900k 20k' -c 'write -z 524288 476160' -c 'write -P 9 524288 476160' d; stat -c %s y; qemu-img check d
            qemu-img create -q -f qcow2 -o data_file=y,preallocation=metadata d 1000000; stat -c %s y; qemu-img resize --preallocation=metadata d 1900032; stat -c %s y
            qemu-img create -q -f qcow2 -o data_file=y,data_file_raw=on d 1000000; qemu-img resize d 1500160; stat -c %s y; qemu-img map --output=json d
        ''')


class OwnFile(shell_diff.ShellDiff):
    """Clusters that have their place beyond the end of the image's own file:
    QEMU writes subclusters only, and files are cut."""

    def test_grows(self):
        self.table('''
            /usr/bin/qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=128k a 1M; /usr/bin/qemu-io -c 'write -P 1 0 4k' a; qemu-io -c 'write -P 2 64k 4k' -c 'read -P 1 0 4k' -c 'read -P 2 64k 4k' -c 'read -P 0 4k 60k' a; qemu-img check a; qemu-img map --output=json a
            /usr/bin/qemu-img create -q -f qcow2 -o extended_l2=on,cluster_size=128k a 1M; /usr/bin/qemu-io -c 'write -P 1 0 4k' a; qemu-io -c 'write -P 2 64k 4k' -c 'write -P 3 200k 300k' -c 'write -z 100k 4k' a; qemu-io -c 'read -P 2 64k 4k' -c 'read -P 3 200k 300k' -c 'read -P 0 68k 60k' a; qemu-img check a
            qemu-img create -q -f qcow2 -o preallocation=metadata a 1M; truncate -s 600k a; qemu-io -c 'write -P 2 900k 4k' -c 'write -P 3 500k 4k' -c 'write -z 700k 4k' a; qemu-io -c 'read -P 2 900k 4k' -c 'read -P 3 500k 4k' -c 'read -P 0 504k 396k' a; qemu-img check a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write -P 1 0 512k' a; truncate -s 500k a; qemu-io -c 'write -P 2 400k 4k' -c 'write -P 3 900k 4k' -c 'write -P 4 505k 1k' a; qemu-io -c 'read -P 2 400k 4k' -c 'read -P 3 900k 4k' -c 'read -P 4 505k 1k' -c 'read -v 499k 16' -c 'read -v 506k 16' a; qemu-img check a
        ''')


class Space(case.Case):
    """Blocks of the file, where the file system gives them one by one."""

    def setUp(self):
        super().setUp()
        self.folder = tempfile.mkdtemp(dir='/var/tmp')
        self.addCleanup(shutil.rmtree, self.folder)
        kind = subprocess.run(['stat', '-f', '-c', '%T', self.folder],
                              stdout=subprocess.PIPE, check=True).stdout
        if kind.strip() != b'ext2/ext3':
            self.skipTest('/var/tmp is not on ext4')

    def blocks(self, name, script):
        """Of the file `a` after SCRIPT, by ours or by Debian's tools."""
        ours = os.path.dirname(program.find('qemu-img'))
        found = []
        for path in ours, ORACLE_PATH:
            folder = os.path.join(self.folder, f'{name}{len(found)}')
            os.mkdir(folder)
            tools.run(['env', f'PATH={path}:/usr/bin:/bin', 'bash', '-ec',
                       script], cwd=folder)
            found.append(os.stat(os.path.join(folder, 'a')).st_blocks)
        return found

    def assert_same(self, script):
        ours, theirs = self.blocks('d', script)
        self.assertEqual(ours, theirs)

    def test_one_byte(self):
        """A whole cluster, and a whole table for it."""
        self.assert_same('''
            qemu-img create -q -f qcow2 a 1M
            qemu-io -f qcow2 -c 'write 0 1' a''')

    def test_big_clusters(self):
        self.assert_same('''
            qemu-img create -q -f qcow2 -o cluster_size=2M a 100M
            qemu-io -f qcow2 -c 'write 1M 4k' a''')

    def test_subclusters(self):
        self.assert_same('''
            qemu-img create -q -f qcow2 -o extended_l2=on a 100M
            qemu-io -f qcow2 -c 'write 1M 4k' a''')

    def test_after_a_snapshot(self):
        self.assert_same('''
            qemu-img create -q -f qcow2 a 1M
            qemu-io -f qcow2 -c 'write 0 1' a
            qemu-img snapshot -c s a
            qemu-io -f qcow2 -c 'write 0 1' -c 'write 300k 4k' a''')


if __name__ == '__main__':
    case.main()
