#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where new clusters, refcount blocks and a longer refcount table are put: as
QEMU puts them, cluster by cluster, so that maps show the same offsets."""

from lib import case, shell_diff

MAP = 'qemu-img map --output=json a; qemu-img check a'
SHOW = f'{MAP}; stat -c %s a'


class Allocation(shell_diff.ShellDiff):

    setup = 'qemu-img create -q -f qcow2 -o cluster_size=512 a 16M'

    def lines(self, *commands):
        for command in commands:
            words = ' '.join(f"-c '{c}'" for c in command)
            self.table(f'qemu-io {words} a >/dev/null; {SHOW}')

    def test_blocks(self):
        """A block for what crosses into its range lies behind that."""
        self.lines(*([f'write 0 {n}k', 'write 1M 64k']
                     for n in (20, 60, 90, 110, 126, 127, 128, 130, 200)))

    def test_widths(self):
        for bits in (1, 8, 64):
            self.setup = ('qemu-img create -q -f qcow2 -o cluster_size=512,'
                          f'refcount_bits={bits} a 16M')
            self.lines(*([f'write 0 {n}k', 'write 1M 3k', 'write 3M 200k']
                         for n in (20, 120, 128, 130, 300)))

    def test_table(self):
        """Behind a block of its own, half as long again as needed."""
        self.lines(['write 0 9M'])
        self.setup = ('qemu-img create -q -f qcow2 -o cluster_size=512,'
                      'refcount_bits=64 a 16M')
        self.lines(['write 0 3M'], ['write 0 9M'])

    def test_l1(self):
        self.table('qemu-img resize a 100M; '
                   f"qemu-io -c 'write 99M 1M' a >/dev/null; {SHOW}")


class Gaps(shell_diff.ShellDiff):
    """What is too small for a request stays free for others."""

    setup = '''
        qemu-img create -q -f qcow2 a 4M
        qemu-io -c 'write 0 64k' -c 'write 64k 64k' -c 'write 128k 64k' \
            -c 'write 192k 64k' a >/dev/null
        qemu-io -c 'discard 0 64k' -c 'discard 128k 64k' a >/dev/null
    '''

    def test_gaps(self):
        self.table(f'''
            qemu-io -c 'write 256k 128k' -c 'write 512k 64k' -c 'write 640k 64k' a; {SHOW}
            qemu-io -c 'write 512k 64k' -c 'write 256k 128k' -c 'write 640k 64k' a; {SHOW}
            qemu-io -c 'write -c 512k 64k' -c 'write 256k 128k' -c 'write -c 640k 64k' a; {SHOW}
            qemu-io -c 'write 1M 256k' a; qemu-io -c 'write 0 256k' a; {SHOW}
            qemu-img snapshot -c s a; qemu-io -c 'write 0 512k' a; {SHOW}
            qemu-img resize a 2G; qemu-io -c 'write 1G 64k' a; {SHOW}
        ''')


class Sizes(shell_diff.ShellDiff):

    def test_sizes(self):
        for options in ('cluster_size=4k', 'cluster_size=64k',
                        'cluster_size=2M', 'cluster_size=4k,compat=0.10'):
            self.setup = f'qemu-img create -q -f qcow2 -o {options} a 16M'
            self.table(f'''
                qemu-io -c 'write 0 64k' -c 'write 1M 4k' -c 'write 1234567 5678' -c 'write 15M 1M' -c 'write -z 0 64k' -c 'read 0 16M' a; {SHOW}
            ''')


class Grown(shell_diff.ShellDiff):
    """All that an image gains is marked as zeroes where its base is longer."""

    def test_grown(self):
        for options in ('compat=1.1', 'extended_l2=on', 'cluster_size=512'):
            for base, size in (('100k', '40k'), ('100k', '100k'),
                               ('300k', '100k'), ('250k', '131k'),
                               ('300k', '150k'), ('64k', '128k')):
                self.setup = f'''
                    qemu-img create -q -f qcow2 b {base}
                    qemu-io -c 'write -q 0 {base}' b
                    qemu-img create -q -f qcow2 -o {options} -b b -F qcow2 a {size}
                '''
                self.table(f'qemu-img resize a 600k; {MAP}')
                self.table(f"qemu-io -c 'write 0 {size}' a >/dev/null; "
                           f'qemu-img resize a 600k; {MAP}')


if __name__ == '__main__':
    case.main()
