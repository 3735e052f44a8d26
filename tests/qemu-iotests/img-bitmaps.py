#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bitmaps in images through the tools, beside QEMU's: img bitmap, info,
measure, check, convert, resize, snapshots; also after a crash."""

import re

from lib import case, tools
from lib.img_diff import DiffCase

QEMU_IO = '/usr/bin/qemu-io'


class Bitmaps(DiffCase):

    @staticmethod
    def normal(text):
        """Without what depends on time and on the order of allocations."""
        text = re.sub(r'disk size: .*', 'disk size: N', text)
        text = re.sub(r'"actual-size": \d+', '"actual-size": N', text)
        text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'DATE', text)
        text = re.sub(r'#block\d+', '#blockN', text)
        return re.sub(r'Image end offset: \d+', 'Image end offset: N', text)

    def lines(self, text):
        self.table(text, files=False, normal=self.normal)

    def crash(self, name):
        """A program that writes the image is killed."""
        for _program, folder in self.sides:
            tools.subprocess.run(
                [QEMU_IO, '-f', 'qcow2', '-c', 'write 0 1M', '-c',
                 'sigraise 9', name], cwd=folder, check=False,
                stdout=tools.subprocess.DEVNULL)

    def test_all(self):
        self.lines('''
            create -q -f qcow2 a 10M
            create -q -f qcow2 b 10M
            create -q -f qcow2 -o compat=0.10 v2 10M
            create -q -f raw r 10M
            create -q -f qcow2 sml 5M
            bitmap --add a b0
            bitmap --add -g 32k a b1
            bitmap --add --disable a b2
            bitmap --add a b0
            bitmap --add -g 100 a b9
            bitmap --add -g 256 a b9
            bitmap -g 64k --remove a b0
            bitmap --add --merge b0 -g 64k a b3
            bitmap --merge b0 a b1
            bitmap --merge nosuch a b1
            bitmap --clear a nosuch
            bitmap --remove a nosuch
            bitmap --enable a nosuch
            bitmap --disable a nosuch
            bitmap --add v2 b0
            bitmap --add r b0
            bitmap --add nosuchfile b0
            bitmap a b0
            bitmap --add a
            bitmap --add
            bitmap --add --remove --add --disable a b5
            bitmap --add -f raw a b6
            bitmap --add -f qcow2 r b6
            bitmap --add -F qcow2 a b6
            bitmap --add b b0
            bitmap --merge b0 -b b -F qcow2 a b0
            bitmap --merge b0 -b b a b0
            bitmap --merge b0 -b sml -F qcow2 a b0
            bitmap --add sml s0
            bitmap --merge s0 -b sml -F qcow2 a b0
            bitmap --merge b1 -b a -F qcow2 b b0
            bitmap --enable a b2
            bitmap --add --image-opts driver=qcow2,file.filename=a b7
            bitmap --add --image-opts -f qcow2 driver=qcow2,file.filename=a b7
            info a
            info --output=json a
            check a
            measure -O qcow2 a
            measure -O qcow2 --output=json a
            measure -O raw a
            measure -O qcow2 -o compat=0.10 a
            measure --size 10M -O qcow2
            measure -O qcow2 r
            convert -O qcow2 a c1
            convert --bitmaps -O qcow2 a c2
            convert --bitmaps -O raw a c3
            convert --bitmaps -O qcow2 r c4
            convert --bitmaps -O qcow2 -o compat=0.10 a c5
            convert --skip-broken-bitmaps -O qcow2 a c6
            convert --bitmaps -O qcow2 a b c7
            convert --bitmaps -n -O qcow2 a c2
            info c2
            info c1
        ''')
        for _program, folder in self.sides:
            tools.run([QEMU_IO, '-f', 'qcow2', '-c', 'write 0 1M', 'a'],
                      cwd=folder)
        self.lines('''
            info a
        ''')
        self.crash('a')
        self.lines('''
            info a
            check a
            measure -O qcow2 a
            bitmap --merge b1 a b0
            bitmap --clear a b0
            bitmap --enable a b0
            bitmap --disable a b0
            bitmap --add a b0
            convert --bitmaps -O qcow2 a c9
            convert --bitmaps --skip-broken-bitmaps -O qcow2 a c10
            info c10
            bitmap --merge b0 -b a -F qcow2 b b0
            resize -q a 20M
            bitmap --remove a b0
            bitmap --remove a b1
            resize -q a 20M
            info a
            snapshot -c s1 b
            snapshot -a s1 b
            snapshot -d s1 b
            info b
        ''')


if __name__ == '__main__':
    case.main()
