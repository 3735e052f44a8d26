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

class Front(shell_diff.ShellDiff):
    """Options in front of the command."""

    setup = shell_diff.IMAGES

    def test_trace(self):
        """There are no events here, so a name is one that does not exist."""
        self.table(r'''
            qemu-img -T nosuch info nosuch
            qemu-img -Tnosuch -T -other info nosuch
            qemu-img --trace enable=nosuch info nosuch
            qemu-img --tr 'no*such' info nosuch
            qemu-img -T enable=nosuch,foo=1 info nosuch
            qemu-img -T events=nosuch info nosuch
            printf '# x\n\nabc\nbar*\n' >e; qemu-img -T events=e info nosuch
            qemu-img -T file=nodir/x info nosuch
            qemu-img -T nosuch,file=z info nosuch; ls z
            qemu-img -T nosuch
            qemu-img -T
            qemu-img --trace
            qemu-img -T nosuch -x
            qemu-io --trace nosuch,foo=1 -c length q.img
            qemu-io -T 'x*' -c length q.img
        ''')

    def test_end_of_options(self):
        self.table('''
            qemu-img -- info --output=json q.img
            qemu-img -- nosuch
            qemu-img -- -- info q.img
            qemu-img --
        ''')


class Cut(shell_diff.ShellDiff):
    """An image that shall have nothing behind it, whatever it says."""

    setup = shell_diff.IMAGES

    def test_commit(self):
        self.table('''
            qemu-img commit --image-opts driver=qcow2,file.filename=o.img,backing=; qemu-img map --output=json q.img
            qemu-img commit -b q.img --image-opts driver=qcow2,file.filename=o.img,backing=
            qemu-img commit -b q.img 'json:{"driver":"qcow2","file":{"driver":"file","filename":"o2.img"},"backing":{"driver":"qcow2","file":{"driver":"file","filename":"o.img"},"backing":null}}'; qemu-img map --output=json q.img
        ''')

    def test_rebase(self):
        self.table('''
            qemu-img rebase -b '' --image-opts driver=qcow2,file.filename=o.img,backing=; qemu-img map o.img
        ''')


class Refused(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_bitmaps_of_version_2(self):
        """Before anything is copied."""
        self.table('''
            qemu-img create -q -f qcow2 -o compat=v2 x 1M; qemu-img convert --bitmaps -O qcow2 x y; ls y
            qemu-img create -q -f qcow2 -o compat=v2 x 1M; qemu-img convert --bitmaps -O raw x y; ls y
            qemu-img create -q -f qcow2 -o compat=v2 x 1M; qemu-img convert -n --bitmaps -O qcow2 q.img x; qemu-img map --output=json x
        ''')

    def test_zero_target_with_backing(self):
        """QEMU's does nothing either, but calls that a success."""
        self.table('''
            qemu-img convert -n --target-is-zero -O qcow2 -B q.img q.img o.img; qemu-img map --output=json o.img
        ''')

    def test_unknown_kinds(self):
        self.table('''
            qemu-img measure -O file q.img
            qemu-img measure -O file --size 1
            qemu-img dd -O nosuch if=q.img of=t
            qemu-img resize q.img 16E
            qemu-img resize q.img +20E
        ''')


class Filters(shell_diff.ShellDiff):
    """They are no layers."""

    setup = shell_diff.IMAGES

    def test_map(self):
        self.table('''
            qemu-img map --output=json --image-opts driver=blkdebug,image.driver=qcow2,image.file.filename=o2.img
            qemu-img map --image-opts driver=blkdebug,image.driver=qcow2,image.file.filename=o2.img
            qemu-img map --output=json --image-opts driver=blkdebug,image.filename=r.img,inject-error.0.event=none,inject-error.0.iotype=block-status
            qemu-img map --output=json --image-opts driver=copy-on-read,file.driver=qcow2,file.file.filename=o2.img
        ''')

    def test_salvage(self):
        """What cannot be told of a place is told of each sector."""
        self.table('''
            qemu-img convert --salvage --image-opts driver=blkdebug,image.filename=r.img,inject-error.0.event=none,inject-error.0.iotype=block-status t; cmp r.img t
            qemu-img convert -q --salvage --image-opts driver=blkdebug,image.filename=r.img,inject-error.0.event=none,inject-error.0.iotype=block-status t
        ''')


if __name__ == '__main__':
    case.main()
