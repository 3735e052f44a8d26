#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writing where there is something already; images that cannot be read."""

from lib import case, shell_diff

# Clusters 0 to 8 of an image; entry 4 of its table makes no sense.
DAMAGED = '''
qemu-img create -q -f qcow2 a 1M
qemu-io -c 'write 0 64k' -c 'write 128k 64k' -c 'write 256k 64k' \
    -c 'write 512k 64k' a >/dev/null
printf '\\x80\\x00\\x00\\x00\\x00\\x05\\x02\\x00' |
    dd of=a bs=1 seek=$((0x40000 + 8 * 4)) conv=notrunc status=none
'''


class Compressed(shell_diff.ShellDiff):
    """Only where nothing has a place."""

    def test_over(self):
        self.table('''
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write 0 64k' -c 'write -c 0 64k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write 64k 64k' -c 'write -c 0 128k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write -c 0 64k' -c 'write -c 0 64k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write -z 0 64k' -c 'write -c 0 64k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write 0 64k' -c 'write -z 0 64k' -c 'write -c 0 64k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 -o preallocation=metadata a 1M; qemu-io -c 'write -c 0 64k' a; qemu-img map --output=json a
            qemu-img create -q -f qcow2 a 1M; qemu-io -c 'write -c 0 64k' a; qemu-img snapshot -c s a; qemu-io -c 'write -c 0 64k' a; qemu-img check a
        ''')

    def test_length(self):
        """The file of a converted image ends where a sector does."""
        self.table('''
            qemu-img create -q -f qcow2 a 1M; qemu-img convert -c -O qcow2 a b; stat -c %s b
            truncate -s 1M r; qemu-img create -q -f qcow2 -b r -F raw a; qemu-img convert -c -O qcow2 -B r -F raw a b; stat -c %s b
        ''')


class OldTarget(shell_diff.ShellDiff):
    """convert -n: what is there is written over, in place."""

    setup = '''
        qemu-img create -q -f qcow2 s 1M
        qemu-io -c 'write 0 128k' -c 'write -P 3 512k 4k' s >/dev/null
        qemu-img create -q -f qcow2 c 2M
        qemu-io -c 'write -P 7 0 2M' c >/dev/null
        cp c r
    '''

    def test_qcow2(self):
        self.table('''
            qemu-img convert -n -O qcow2 s c; qemu-img map --output=json c; qemu-img check c
            qemu-img convert -n -S 0 -O qcow2 s c; qemu-img map --output=json c
            qemu-img convert -n --target-is-zero -O qcow2 s c; qemu-img map --output=json c
            qemu-img convert -n -c -O qcow2 s c; qemu-img map --output=json c
            qemu-img convert -n -O qcow2 --image-opts driver=qcow2,discard=unmap,file.filename=s c; qemu-img map --output=json c
        ''')

    def test_offloaded(self):
        """Data is not looked at for zeroes."""
        self.table('''
            qemu-io -c 'write -P 0 800k 8k' s >/dev/null; qemu-img convert -C -O qcow2 s t; qemu-img map --output=json t
            qemu-io -c 'write -P 0 800k 8k' s >/dev/null; qemu-img convert -C -O raw s t; qemu-img map -f raw --output=json t
        ''')

    def test_raw(self):
        self.table('''
            qemu-img convert -n -O raw s r; qemu-img map -f raw --output=json r
        ''')

    def test_backing(self):
        """Where nothing is behind the source it has zeroes."""
        self.table('''
            qemu-img create -q -f qcow2 -b c -F qcow2 o; qemu-io -c 'write 960k 64k' o; qemu-img convert -n -B c -F qcow2 -O qcow2 s o; qemu-img map --output=json o
            qemu-img convert -B c -F qcow2 -O qcow2 s o; qemu-img map --output=json o
            qemu-img create -q -f qcow2 -b s -F qcow2 l 2M; qemu-io -c 'write 1536k 64k' l; qemu-img convert -B c -F qcow2 -O qcow2 l o; qemu-img map --output=json o
        ''')


class Unreadable(shell_diff.ShellDiff):

    setup = DAMAGED

    def test_status(self):
        self.table('''
            qemu-img map a
            qemu-img map --output=json a
            qemu-img map --output=json -s 2M a
            qemu-img map -s 2M a
            qemu-img convert -O raw a b
            qemu-img convert -O qcow2 a b
            qemu-img compare a a
            qemu-img measure -O qcow2 a
            qemu-img rebase -b '' a
            qemu-io -c map -c 'alloc 0 1M' -c 'read 256k 64k' a
        ''')


class Words(shell_diff.ShellDiff):

    def test_downgrade(self):
        for bits in (1, 16):
            self.setup = (f'qemu-img create -q -f qcow2 -o refcount_bits={bits}'
                          ' a 1M; cp a l; qemu-img amend -o lazy_refcounts=on l')
            self.table('''
                qemu-img amend -o refcount_bits=1,compat=0.10 a
                qemu-img amend -o refcount_bits=1,compat=0.10 l
                qemu-img amend -o lazy_refcounts=on,compat=0.10 a
                qemu-img amend -o lazy_refcounts=on,compat=0.10 l
                qemu-img amend -o lazy_refcounts=on,refcount_bits=1,compat=0.10 a
                qemu-img amend -o compat=0.10 a
            ''')

    def test_snapshots_counted(self):
        """The copied table of one that could not be taken leaks."""
        self.setup = '''
            qemu-img create -q -f qcow2 -o refcount_bits=2 a 64M
            qemu-io -c 'write 0 64k' a >/dev/null
        '''
        self.table('''
            for i in 1 2 3 4; do qemu-img snapshot -c $i a; qemu-img check a; done; qemu-img check -r leaks a; qemu-img snapshot -l a
        ''')

    def test_features(self):
        self.setup = 'qemu-img create -q -f qcow2 a 1M'
        self.table(r'''
            printf '\xff' | dd of=a bs=1 seek=79 conv=notrunc status=none; qemu-img info a
            printf '\x22' | dd of=a bs=1 seek=79 conv=notrunc status=none; qemu-img info a
        ''')

    def test_stale_bitmaps(self):
        self.setup = 'qemu-img create -q -f qcow2 a 1M; qemu-img bitmap --add a b'
        self.table(r'''
            printf '\x00' | dd of=a bs=1 seek=95 conv=notrunc status=none; qemu-io -c 'read 0 512' a; qemu-img info a; qemu-img check a
        ''')


if __name__ == '__main__':
    case.main()
