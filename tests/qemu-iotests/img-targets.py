#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Where qemu-img makes images: names with a protocol, exports of servers."""

from lib import case, shell_diff


class Names(shell_diff.ShellDiff):

    setup = 'truncate -s 64k r.img'

    def test_create(self):
        self.table('''
            qemu-img create -f raw a:b 1M; ls
            qemu-img create -f raw ./a:b 1M; ls
            qemu-img create -f raw file:a:b 1M; ls
            qemu-img create -f qcow2 file:x 1M; ls
            qemu-img create -f raw json:x 1M; ls
            qemu-img create -f raw 'json:{"driver":"file","filename":"x"}' 1M
            qemu-img create -f raw blkdebug::x 1M; ls
            qemu-img create -f qcow2 blkdebug::x 1M; ls
            qemu-img create -f raw blkverify:a:b 1M
            qemu-img create -f raw null-co:// 1M
            qemu-img create -f qcow2 null-aio:// 1M
            qemu-img create -f raw quorum:x 1M
            qemu-img create -f raw host_device:nosuch 1M
            qemu-img create -f bogus a:b 1M
            qemu-img create -f qcow2 -o help bogus://x
            qemu-img create -f qcow2 -o help nbd://x
            qemu-img create -f raw -o help file:x
        ''')

    def test_convert(self):
        self.table('''
            qemu-img convert -O raw r.img a:b; ls
            qemu-img convert -O qcow2 r.img blkdebug::x; ls
            qemu-img convert -O qcow2 r.img file:x; ls
            qemu-img dd if=r.img of=a:b; ls
            qemu-img dd if=r.img of=file:x; ls
        ''')


class Servers(shell_diff.ShellDiff):

    setup = shell_diff.END + '''
        truncate -s 1M r.img
        truncate -s 1M served
        qemu-io -f raw -c 'write -q -P 1 0 64k' served
        cat >served.sh <<'END'
            qemu-nbd -t --fork -k $PWD/sock --pid-file pid -f raw $1 served
            U="nbd+unix:///?socket=$PWD/sock"
            trap 'bash end pid' EXIT
END
    '''

    def test_no_server(self):
        self.table('''
            qemu-img create -f raw nbd:foo 1M
            qemu-img create -f raw nbd+unix:///foo 1M
            qemu-img create -f raw 'nbd+unix:///?socket=nosock' 1M
            qemu-img create -f qcow2 nbd:unix:nosock 1M
            qemu-img convert -O raw r.img nbd:unix:nosock
        ''')

    def test_in_export(self):
        self.table('''
            . ./served.sh; qemu-img create -f raw "$U" 1M; od -A d -N 513 served
            . ./served.sh; qemu-img create -f raw "$U" 2M
            . ./served.sh; qemu-img create -f raw -o preallocation=full "$U" 1M
            . ./served.sh; qemu-img create -f raw -o nocow=on "$U" 1M
            . ./served.sh; qemu-img create -f qcow2 "$U" 64M; qemu-img info "$U"
            . ./served.sh -r; qemu-img create -f raw "$U" 1M
            . ./served.sh; qemu-img convert -O raw r.img "$U"; echo $?
            . ./served.sh; qemu-img convert -O qcow2 r.img "$U"; echo $?
            . ./served.sh; qemu-img resize -f raw "$U" 2M
            . ./served.sh; qemu-img resize -f raw --shrink "$U" 512k
        ''')


class InUse(shell_diff.ShellDiff):
    """Images that a server has open."""

    setup = shell_diff.END + shell_diff.IMAGES + '''
        cat >served.sh <<'END'
            qemu-nbd -t --fork -k $PWD/sock --pid-file pid -f qcow2 "$@"
            D=driver=nbd,server.type=unix,server.path=$PWD/sock
            trap 'bash end pid' EXIT
END
    '''

    def test_commit(self):
        self.table('''
            . ./served.sh q.img; qemu-img commit o.img
            . ./served.sh -r q.img; qemu-img commit o.img
            . ./served.sh o.img; qemu-img commit o2.img
        ''')

    def test_contexts(self):
        self.table('''
            . ./served.sh -A -r o2.img; qemu-img map --output=json --image-opts $D,x-dirty-bitmap=qemu:allocation-depth
            . ./served.sh -r o2.img; qemu-img map --image-opts $D,x-dirty-bitmap=bogus
        ''')


if __name__ == '__main__':
    case.main()
