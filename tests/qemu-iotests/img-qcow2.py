#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-img on qcow2 images and chains of them, beside QEMU's: what is printed,
and what the images then show to QEMU."""

import re

from lib import case, images, tools
from lib.images import KIB, MIB
from lib.img_diff import ORACLE, DiffCase


class Qcow2Case(DiffCase):

    def setUp(self):
        super().setUp()
        self.fill(lambda folder: (
            images.make(f'{folder}/a', MIB, [(64 * KIB, 128 * KIB, 5)]),
            images.make(f'{folder}/b', MIB, [(192 * KIB, 128 * KIB, 6)])))

    @staticmethod
    def normal(text):
        """Without what depends on time and on the order of allocations."""
        text = re.sub(r'disk size: .*', 'disk size: N', text)
        text = re.sub(r'"actual-size": \d+', '"actual-size": N', text)
        text = re.sub(r'"date-(n?sec)": \d+', r'"date-\1": N', text)
        text = re.sub(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d', 'DATE', text)
        text = re.sub(r'#block\d+', '#blockN', text)
        text = re.sub(r', "offset": \d+', ', "offset": N', text)
        text = re.sub(r'\d+\.\d\d% fragmented', 'N% fragmented', text)
        return re.sub(r'Image end offset: \d+', 'Image end offset: N', text)

    def run_table(self, text):
        self.table(text, files=False, normal=self.normal)

    def write(self, name, *commands):
        """The same writes on both sides, by QEMU."""
        for _program, folder in self.sides:
            argv = ['/usr/bin/qemu-io', '-f', 'qcow2']
            for command in commands:
                argv += ['-c', command]
            tools.run([*argv, name], cwd=folder)

    def assert_same(self, *names, fmt='qcow2'):
        """QEMU finds ours in order, and equal to its own."""
        (_ours, mine), (_theirs, other) = self.sides
        for name in names:
            if fmt == 'qcow2':
                tools.run([ORACLE, 'check', '-q', '-f', fmt, name], cwd=mine)
            tools.run([ORACLE, 'compare', '-f', fmt, '-F', fmt,
                       f'{mine}/{name}', f'{other}/{name}'], cwd=mine)


class Create(Qcow2Case):

    def test_created(self):
        self.run_table('''
            create -f qcow2 c 1M
            create -f qcow2 -b a -F raw ov 2M
            create -f qcow2 -b ov -F qcow2 ov2
            create -f qcow2 -o backing_file=a,backing_fmt=raw x 1M
            create -f qcow2 -u -b nosuch -F raw mb 1M
            create -f qcow2 -o lazy_refcounts d 1M
            create -f qcow2 -o nolazy_refcounts d 1M
            create -f qcow2 -o compat=0.10 -o refcount_bits=16,compat=1.1 d 1M
            create -f qcow2 -o preallocation=metadata d 1M
            create -f qcow2 -o size=3M d
            create -f qcow2 -q d 1M
        ''')
        self.assert_same('c', 'ov', 'ov2', 'd')

    def test_refused(self):
        self.run_table('''
            create -f qcow2 -b a x
            create -f qcow2 -b a -F nosuch x
            create -f qcow2 -b nosuch -F raw x
            create -f qcow2 -b nosuch -F raw x 1M
            create -f qcow2 -u -b nosuch -F raw x
            create -f qcow2 -u -b nosuch x 1M
            create -f qcow2 -b x -F qcow2 x 1M
            create -f qcow2 -F raw x 1M
            create -f qcow2 -b a -F qcow2 y
            create -f qcow2 -o nosuch d 1M
            create -f qcow2 -o lazy_refcounts=x d 1M
            create -f qcow2 -o refcount_bits=x d 1M
            create -f qcow2 -o refcount_bits=-1 d 1M
            create -f qcow2 -o cluster_size=x d 1M
            create -f qcow2 -o cluster_size=-1 d 1M
            create -f qcow2 -o cluster_size= d 1M
            create -f qcow2 -o cluster_size=64k,,x d 1M
            create -f qcow2 -o cluster_size=1.5k d 1M
            create -f qcow2 -o =x d 1M
            create -f qcow2 -o , d 1M
            create -f qcow2 -o size=2M d 1M
            create -f qcow2 -o size=x d
            create -f qcow2 d
            create -f qcow2 /no/such 1M
        ''')


class Look(Qcow2Case):

    def setUp(self):
        super().setUp()
        self.run_table('''
            create -q -f qcow2 c 1M
            create -q -f qcow2 -b a -F raw ov 2M
            create -q -f qcow2 -b ov -F qcow2 ov2
            create -q -f qcow2 -u -b nosuch -F raw mb 1M
        ''')
        self.write('ov', 'write -P 7 128k 64k', 'write -z 256k 64k')
        self.write('ov2', 'write -P 8 300k 10k')

    def test_info(self):
        self.run_table('''
            info c
            info ov
            info mb
            info --backing-chain ov2
            info --backing-chain mb
            info --output=json c
            info --output=json ov2
            info --output=json --backing-chain ov2
            info --image-opts driver=qcow2,file.filename=ov
        ''')

    def test_loop(self):
        for _program, folder in self.sides:
            for name, backing in ('p', 'q'), ('q', 'p'):
                tools.run([ORACLE, 'create', '-q', '-u', '-f', 'qcow2', '-b',
                           backing, '-F', 'qcow2', name, '1M'], cwd=folder)
        self.both('info', '--backing-chain', 'p', files=False)

    def test_map(self):
        self.run_table('''
            map --output=json c
            map --output=json ov
            map --output=json ov2
            map -s 64k -l 300k --output=json ov2
        ''')

    def test_check(self):
        self.run_table('''
            check c
            check -q c
            check --output=json c
            check -r leaks c
            check -r all c
            check -f raw c
            check mb
            check -U ov
        ''')

    def test_compare(self):
        self.run_table('''
            compare ov ov2
            compare c ov
            compare -s c ov
            compare c c
            compare a ov
        ''')


class Convert(Qcow2Case):

    def setUp(self):
        super().setUp()
        self.run_table('''
            create -q -f qcow2 c 1M
            create -q -f qcow2 -b a -F raw ov 2M
        ''')
        self.write('ov', 'write -P 7 128k 64k', 'write -z 64k 64k')

    def test_both_ways(self):
        self.run_table('''
            convert -O qcow2 a d
            convert -p -O qcow2 ov e
            convert -c -O qcow2 ov f
            convert -O qcow2 -o compression_type=zstd -c ov g
            convert -O qcow2 -o cluster_size=4k,extended_l2=off ov h
            convert -O qcow2 -o preallocation=metadata ov i
            convert -O qcow2 -S 0 ov j
            convert -W -m 16 -O qcow2 ov k
            convert -O qcow2 a ov c l
            convert -n -O qcow2 ov k
        ''')
        self.assert_same(*'defghijkl')
        self.run_table('''
            convert -f qcow2 -O raw f r
            convert -O raw ov s
        ''')
        self.assert_same('r', 's', fmt='raw')

    def test_with_backing(self):
        self.run_table('''
            convert -O qcow2 -B a -F raw ov d
            convert -O qcow2 -o backing_file=a,backing_fmt=raw ov e
            map --output=json d
            info d
        ''')
        self.assert_same('d', 'e')

    def test_refused(self):
        self.run_table('''
            convert -O qcow2 -B a c d
            convert -O qcow2 -B nosuch -F raw c d
            convert -O qcow2 -B a -F raw c ov d
            convert -O qcow2 -o backing_file=a a d
            convert -O qcow2 -F raw a d
            convert -O qcow2 -o cluster_size=3 a d
            convert -c -O qcow2 -o preallocation=full a d
            convert -l x c ov d
            convert -l snapshot.foo=1 c d
            convert --bitmaps -O qcow2 a d
        ''')


class Change(Qcow2Case):

    def setUp(self):
        super().setUp()
        self.run_table('''
            create -q -f qcow2 c 1M
            create -q -f qcow2 -b a -F raw ov 2M
            create -q -f qcow2 -b ov -F qcow2 ov2
        ''')

    def test_resize(self):
        self.write('c', 'write -P 7 128k 64k')
        self.run_table('''
            resize c 2M
            resize c 1M
            resize --shrink c 1M
            resize --preallocation=metadata c 4M
            resize --preallocation=x c 8M
            resize c -- +64k
        ''')
        self.assert_same('c')

    def test_commit(self):
        self.write('ov', 'write -P 9 300k 64k', 'write -z 100k 64k')
        self.write('ov2', 'write -P 3 1500k 64k', 'write -P 4 0 1k')
        self.run_table('''
            commit -b nosuch ov2
            commit -b ov2 ov2
            commit -b a ov2
            commit -p ov2
            commit -q ov2
            commit -d ov
            commit c
            commit -f raw a
        ''')
        self.assert_same('ov', 'ov2')
        self.assert_same('a', fmt='raw')

    def test_rebase(self):
        self.write('ov', 'write -P 9 300k 64k', 'write -z 100k 64k')
        self.run_table('''
            rebase ov
            rebase -b b ov
            rebase -b b -F raw ov
            info ov
            rebase -p -b a -F raw ov
            rebase -b nosuch -F raw ov
            rebase -b a -F nosuch ov
            rebase -t bad -b a ov
            rebase -T bad -b a ov
            rebase -b a -F raw ov x
        ''')
        self.assert_same('ov', 'ov2')
        self.both('rebase', '-b', '', 'ov', files=False)
        self.assert_same('ov', 'ov2')
        self.run_table('''
            info ov
            rebase -u -b nosuch -F raw ov
            info ov
            rebase -b a -F raw ov
            rebase -u -b a -F raw ov
            rebase -b a -F raw c
        ''')
        self.assert_same('ov', 'c')

    def test_amend(self):
        self.write('c', 'write -P 7 128k 64k')
        self.run_table('''
            amend -o compat=0.10 c
            info c
            amend -o compat=1.1 c
            amend -o lazy_refcounts=on c
            amend -p -o compat=1.1 c
            amend -o size=5M c
            info c
            amend -o nosuch=1 c
            amend -f qcow2 -o nosuch=1 c
            amend -o cluster_size=1M c
            amend -o , c
        ''')
        self.assert_same('c')

    def test_measure(self):
        self.run_table('''
            measure -O qcow2 a
            measure -O qcow2 --output=json a
            measure -O qcow2 --size 1G
            measure -O qcow2 -o cluster_size=2M,preallocation=full --size 1G
            measure -O qcow2 -o x a
            measure -O raw ov
        ''')

    def test_snapshot(self):
        self.write('c', 'write -P 7 128k 64k')
        self.both('snapshot', '-c', 's1', 'c', files=False)
        self.write('c', 'write -P 8 100k 300k')
        self.run_table('''
            snapshot -c s1 c
            snapshot -c x c
            snapshot -a nosuch c
            snapshot -d nosuch c
            snapshot -d 1 c
            convert -l x -O raw c r
            convert -l nosuch -O raw c r
            snapshot -a 1 c
            snapshot -d s1 c
        ''')
        self.assert_same('c')
        self.assert_same('r', fmt='raw')


if __name__ == '__main__':
    case.main()
