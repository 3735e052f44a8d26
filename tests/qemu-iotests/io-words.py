#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The words of qemu-io's command line, and of its commands."""

from lib import case, shell_diff


class Words(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_program(self):
        self.table('''
            qemu-io -c >/dev/null
            qemu-io -x >/dev/null
            qemu-io --bogus >/dev/null
            qemu-io -c length --image-opts q.img
            qemu-io -c length --image-opts x=y
            qemu-io -c length --image-opts -U -r driver=qcow2,file.filename=q.img,force-share=off
            qemu-io -c length --image-opts -U -r driver=qcow2,file.filename=q.img,force-share=on
            qemu-io -c length --image-opts driver=qcow2,file.filename=q.img -c 'open -o a=b x'
        ''')

    def test_commands(self):
        self.table('''
            qemu-io -f raw -c truncate -c 'truncate 1 2 3 4' r.img
            qemu-io -c 'open -U -r -o force-share=off q.img' -c length
            qemu-io -c 'open -o x q.img' -c length
            qemu-io -c 'open -o x' -c length
            qemu-io -f raw -c 'sleep x' -c 'sleep -1' -c 'sleep 1.5' r.img
            : > e; qemu-io -f raw -c 'write -s e 0 16' -c 'write -s . 0 16' r.img
            qemu-io -f raw -c 'truncate -m full 512k' -c 'truncate -m falloc 1k' -c length r.img
            qemu-io -c 'open -o read-only=on r.img' -c length
        ''')

    def test_compressed(self):
        """All of it, or nothing."""
        self.table('''
            qemu-io -f qcow2 -c 'write -c 128k 65k' -c 'write -c 256k 512' -c 'write -c 960k 64k' -c map q.img
        ''')

    def test_behind(self):
        """What fails behind the commands is told when one of them waits, the
        newest first."""
        self.table('''
            qemu-io -f raw -c 'aio_write 2M 4k' -c 'read 3M 4k' -c 'write 1M 1' r.img
            qemu-io -f qcow2 -c 'aio_read 2M 4k' -c 'read 3M 4k' -c length o.img
            qemu-io -f qcow2 -c 'aio_write 2M 4k' -c aio_flush -c 'read 3M 4k' o.img
            qemu-io -f raw -c 'aio_write 1M 1' -c 'aio_read 2M 1' -c 'read 0 512' -c 'aio_write 1M 2' -c 'aio_read 4M 3' -c 'write 0 512' r.img
            printf 'aio_write 1M 1\naio_read 2M 1\nlength\nquit\n' | qemu-io -f raw r.img
        ''')

    def test_reopen(self):
        """Options of what is behind, too, but for a few that stay."""
        self.table('''
            qemu-io -f qcow2 -c 'reopen -o backing.driver=qcow2' -c 'reopen -o backing.driver=raw' -c 'reopen -o backing.file.driver=file' -c 'reopen -o backing.file.filename=q.img' -c 'reopen -o node-name=x' o.img
            qemu-io -f qcow2 -c 'reopen -o backing.read-only=off' -c 'reopen -o backing.read-only=on' -c 'reopen -o backing.cache.direct=on' -c 'write 0 1k' o.img
            qemu-io -f qcow2 -c 'reopen -o cache.writeback=off -c none' -c 'reopen -o cache.direct=on -c none' -c 'reopen -o file.cache.direct=on -c none' o.img
        ''')


class Drivers(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_flush(self):
        """It fails without a word; without -t each write brings one."""
        self.table('''
            B=driver=blkdebug,image.filename=r.img,inject-error.0.event=none,inject-error.0.iotype=flush; qemu-io -t writeback -c 'write 0 512' -c flush --image-opts $B
            B=driver=blkdebug,image.filename=r.img,inject-error.0.event=flush_to_disk; qemu-io -c 'write 0 512' -c flush --image-opts $B
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=none,file.inject-error.0.iotype=flush; qemu-io -c 'write 0 512' -c 'write -z 0 64k' -c flush --image-opts $B
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=flush_to_os; qemu-io -c 'write 0 512' -c 'write -z 0 64k' -c flush --image-opts $B
            B=driver=raw,file.driver=raw,file.file.driver=blkdebug,file.file.image.filename=r.img,file.file.inject-error.0.event=flush_to_disk; qemu-io -c 'write 0 512' -c flush --image-opts $B
        ''')

    def test_block_status(self):
        self.table('''
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=none,file.inject-error.0.iotype=block-status; qemu-io -c map -c 'alloc 0' --image-opts $B
        ''')

    def test_info(self):
        self.table('''
            qemu-io -c info null-co://
            qemu-io -c info --image-opts driver=raw,file.driver=null-co
            qemu-io -c info --image-opts driver=blkdebug,image.filename=r.img
            qemu-io -c info --image-opts driver=file,filename=r.img
            qemu-io -c info --image-opts driver=copy-on-read,file.driver=raw,file.file.filename=r.img
            qemu-io -c info --image-opts driver=quorum,vote-threshold=1,children.0.driver=raw,children.0.file.filename=r.img
        ''')

    def test_relative(self):
        """Names of images behind count from the file below blkdebug."""
        self.table('''
            qemu-io -c 'read -P 1 0 64k' --image-opts driver=qcow2,file.driver=blkdebug,file.align=4096,file.image.filename=o.img
            mkdir s; mv q.img o.img s; qemu-io -c 'read -P 1 0 64k' --image-opts driver=qcow2,file.driver=blkdebug,file.align=4096,file.image.filename=s/o.img
            qemu-img rebase -u -b r.img -F raw --image-opts driver=qcow2,file.driver=blkdebug,file.align=4096,file.image.filename=o.img; qemu-img info o.img
        ''')

    def test_refused(self):
        self.table('''
            qemu-io -c length --image-opts driver=throttle,file.filename=r.img
            qemu-io -c length --image-opts driver=quorum,children.0.file.filename=r.img
            qemu-io -c length --image-opts driver=quorum,vote-threshold=1,children.0.driver=raw,children.0.file.filename=r.img,bogus=1
            qemu-io -c length --image-opts driver=raw,file.filename=r.img,inject-error.0.event=read_aio
            qemu-io -c length --image-opts driver=blkdebug,image.filename=r.img,align=-1
            qemu-img info 'json:{"driver":"qcow2","file":null}'
            qemu-img info --image-opts driver=blkdebug,image.filename=r.img,unshare-child-perms.0=write
        ''')


if __name__ == '__main__':
    case.main()
