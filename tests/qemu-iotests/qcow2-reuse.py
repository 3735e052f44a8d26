#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where data goes after other data was given back, as QEMU's maps show it; and
writes over entries that make no sense."""

from lib import case, shell_diff

SETUP = '''
cat >after <<'X'
for o in cluster_size=64k compat=0.10 extended_l2=on cluster_size=4k \\
         cluster_size=1k,refcount_bits=8 refcount_bits=1 lazy_refcounts=on; do
    qemu-img create -q -f qcow2 -o $o t.img 64M
    for c; do shift; set -- "$@" -c "$c"; done
    qemu-io --cache writeback -f qcow2 "$@" t.img
    while [ "$1" = -c ]; do c=$2; shift 2; set -- "$@" "$c"; done
    qemu-img map --output=json t.img; qemu-img check t.img
done
X
'''


class Reuse(shell_diff.ShellDiff):

    setup = SETUP

    def test_never_on_disk(self):
        """What no table in the file has named is used again at once."""
        self.table('''
            bash after 'write -P 1 0 1M' 'discard 64k 128k' 'write -P 4 96k 32k' 'read -P 4 96k 32k' 'read -P 0 128k 64k'
            bash after 'write 0 1M' 'write -z -u 256k 128k' 'write 300k 4k' 'write 10M 1k' 'read -P 0 256k 4k'
            bash after 'write 0 256k' 'discard 0 256k' 'write 1M 64k' 'discard 1M 64k' 'write 2M 256k'
        ''')

    def test_rebased(self):
        """What the new image behind has and the old one had not is data."""
        self.table('''
            for i in b c; do qemu-img create -q -f qcow2 $i 64M; done; qemu-io -f qcow2 -c 'write -q -P 9 0 4M' b; qemu-io -f qcow2 -c 'write -q -P 7 2M 4M' c; qemu-img create -q -f qcow2 -b b -F qcow2 t; qemu-img rebase -b c -F qcow2 t; qemu-img map --output=json t; qemu-io -f qcow2 -c 'read -P 9 0 4M' -c 'read -P 0 4M 4M' t
        ''')

    def test_entry_not_aligned(self):
        self.table('''
            for e in '' '\\x80'; do qemu-img create -q -f qcow2 t.img 64M; qemu-io -f qcow2 -c 'write -q 0 1M' t.img; printf "${e:-\\0}\\0\\0\\0\\0\\0\\x02\\0" | dd of=t.img bs=1 seek=262144 conv=notrunc status=none; qemu-io -f qcow2 -c 'write 0 64k' -c 'read 0 64k' -c 'write 1M 64k' t.img; qemu-img check t.img; done
        ''')


if __name__ == '__main__':
    case.main()
