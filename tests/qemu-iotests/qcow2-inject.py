#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Errors injected below qcow2 hit the requests that they hit with QEMU, and
leave as many clusters behind."""

from lib import case, shell_diff

# `inject EVENT ONCE COMMAND` makes an image like `base` fail while a request
# is made, and checks what is left. `each COMMAND` does so for the usual
# events and those in $MORE.
SETUP = '''
cat >inject <<'X'
cp base img
cat >rules <<R
[inject-error]
event = "$1"
errno = "5"
immediately = "off"
once = "$2"
R
echo "$1 $2"
qemu-io --cache writeback -f qcow2 -c "$3" blkdebug:rules:img 2>&1
qemu-img check img 2>&1 | grep -v -e 'Image end' -e ' allocated, '
X
cat >each <<'X'
for e in l1_update l2_load l2_update l2_alloc_write read_aio write_aio \\
         refblock_load refblock_update_part refblock_alloc cluster_alloc \\
         cluster_free pwritev $MORE; do
    for once in on off; do
        bash inject $e $once "$1"
    done
done
X
'''


class Inject(shell_diff.ShellDiff):

    setup = SETUP

    def test_new_table(self):
        self.table('''
            qemu-img create -q -f qcow2 base 1G; bash each 'write 0 128k'
            qemu-img create -q -f qcow2 base 1G; bash each 'write -z 0 128k'
            qemu-img create -q -f qcow2 -o compat=0.10 base 1G; bash each 'write 0 128k'
            qemu-img create -q -f qcow2 -o extended_l2=on base 1G; bash each 'write 0 128k'
        ''')

    def test_state(self):
        """The state of a machine, behind the disk: the L1 table grows."""
        self.table('''
            qemu-img create -q -f qcow2 base 1G; MORE='l1_grow_alloc_table l1_grow_write_table l1_grow_activate_table vmstate_save' bash each 'write -b 0 128k'
        ''')

    def test_shared_table(self):
        self.table('''
            qemu-img create -q -f qcow2 base 1G; qemu-io -f qcow2 -c 'write -q 0 128k' base; qemu-img snapshot -c a base; MORE='cow_read cow_write l2_alloc_cow_read' bash each 'write 0 128k'
            qemu-img create -q -f qcow2 base 1G; qemu-io -f qcow2 -c 'write -q 0 128k' base; qemu-img snapshot -c a base; MORE='cow_read cow_write l2_alloc_cow_read' bash each 'write 5k 1k'
        ''')

    def test_many_clusters(self):
        """Blocks of counts fill up."""
        self.table('''
            qemu-img create -q -f qcow2 -o cluster_size=1k base 1G; MORE='refblock_alloc_hookup refblock_alloc_write' bash each 'write 0 64k'
        ''')

    def test_given_back(self):
        self.table('''
            qemu-img create -q -f qcow2 base 1G; qemu-io -f qcow2 -c 'write -q 0 1M' base; bash each 'discard 64k 128k'
            qemu-img create -q -f qcow2 base 1G; qemu-io -f qcow2 -c 'write -q 0 1M' base; bash each 'write -z -u 64k 128k'
        ''')

    def test_compressed(self):
        self.table('''
            qemu-img create -q -f qcow2 base 1G; MORE='cluster_alloc_bytes l2_update_compressed write_compressed' bash each 'write -c 0 64k'
        ''')


if __name__ == '__main__':
    case.main()
