#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-img dd, bench, snapshot and amend on raw images, beside QEMU's."""

import re

from lib import case, images
from lib.images import KIB, MIB
from lib.img_diff import DiffCase


class Dd(DiffCase):

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: (
            images.make_patterned(f'{folder}/a', 64 * KIB),
            images.make_patterned(f'{folder}/odd', 1000)))

    def test_copies(self):
        self.table('''
            dd if=a of=b
            dd if=a of=b bs=4k count=2
            dd if=a of=b bs=1k skip=3
            dd if=a of=b count=0
            dd if=a of=b skip=100000000
            dd if=a of=b bs=1 count=10 skip=7
            dd if=a of=b count=7 skip=7
            dd if=a of=b count=6 skip=7
            dd if=odd of=b bs=300
            dd bs=1.5k if=odd of=b
            dd if=a of=b bs=512 count=1 if=odd
            dd -f raw -O raw if=a of=b
            dd -U if=a of=b
            dd if=a of=b bs=1M count=9999999999999
            dd --image-opts if=driver=raw,file.driver=file,file.filename=a of=b
        ''')

    def test_refused(self):
        self.table('''
            dd
            dd if=a
            dd of=b
            dd if=a of=b bs=x
            dd if=a of=b bs=0
            dd if=a of=b bs=3G
            dd if=a of=b bs=8E
            dd if=a of=b count=x
            dd if=a of=b skip=x
            dd if=a of=b nosuch=1
            dd if=a of=b nosuch
            dd conv=x if=a of=b
            dd if=nosuch of=b
            dd -f nosuch if=a of=b
            dd -n if=a of=b
            dd if=a of=/no/such
            dd -O null-co if=a of=b
        ''')


class Bench(DiffCase):

    @staticmethod
    def untimed(text):
        return re.sub(r'in \d+\.\d+ seconds', 'in T seconds', text)

    def test_bench(self):
        self.fill(lambda folder: images.make(f'{folder}/a', MIB))
        self.table('''
            bench
            bench -f raw -c 10 a
            bench -q -f raw -c 10 a
            bench -c 0 -f raw a
            bench -c 10 -d 2 -s 1k -S 2k -o 4k -f raw a
            bench -f raw -w -c 10 --pattern=7 a
            bench -w -c 10 --pattern=8 a
            bench -f raw -w -c 300 --pattern=9 a
            bench -f raw -w -c 20 -s 1k -S 100k -d 1 --pattern=10 a
            bench -f raw --no-drain -w -c 10 a
            bench -f raw --no-drain --flush-interval 2 -w -c 10 -d 1 a
            bench -f raw --flush-interval 4 -w -c 100 -d 4 a
            bench -f raw -c 1000 -s 64k a
            bench -f raw -c 1000 -d 1 -s 64k a
            bench -f raw -w -c 10 -s 0 a
            bench -U -f raw -c 5 a
            bench -t none -f raw -c 10 a
            bench -t writethrough -w -f raw -c 10 a
            bench -i io_uring -f raw -c 10 a
            bench -i threads -f raw -c 3 --pattern=7 a
            bench -f raw -c 10 -o 2M a
            bench -s 2M -c 1 -f raw a
        ''', normal=self.untimed)

    def test_refused(self):
        self.fill(lambda folder: images.make(f'{folder}/a', MIB))
        self.table('''
            bench -f raw -c x a
            bench -f raw -d x a
            bench -f raw -c 10 -s x a
            bench -f raw -S x a
            bench -f raw -o x a
            bench -s 3G -f raw a
            bench -f raw --pattern=300 -w -c 10 a
            bench --pattern=x -f raw a
            bench -f raw --flush-interval=5 -c 10 a
            bench -f raw --flush-interval=5 -w -c 10 a
            bench -f raw --flush-interval=x -w -c 10 a
            bench -i x -f raw a
            bench -i native -f raw -c 10 a
            bench -n -f raw -c 10 a
            bench -t x a
            bench a b
            bench nosuch
        ''')


class Formats(DiffCase):
    """What raw images cannot do."""

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: images.make(f'{folder}/a', MIB))

    def test_snapshot(self):
        self.table('''
            snapshot
            snapshot -l a
            snapshot -l -c x a
            snapshot -c x a
            snapshot -d x a
            snapshot -l nosuch
            snapshot c d
            snapshot -q -l a
            snapshot -U -l a
        ''')

    def test_amend(self):
        self.table('''
            amend
            amend a
            amend -o size=1M a
            amend -f raw -o compat=1.1 a
            amend -o help
            amend -f nosuch -o help
            amend -f raw -o help
            amend -t bad -o size=2M a
            amend -o compat=1.1 a a
            amend -o , a
            amend -f raw -o help a
        ''')


if __name__ == '__main__':
    case.main()
