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
        ''')


if __name__ == '__main__':
    case.main()
