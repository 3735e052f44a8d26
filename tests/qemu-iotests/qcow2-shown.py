#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What map, check and qemu-io show of qcow2 images: subclusters, images whose
writer was killed, images of version 2, counts that are too large."""

from lib import case, shell_diff

FLAGS = 'od -An -tx1 -j72 -N8 a'


class Subclusters(shell_diff.ShellDiff):
    """A subcluster that holds nothing is shown with its place."""

    setup = '''
        qemu-img create -q -f qcow2 b 50k
        qemu-io -c 'write 0 30k' b >/dev/null
        qemu-img create -q -f qcow2 -o extended_l2=on e 1M
        qemu-io -c 'write 0 10k' -c 'write 70k 10k' -c 'write -z 80k 4k' \
            e >/dev/null
    '''

    def test_places(self):
        write = "qemu-io -c 'write 0 2k' -c 'write 10k 2k' -c 'write 64k 2k'"
        show = 'qemu-img map --output=json a; qemu-img map a'
        create = 'qemu-img create -q -f qcow2 -o extended_l2=on'
        self.table(f'''
            {create} a 1M; {write} a; {show}
            {create} -b b -F qcow2 a 1M; {write} a; {show}
            {create} -b e -F qcow2 a; {write} a; {show}
            {create} -b e -F qcow2 a; {write} a; qemu-img create -q -f qcow2 -b a -F qcow2 c 2M; qemu-io -c 'write 1020k 8k' c; qemu-img map --output=json c
        ''')

    def test_large(self):
        """What the file has no data for is shown as zeroes."""
        self.setup = ('qemu-img create -q -f qcow2 -o extended_l2=on,'
                      'cluster_size=2M a 8M')
        self.table('''
            qemu-io -c 'write 5000 10000' a; qemu-img map --output=json a; qemu-img check a
        ''')

    def test_space(self):
        """A new table takes its space whole."""
        self.setup = 'qemu-img create -q -f qcow2 a 8G'
        self.table('''
            stat -c '%s %b' a; qemu-io -c 'write 0 64k' a; stat -c '%s %b' a; qemu-io -c 'write 1G 64k' -c 'write 3G 64k' a; stat -c '%s %b' a
        ''')

    def test_damage(self):
        self.setup = '''
            qemu-img create -q -f qcow2 -o extended_l2=on a 1M
            qemu-io -c 'write 0 64k' -c 'write -c 256k 64k' a >/dev/null
        '''
        self.table(r'''
            printf '\377\377' | dd of=a bs=1 seek=$((0x40048)) conv=notrunc status=none; qemu-img check a
            printf '\377\377\377\377\377\377\377\377' | dd of=a bs=1 seek=$((0x40008)) conv=notrunc status=none; qemu-img check a; qemu-io -c 'read 0 64k' -c map -c 'write 0 2k' a
        ''')


class Counts(shell_diff.ShellDiff):
    """The table of refcounts, damaged."""

    setup = '''
        qemu-img create -q -f qcow2 a 1M
        qemu-io -c 'write 0 64k' a >/dev/null
    '''

    def test_table(self):
        """Bits that must not be set count with nothing behind them, too; a
        block that is not there forbids no repair of leaks."""
        patch = 'dd of=a bs=1 conv=notrunc status=none'
        self.table(rf'''
            printf '\1' | {patch} seek=65551; qemu-img check a
            printf '\100' | {patch} seek=65549; qemu-img check a; qemu-img check -r leaks a; qemu-img check a
        ''')

    def test_compressed(self):
        """A flag that means nothing there is told first."""
        self.setup = '''
            qemu-img create -q -f qcow2 -o extended_l2=on a 1M
            qemu-io -c 'write -c 0 64k' a >/dev/null
        '''
        self.table(r'''
            printf '\377' | dd of=a bs=1 seek=262144 conv=notrunc status=none; printf '\377' | dd of=a bs=1 seek=262159 conv=notrunc status=none; qemu-img check a
        ''')


class Killed(shell_diff.ShellDiff):
    """With lazy refcounts those of tables are there, those of data are not."""

    setup = '''
        qemu-img create -q -f qcow2 -o lazy_refcounts=on a 64M
        qemu-io -c 'write 0 64k' -c 'sigraise KILL' a >/dev/null 2>&1
    '''

    def test_check(self):
        self.table(f'''
            {FLAGS}; qemu-img check a; qemu-io -r -c 'read 0 64k' a; {FLAGS}
            qemu-img check -r leaks a; {FLAGS}
            qemu-img check -r all a; {FLAGS}
            qemu-io -c 'write 64k 64k' a; {FLAGS}; qemu-img map --output=json a; qemu-img check a
            qemu-img amend -o lazy_refcounts=off a; {FLAGS}; qemu-img check a
            qemu-img snapshot -c s a; {FLAGS}; qemu-img check a
        ''')

    def test_options(self):
        self.setup = 'qemu-img create -q -f qcow2 a 64M'
        self.table(f'''
            qemu-io -c 'open -o lazy-refcounts=on a' -c 'write 1M 64k' -c 'sigraise KILL' >/dev/null 2>&1; {FLAGS}; qemu-img check a
            qemu-img amend -o lazy_refcounts=on a; qemu-io -c 'open -o lazy-refcounts=off a' -c 'write 1M 64k' -c 'sigraise KILL' >/dev/null 2>&1; {FLAGS}; qemu-img check a
        ''')


class Version2(shell_diff.ShellDiff):
    """It has no word for zeroes."""

    setup = '''
        qemu-img create -q -f qcow2 -o compat=0.10 a 1M
        qemu-io -c 'write 0 256k' a >/dev/null
    '''

    def test_zeroes(self):
        show = 'qemu-img map --output=json a'
        self.table(f'''
            qemu-io -c 'write -z 0 64k' a; {show}
            qemu-io -c 'write -z -n 0 64k' a; {show}
            qemu-io -c 'write -z -u -n 0 64k' a; {show}
            qemu-io -c 'write -z -n 512k 64k' a; {show}
            qemu-io -c 'write -z -u 128k 896k' a; {show}
        ''')


class Loads(shell_diff.ShellDiff):
    """A table that was just made is not read."""

    setup = 'qemu-img create -q -f qcow2 a 1M'

    def test_new(self):
        blkdebug = ('driver=qcow2,file.driver=blkdebug,file.image.filename=a,'
                    'file.inject-error.0.event=')
        self.table(f'''
            qemu-io -c 'write 0 64k' -c 'write 70k 1k' -c 'read 0 64k' --image-opts {blkdebug}l2_load,file.inject-error.0.once=on; qemu-img check a
            qemu-io -c 'write 0 64k' -c 'write 70k 1k' -c 'read 0 64k' --image-opts {blkdebug}l2_load; qemu-img check a
            qemu-io -c 'write 0 64k' -c 'write 70k 1k' -c 'read 70k 1k' --image-opts {blkdebug}l2_alloc_write,file.inject-error.0.once=on; qemu-img check a
        ''')


class Overflow(shell_diff.ShellDiff):

    setup = r'''
        qemu-img create -q -f qcow2 -o refcount_bits=1 a 1M
        qemu-io -c 'write 0 64k' -c 'write 64k 64k' a >/dev/null
        printf '\200\000\000\000\000\005\000\000' |
            dd of=a bs=1 seek=$((0x40008)) conv=notrunc status=none
    '''

    def test_check(self):
        self.table('''
            qemu-img check a
            qemu-img check --output=json a
            qemu-img check -r leaks a
            qemu-img check -r all a
        ''')


if __name__ == '__main__':
    case.main()
