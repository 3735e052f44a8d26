#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Filters and test drivers in command lines: options, texts, events."""

from lib import case, shell_diff

# Three copies of the same bytes, the second one damaged, and words for a
# quorum of them; a machine that runs commands of QMP.
COPIES = shell_diff.IMAGES + '''
for i in a b c; do
    qemu-img create -q -f raw $i 1M
    qemu-io -f raw -c 'write -q -P 5 0 1M' $i
done
qemu-io -f raw -c 'write -q -P 6 64k 64k' b
'''


class Quorum(shell_diff.ShellDiff):

    setup = COPIES

    def test_guessed(self):
        """Children that are raw only because they look so."""
        self.table('''
            qemu-io -c 'write 0 64k' -c 'read 0 64k' --image-opts driver=quorum,vote-threshold=2,children.0.file.filename=a,children.1.file.filename=b
            qemu-img info --image-opts driver=quorum,vote-threshold=2,children.0.file.filename=a,children.1.file.filename=b
            qemu-io -r -c 'read 0 64k' --image-opts driver=quorum,vote-threshold=2,children.0.file.filename=a,children.1.driver=raw,children.1.file.filename=b
            qemu-img create -q -f raw e 1M; qemu-io -f raw -c 'read -v 0 16' q.img | head -1; dd if=q.img of=h bs=512 count=1 status=none; qemu-io -c 'write -s h 0 512' --image-opts driver=quorum,vote-threshold=1,children.0.file.filename=e
        ''')

    def test_no_list(self):
        self.table('''
            qemu-io -c length --image-opts driver=quorum,vote-threshold=2,children.0.file.filename=a,children.2.file.filename=b
            qemu-io -c length --image-opts driver=quorum,vote-threshold=1,children.x.file.filename=a
        ''')

    def test_flush(self):
        """A write that is to be on the disk has one vote about flushing."""
        self.table('''
            B=driver=blkdebug,image.filename; Q=driver=quorum,vote-threshold=2,children.0.driver=raw,children.0.file.filename=a,children.1.driver=raw,children.1.file.filename=c,children.2.driver=blkdebug,children.2.image.filename=b,children.2.inject-error.0.event=none,children.2.inject-error.0.iotype=flush; qemu-io -c 'write -P 7 0 64k' -c 'write -f 0 512' -c 'write -z -f 0 512' -c flush --image-opts $Q
        ''')


class Rules(shell_diff.ShellDiff):
    """Of blkdebug."""

    setup = shell_diff.IMAGES

    def test_short(self):
        """One rule need not be in a list, and not complete."""
        self.table('''
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img; qemu-io -c 'read 0 64k' -c 'write 0 64k' --image-opts $B,file.inject-error.event=read_aio
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img; qemu-io -c 'read 0 64k' -c 'write 0 64k' --image-opts $B,file.set-state.event=read_aio,file.inject-error.0.event=write_aio,file.inject-error.0.state=1
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img; qemu-io -c length --image-opts $B,file.inject-error=x
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img; qemu-io -c length --image-opts $B,file.take-child-perms=write
        ''')

    def test_errno(self):
        """A negative one is none, and nothing is done; a large one has no
        name."""
        self.table('''
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=none; qemu-io -c 'read -P 1 0 64k' -c 'read -P 0xab 0 64k' -c 'write -P 2 0 64k' -c flush -c map --image-opts $B,file.inject-error.0.errno=-5; qemu-io -f raw -c 'read -P 1 0 64k' r.img
            B=driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=none; qemu-io -c 'read 0 64k' -c 'write 0 64k' -c 'discard 0 64k' -c flush --image-opts $B,file.inject-error.0.errno=5000
        ''')

    def test_lost(self):
        """What cannot be written when an image is closed is told of."""
        self.table('''
            printf '[inject-error]\\nevent = "write_aio"\\n' >c; qemu-io -t writeback -f qcow2 -c 'write 512k 512' blkdebug:c:q.img; qemu-img check q.img
            printf '[inject-error]\\nevent = "refblock_update_part"\\nerrno = "28"\\n' >c; qemu-io -t writeback -f qcow2 -c 'write 512k 512' blkdebug:c:q.img
        ''')

    def test_unreadable(self):
        self.table('''
            printf '[inject-error]\\nevent = "none"\\n' >c; qemu-img info blkdebug:c:q.img
            printf '[inject-error]\\nevent = "l2_load"\\n' >c; qemu-img map blkdebug:c:q.img
            printf '[inject-error]\\nevent = "l2_load"\\n' >c; qemu-img map --output=json blkdebug:c:q.img
        ''')


class Objects(shell_diff.ShellDiff):
    """Texts of --object, and of the machine's -object, which has others."""

    def test_tools(self):
        self.table('''
            for o in throttle-group,id=g,x-bps-total=-1 throttle-group,id=g,bogus=1 throttle-group,id=1g throttle-group,id=g,x-iops-total=x '{"qom-type":"throttle-group","id":"g","x-bps-total":-1}' '{"qom-type":"throttle-group","id":"g","limits":{"bps-total":-1}}'; do qemu-img info --object "$o" x; qemu-io --object "$o" -c quit; done
        ''')

    def test_machine(self):
        self.table('''
            for o in throttle-group,id=g,x-bps-total=-1 throttle-group,id=g,bogus=1 throttle-group,id=1g throttle-group,id=g,x-iops-total=x throttle-group,id=g,limits.bps-total=5 throttle-group,id=g,x-bps-total=2,x-bps-read=1 secret,id=a secret,id=a,file=none secret,id=a,data=x,format=y '{"qom-type":"throttle-group","id":"g","x-bps-total":-1}' '{"qom-type":"throttle-group","id":"g","bogus":1}'; do qemu-system-x86_64 -nodefaults -display none -machine none -object "$o"; done
        ''')


class Log(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_resize(self):
        self.table('''
            qemu-img create -q -f raw log 0; L=driver=blklogwrites,file.driver=raw,file.file.filename=r.img,log.driver=file,log.filename=log; qemu-img resize --image-opts $L 2M; qemu-img info -f raw r.img; od -A x -t x8 log
        ''')


class Info(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_behind_filters(self):
        """Where the state of a machine begins is what the image says."""
        self.table('''
            qemu-io -c info --image-opts driver=copy-on-read,file.driver=qcow2,file.file.filename=o.img
            qemu-io -c info --image-opts driver=compress,file.driver=qcow2,file.file.filename=q.img
            qemu-io -c info --image-opts driver=raw,file.driver=qcow2,file.file.filename=q.img
        ''')


class InMachines(shell_diff.ShellDiff):
    """Commands of qemu-io through a machine's monitor, and what shows."""

    setup = shell_diff.IMAGES + '''
cat >hmp <<'X'
while read -r line; do printf '%s\\n' "{'execute':'human-monitor-command','arguments':{'command-line':'$line'}}"; done >cmds
(echo "{'execute':'qmp_capabilities'}"; cat cmds; echo "{'execute':'quit'}") | qemu-system-x86_64 -nodefaults -display none -machine none -qmp stdio "$@" 2>&1 | sed '1d;s/"timestamp": {[^}]*}//'
X
'''

    def test_event_order(self):
        """An event comes before what is printed after it."""
        self.table('''
            cp r.img a; cp r.img c; cp r.img b; qemu-io -f raw -c 'write -P 9 0 512' b >/dev/null; echo 'qemu-io d "read -P 1 0 64k"' | bash hmp -drive if=none,id=d,driver=quorum,vote-threshold=2,children.0.driver=raw,children.0.file.filename=a,children.1.driver=raw,children.1.node-name=n1,children.1.file.filename=b,children.2.driver=raw,children.2.file.filename=c
        ''')

    def test_info(self):
        self.table('''
            echo 'qemu-io d info' | bash hmp -drive if=none,id=d,file=q.img,format=qcow2
        ''')

    def test_reopen(self):
        self.table('''
            printf 'qemu-io d "reopen -c %s"\\ninfo block d\\n' writethrough none unsafe writeback | bash hmp -drive if=none,id=d,file=q.img,format=qcow2,node-name=n
            printf 'qemu-io d "reopen -o %s"\\ninfo block d\\n' backing.cache.direct=on file.cache.direct=on cache.no-flush=on | bash hmp -drive if=none,id=d,file=o.img,format=qcow2,node-name=n
            echo 'qemu-io d "reopen -o backing.cache.direct=on"' | bash hmp -drive if=none,id=d,file=q.img,format=qcow2
        ''')

    def test_writethrough(self):
        self.table('''
            printf 'qemu-io d "%s"\\n' 'write 0 512' 'aio_write 0 512' aio_flush | bash hmp -drive if=none,id=d,driver=raw,file.driver=blkdebug,file.image.filename=r.img,file.inject-error.0.event=none,file.inject-error.0.iotype=flush,cache=writethrough
        ''')


class Names(shell_diff.ShellDiff):
    """json: names beside a format that was said: the format counts more."""

    setup = shell_diff.IMAGES

    def test_backing(self):
        self.table('''
            J="json:{'driver':'qcow2','file':{'driver':'file','filename':'q.img'}}"; /usr/bin/qemu-img create -q -f qcow2 -F raw -b "$J" n.img; qemu-io -c 'read -v 0 16' n.img; qemu-img map --output=json n.img; qemu-img info --backing-chain n.img
            J="json:{'driver':'raw','file':{'driver':'file','filename':'q.img'}}"; /usr/bin/qemu-img create -u -q -f qcow2 -F qcow2 -b "$J" n.img 1M; qemu-io -c 'read -v 0 16' n.img
            J="json:{'driver':'null-co'}"; /usr/bin/qemu-img create -u -q -f qcow2 -F raw -b "$J" n.img 1M; qemu-io -c 'read -v 0 16' n.img; qemu-img create -q -f qcow2 -F raw -b "$J" m.img
            J="json:{'driver':'qcow2','file':{'driver':'file','filename':'o.img'},'backing':null}"; qemu-img create -q -f qcow2 -F raw -b "$J" n.img; qemu-img info --backing-chain n.img
        ''')

    def test_tools(self):
        self.table('''
            for f in raw qcow2 null-co bad; do for d in qcow2 raw; do J="json:{'driver':'$d','file':{'driver':'file','filename':'q.img'}}"; qemu-img info -f $f "$J"; qemu-io -f $f -c length "$J"; qemu-img compare -f $f -F raw "$J" r.img; done; done
            for f in raw qcow2 null-co; do for J in "json:{'driver':'null-co'}" "json:{'driver':'file','filename':'q.img'}" "json:{'file':{'driver':'file','filename':'q.img'}}"; do qemu-img info -f $f "$J"; done; done
        ''')

    def test_warned(self):
        """The name in the warning, where nobody gave one; a descriptor that
        only reads will do until somebody writes."""
        self.table('''
            echo '{"execute":"qmp_capabilities"} {"execute":"quit"}' | qemu-system-x86_64 -nodefaults -display none -machine none -qmp stdio -drive if=none,id=d,file.driver=null-co >/dev/null
            exec 6<r.img; echo '{"execute":"qmp_capabilities"} {"execute":"quit"}' | qemu-system-x86_64 -nodefaults -display none -machine none -qmp stdio -add-fd fd=6,set=1 -drive file=/dev/fdset/1,format=raw,if=none,id=d >/dev/null
        ''')


if __name__ == '__main__':
    case.main()
