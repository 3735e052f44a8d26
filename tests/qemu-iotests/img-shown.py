#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What qemu-img info, map and measure show of odd names and options."""

from lib import case, shell_diff


class Info(shell_diff.ShellDiff):

    setup = shell_diff.IMAGES

    def test_spelling(self):
        """json: names keep how values were written."""
        self.table('''
            qemu-img info --image-opts driver=raw,size=1k,file.filename=r.img
            qemu-img info --image-opts driver=raw,offset=1k,size=512k,file.filename=r.img
            qemu-img info 'json:{"driver":"raw","size":"64k","file.filename":"r.img"}'
            qemu-img info 'json:{"driver":"raw","size":65536,"file.filename":"r.img"}'
            qemu-img info 'json:{"driver":"blkdebug","align":"4k","image.filename":"r.img"}'
            qemu-img info 'json:{"driver":"raw","file":{"driver":"blkdebug","align":4096,"image.filename":"r.img"}}'
            qemu-img info 'json:{"driver":"raw","file.driver":"blkdebug","file.align":"4096","file.image.filename":"r.img"}'
            qemu-img info 'json:{"driver":"null-co","size":"1M"}'
            qemu-img info 'json:{"driver":"null-co","size":1048576,"read-zeroes":"on"}'
            qemu-img create -q -f qcow2 -b 'json:{"driver":"raw","size":"64k","file.filename":"r.img"}' -F raw x; qemu-img info --backing-chain x
        ''')

    def test_behind(self):
        self.table('''
            qemu-img info --image-opts driver=qcow2,file.filename=o.img,backing.driver=raw
            qemu-img info --image-opts driver=qcow2,file.filename=o.img,backing.file.filename=r.img
            qemu-img info --image-opts driver=qcow2,file.filename=o.img,backing=
            qemu-img info --image-opts driver=qcow2,file.filename=o.img,backing=x
            qemu-img info 'json:{"driver":"qcow2","backing":null,"file.filename":"o.img"}'
            qemu-io -c length 'json:{"driver":"qcow2","backing":"","file.filename":"o.img"}'
            qemu-img info --image-opts -U driver=qcow2,file.filename=q.img,force-share=off
            qemu-img info --image-opts -U driver=qcow2,file.filename=q.img,force-share=on
        ''')

    def test_map(self):
        self.table('''
            qemu-img map --start-offset=2M --output=json o2.img
            qemu-img map --output=json null-co://
            qemu-img map --output=json 'json:{"driver":"null-co","size":"64k","read-zeroes":true}'
            qemu-img map --output=json 'json:{"driver":"raw","offset":512,"file":{"driver":"null-co","size":"64k"}}'
        ''')

    def test_measure(self):
        self.table('''
            qemu-img measure --size 7E -O qcow2
            qemu-img measure -O qcow2 -o backing_file=x o2.img
            qemu-img measure -f raw -O qcow2 -o backing_file=x r.img
            qemu-img measure -O qcow2 -o backing_file=x --size 1M
            qemu-img create -q -f qcow2 -o compat=0.10 x 1M; qemu-img measure -O qcow2 x; qemu-img measure -O qcow2 -o compat=0.10 x; qemu-img measure -O qcow2 -o compat=0.10 q.img
        ''')


class Secrets(shell_diff.ShellDiff):
    """Who only looks at an image needs no password."""

    setup = '''
        S='--object secret,id=s,data=abc'
        for i in 1 2 3 4 5 6 7 8; do
            qemu-img create -q -f luks $S -o key-secret=s,iter-time=10 l 1M \
                2>err && break
        done
        for i in 1 2 3 4 5 6 7 8; do
            qemu-img create -q -f qcow2 $S -o encrypt.format=luks \
                -o encrypt.key-secret=s,encrypt.iter-time=10 q 1M 2>err && break
        done
        for file in l q; do
            qemu-img info $file >/dev/null || exit 1
        done
    '''

    def run_line(self, line, folder):
        # Made once: their salts differ.
        if not hasattr(self, 'made'):
            super().run_line('true', '/usr/bin')
            self.made = {name: open(self.path(f'w/{name}'), 'rb').read()
                         for name in ('l', 'q')}
            self.setup = ':'
        line = line.replace('L=', f'cp {self.path("l")} {self.path("q")} .; L=')
        for name, content in self.made.items():
            with open(self.path(name), 'wb') as f:
                f.write(content)
        return super().run_line(line, folder)

    def test_info(self):
        self.table('''
            L=driver=luks,file.filename=l; qemu-img info --image-opts $L
            L=driver=luks,file.filename=l; qemu-img info --image-opts $L,key-secret=no
            L=driver=luks,file.filename=l; qemu-img info --image-opts $L,key-secret=
            L=driver=qcow2,file.filename=q; qemu-img info --image-opts $L,encrypt.key-secret=no
            L=driver=luks,file.filename=l; qemu-img map --image-opts $L,key-secret=no
        ''')


if __name__ == '__main__':
    case.main()
