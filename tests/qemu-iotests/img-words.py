#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Options of qemu-img's command lines: what they mean, and what is wrong."""

from lib import case, shell_diff


class Behind(shell_diff.ShellDiff):
    """What is said of the image behind another one."""

    setup = shell_diff.IMAGES

    def test_given_in_part(self):
        """The image says the rest: its format, and which file it is."""
        self.table('''
            qemu-io -c 'open -o backing.file.filename=r.img o.img'
            qemu-io -c 'open -o backing.file.filename=o2.img o.img' -c 'read -P 3 256k 4k'
            qemu-io -c 'open -o backing.driver=raw o.img' -c 'read -v 0 4'
            qemu-io -c 'open -o backing.driver=raw q.img'
            qemu-io -c 'open -o backing.read-only=on q.img'
            qemu-io -c 'open -o backing= o.img' -c 'read -P 0 0 64k'
            qemu-io -c 'open -o file.filename=q.img o.img'
            qemu-io -c 'open -o file.driver=file,file.locking=off o.img' -c length
            qemu-io -c 'open -o file.driver=blkdebug,file.inject-error.0.event=read_aio q.img' -c 'read 0 64k' -c 'read 0 64k'
            qemu-io -c 'open -o file.driver=null-co q.img'
            qemu-io -c 'open -o file.driver=nbd q.img'
        ''')

    def test_encrypted(self):
        self.table('''
            S="--object secret,id=s,data=abc"; qemu-img create -q -f qcow2 $S -o encrypt.format=aes,encrypt.key-secret=s e 1M; J='json:{"driver":"qcow2","file.filename":"e","encrypt.key-secret":"s"}'; qemu-img create -q -f qcow2 $S -b "$J" -F qcow2 x; qemu-io $S -c 'read 0 64k' --image-opts driver=qcow2,file.filename=x,backing.encrypt.key-secret=s
        ''')

    def test_rebase(self):
        """A relative name is beside an image that has one."""
        self.table('''
            S="--object secret,id=s,data=abc"; qemu-img create -q -f qcow2 $S -o encrypt.format=aes,encrypt.key-secret=s e 1M; qemu-img rebase -b r.img -F raw $S --image-opts driver=qcow2,file.filename=e,encrypt.key-secret=s
        ''')


class Words(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_flags(self):
        self.table('''
            qemu-img create -f qcow2 -o lazy_refcounts=yes x 1M; qemu-img info x
            qemu-img create -f qcow2 -o extended_l2=true,lazy_refcounts=n x 1M; qemu-img info x
            qemu-img create -f raw -o nocow=y x 1M
            qemu-img create -f qcow2 -o lazy_refcounts=maybe x 1M
            qemu-img amend -o lazy_refcounts=yes q.img; qemu-img info q.img
        ''')

    def test_measure(self):
        """Only what takes space is looked at."""
        self.table('''
            qemu-img measure -O qcow2 -o extended_l2=on,compat=0.10 --size 1M
            qemu-img measure -O qcow2 -o lazy_refcounts=on,compat=0.10 --size 1M
            qemu-img measure -O qcow2 -o data_file=x,compat=0.10 --size 1M
            qemu-img measure -O qcow2 -o compression_type=none,backing_fmt=none --size 1M
            qemu-img measure -O qcow2 -o refcount_bits=8,compat=0.10 --size 1M
            qemu-img measure -O qcow2 -o preallocation=some --size 1M
        ''')

    def test_overlap_check(self):
        self.table('''
            qemu-io -c 'open -o overlap-check.template=none,overlap-check=all q.img'
            qemu-io -c 'open -o overlap-check=none,overlap-check.template=all q.img'
            qemu-io -c 'open -o overlap-check.template=all,overlap-check=all q.img' -c length
        ''')

    def test_cache(self):
        self.table('''
            qemu-img convert -t off -T off -O raw q.img x
            qemu-img compare -T off q.img q.img
        ''')

    def test_sizes(self):
        self.table('''
            qemu-img resize q.img 9223372036854775807
            qemu-img resize -f raw r.img 9223372036854775807
            qemu-img create -q -f raw s 2M; qemu-img compare -p -f raw -F raw r.img s; qemu-io -f raw -c 'write -q -P 1 1900k 1k' s; qemu-img compare -p -f raw -F raw s r.img; qemu-io -f raw -c 'write -q -P 1 0 64k' s; qemu-img compare -p -f raw -F raw s r.img
        ''')

    def test_snapshot(self):
        """Id and name must both fit where both are given."""
        self.table('''
            qemu-img snapshot -c a q.img; qemu-img snapshot -c b q.img; qemu-img convert -l snapshot.id=1,snapshot.name=b q.img -O raw x; qemu-img convert -l snapshot.id=2,snapshot.name=b q.img -O raw x
            qemu-img snapshot -c a q.img; qemu-img convert -l a q.img -O raw x; qemu-img convert -l 1 q.img -O raw x; qemu-img convert -l 2 q.img -O raw x
        ''')


class CommitBase(shell_diff.ShellDiff):
    """-b finds an image by what is said in the one above, or by its file."""

    setup = '''
        mkdir -p d/e
        qemu-img create -q -f raw b.raw 1M
        ln -s b.raw l.raw
        qemu-img create -q -f qcow2 -b $PWD/b.raw -F raw a1
        qemu-img create -q -f qcow2 -b a1 -F qcow2 a2
        qemu-img create -q -f qcow2 -b ../b.raw -F raw d/m
        qemu-img create -q -f qcow2 -b m -F qcow2 d/t
        qemu-img create -q -f qcow2 -b file:b.raw -F raw f1
        qemu-img create -q -f qcow2 -b f1 -F qcow2 f2
    '''

    def test_spellings(self):
        for top in ('a2', 'f2', 'd/t', '$PWD/d/t'):
            self.table(f'''
                for b in b.raw ./b.raw l.raw d/../b.raw d/e/../../b.raw; do qemu-img commit -b $b {top}; echo $?; done
                for b in $PWD/b.raw $PWD/l.raw ../b.raw ../l.raw e/../../b.raw; do qemu-img commit -b $b {top}; echo $?; done
                for b in a1 ./a1 f1 m ./m d/m d/../d/m $PWD/d/m; do qemu-img commit -b $b {top}; echo $?; done
                for b in file:b.raw file:$PWD/b.raw '' nosuch; do qemu-img commit -b "$b" {top}; echo $?; done
            ''')


if __name__ == '__main__':
    case.main()
