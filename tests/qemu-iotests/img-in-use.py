#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-img on images that another process has open, beside QEMU's.

Which sub-command may do what while a machine reads, writes or shares the image
is a table too large to write down: every line runs on both sides, each with a
machine of the program under test that holds the image of its folder.
"""

import re

from lib import case, images
from lib.images import MIB
from lib.img_diff import ORACLE, DiffCase
from lib.machine import Machine
from lib import tools

# How a machine holds the image.
HOLDERS = {
    'writes': ('if=none,id=d', '-device', 'virtio-blk,drive=d'),
    'reads': ('if=none,id=d,readonly=on', '-device', 'virtio-blk,drive=d'),
    'shares': ('if=none,id=d', '-device',
               'virtio-blk,share-rw=on,drive=d'),
    'nobody': ('if=none,id=d',),
}

# F is the format, IMAGE the image, U stands for -U or nothing.
READERS = """
info U IMAGE
info U --backing-chain IMAGE
info U -f F IMAGE
map U IMAGE
map U -f F --output=json IMAGE
check U IMAGE
check U -f F IMAGE
snapshot U -l IMAGE
measure U -f F -O qcow2 IMAGE
compare U -f F -F raw IMAGE b.raw
compare U -f F -F raw b.raw IMAGE
convert U -f F -O raw IMAGE c.raw
convert U -O qcow2 IMAGE c.qcow2
dd U -f F -O raw if=IMAGE of=d.raw bs=64k
bench U -f F -c 1 IMAGE
create -f qcow2 -b IMAGE -F F new.qcow2
create -f qcow2 -u -b IMAGE -F F new.qcow2 1M
convert U -f raw -O qcow2 -B IMAGE -F F b.raw e.qcow2
"""
WRITERS = """
resize U -f F IMAGE 2M
resize IMAGE 1M
resize -f F --shrink IMAGE 1M
bench U -f F -w -c 1 IMAGE
rebase U -u -f F -b other.raw -F raw IMAGE
rebase -f F -b other.raw -F raw IMAGE
rebase U -u -f F -b  IMAGE
commit -f F IMAGE
commit -d -f F IMAGE
snapshot U -c s IMAGE
snapshot U -a s IMAGE
snapshot U -d s IMAGE
bitmap --add -f F IMAGE bm
bitmap --remove -f F IMAGE bm
amend -f F -o lazy_refcounts=on IMAGE
check -r all -f F IMAGE
check U -r all IMAGE
convert -f raw -O F -n b.raw IMAGE
convert U -f raw -O F -n b.raw IMAGE
dd U -f raw -O F if=b.raw of=IMAGE
convert -f raw -O F b.raw IMAGE
create -f F IMAGE 1M
"""


class InUse(DiffCase):

    def make(self, folder):
        for name, size in (('b.raw', MIB), ('other.raw', MIB),
                           ('a.raw', MIB)):
            images.make(f'{folder}/{name}', size, [(0, 65536, 3)])
        for args in (('a.qcow2',), ('mid.qcow2',),
                     ('-b', 'mid.qcow2', '-F', 'qcow2', 'over.qcow2')):
            tools.run([ORACLE, 'create', '-q', '-f', 'qcow2', *args, '1M'],
                      cwd=folder)

    @staticmethod
    def clean(text):
        """Without the numbers of nodes, and each warning once: QEMU gives that
        of raw images again when it opens one anew to apply a snapshot."""
        text = re.sub('#block[0-9]+', '#block', DiffCase.clean(text))
        text = re.sub('[0-9.]+ seconds', 'T seconds', text)
        return re.sub(r'(WARNING: .*\n(?: +.*\n)+)\1+', r'\1', text)

    @staticmethod
    def words(line, image, form, share):
        out = []
        for word in line.split(' '):
            if word != 'U':
                out.append(word.replace('IMAGE', image) if word != 'F'
                           else form)
            elif share:
                out.append('-U')
        return out

    def hold(self, holder, held, form):
        first, *others = HOLDERS[holder]
        return [Machine(folder, '-drive',
                        f'file={folder}/{held},format={form},{first}', *others)
                for _path, folder in self.sides]

    def lines(self, text, image, form):
        for line in text.splitlines():
            if not line:
                continue
            for share in (False, True) if ' U ' in line else (False,):
                args = self.words(line, image, form, share)
                with self.subTest(' '.join(args)):
                    self.both(*args, files=False)

    def run_kind(self, image, form, held=None, held_form=None):
        self.fill(self.make)
        for holder in HOLDERS:
            with self.subTest(holder=holder):
                self.fill(self.make)
                machines = self.hold(holder, held or image, held_form or form)
                try:
                    self.lines(READERS, image, form)
                    self.lines(WRITERS, image, form)
                finally:
                    for machine in machines:
                        machine.end()

    def test_raw(self):
        self.run_kind('a.raw', 'raw')

    def test_qcow2(self):
        self.run_kind('a.qcow2', 'qcow2')

    def test_overlay(self):
        self.run_kind('over.qcow2', 'qcow2')

    def test_backing_file(self):
        """What is open is behind the image that is worked on."""
        self.run_kind('over.qcow2', 'qcow2', 'mid.qcow2', 'qcow2')

    def test_below_another(self):
        """What is open has the image behind it."""
        self.run_kind('mid.qcow2', 'qcow2', 'over.qcow2', 'qcow2')


if __name__ == '__main__':
    case.main()
