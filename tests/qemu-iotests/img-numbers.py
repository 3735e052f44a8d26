#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How the tools read sizes and numbers, and how they tell their progress."""

from lib import case, shell_diff


class Numbers(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_sizes(self):
        self.table('''
            for s in .5k 1.7k 1.k 1.0 1.0B 1.5 0x10k; do qemu-img create x $s; done
            for s in 1e2k 1.9999k +5 ++5 " 5" "5 " 1KiB; do qemu-img create x "$s"; done
            for s in 8E 7.9E 0x1.8 -1 nan 0x; do qemu-img create x -- "$s"; done
            qemu-img create -f qcow2 -o cluster_size=65536.0 x 1M
            qemu-img create -f qcow2 -o refcount_bits=0x10 x 1M
            qemu-img create -f qcow2 -o refcount_bits=+16 x 1M
            qemu-img resize -f raw r.img 7E
            qemu-io -f raw -c 'read 1.7k 512' -c 'truncate -1' r.img
            qemu-io -f raw -c 'truncate 7E' r.img
        ''')

    def test_progress(self):
        self.table('''
            qemu-img convert -p -O qcow2 r.img x
            qemu-img convert -p -O raw o2.img x
            qemu-img compare -p q.img r.img
            qemu-img compare -p q.img o.img
            qemu-img compare -p r.img r.img
        ''')

    def test_strict(self):
        self.table('''
            qemu-img compare -s q.img o.img
            qemu-img compare -s q.img r.img
            qemu-img compare -s q.img q.img
            qemu-img compare -s r.img r.img
            qemu-img compare --image-opts -f raw r.img r.img
        ''')


if __name__ == '__main__':
    case.main()
