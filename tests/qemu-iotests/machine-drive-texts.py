#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is said of words of -drive that make no sense, and which words do."""

from lib import case, images, machine, tools
from lib.images import MIB

SIZE = 'expects a non-negative number below 2^64'
TWICE = "Can't specify 'file' and 'filename' options at the same time"
OVERLAP = ("Unsupported value 'foo' for qcow2 option 'overlap-check'. Allowed "
           'are any of the following: none, constant, cached, all')

REFUSED = [
    # names of files
    ('file=a.img,file.filename=b.img', TWICE),
    ('driver=file,file=a.img,filename=b.img', TWICE),
    ('file=a.img,file.driver=nbd',
     "File name string for NBD must start with 'nbd:'"),
    ('file=a.img,file.driver=null-co',
     "The only allowed filename for this driver is 'null-co://'"),
    ('file=a.img,file.driver=nosuch', "Unknown driver 'nosuch'"),
    ('format=qcow2,file=file:x:a.img',
     "Could not open './x:a.img': No such file or directory"),
    # children
    ('driver=blkdebug', 'A block device must be specified for "image"'),
    ('driver=blkverify', 'A block device must be specified for "raw"'),
    ('driver=blkverify,raw.filename=a.img',
     'A block device must be specified for "test"'),
    ('driver=quorum,vote-threshold=1',
     'Number of provided children must be 1 or more'),
    ('driver=copy-before-write,target.driver=null-co',
     "Parameter 'file' is missing"),
    ('driver=qcow2,file=t.qcow2,backing.driver=foo',
     "Could not open backing file: Unknown driver 'foo'"),
    # values
    ('driver=qcow2,file=t.qcow2,l2-cache-size=foo',
     f"Parameter 'l2-cache-size' {SIZE}"),
    ('driver=qcow2,file=t.qcow2,l2-cache-size=99999999999G',
     "Value '99999999999G' is out of range for parameter 'l2-cache-size'"),
    ('driver=qcow2,file=t.qcow2,cache-clean-interval=foo',
     "Parameter 'cache-clean-interval' expects a number"),
    ('driver=qcow2,file=t.qcow2,overlap-check=foo', OVERLAP),
    ('driver=qcow2,file=t.qcow2,overlap-check.template=foo', OVERLAP),
    ('driver=qcow2,file=t.qcow2,overlap-check=all,overlap-check.template=none',
     "Conflicting values for qcow2 options 'overlap-check' ('all') and "
     "'overlap-check.template' ('none')"),
    ('driver=qcow2,file=t.qcow2,overlap-check.foo=on',
     "Block format 'qcow2' does not support the option 'overlap-check.foo'"),
    ('driver=raw,file=a.img,file.locking=foo', 'invalid parameter value: foo'),
    ('driver=blkdebug,image.filename=a.img,align=foo',
     f"Parameter 'align' {SIZE}"),
    ('driver=blkdebug,image.filename=a.img,foo=on',
     "Block protocol 'blkdebug' doesn't support the option 'foo'"),
    ('driver=blkdebug,image.filename=a.img,inject-error.0.foo=on',
     "[inject-error] section doesn't support the option 'foo'"),
    ('driver=blkdebug,image.filename=a.img,inject-error.0.event=foo',
     'invalid parameter value: foo'),
    ('driver=quorum,children.0.driver=null-co,vote-threshold=1,'
     'read-pattern=foo', 'Please set read-pattern as fifo or quorum'),
    # how it is used
    ('file=a.img,format=raw,stats-intervals=10:60',
     "Block format 'raw' does not support the option 'stats-intervals'"),
    ('file=a.img,format=raw,readonly=foo',
     "Parameter 'read-only' expects 'on' or 'off'"),
    ('file=a.img,format=raw,iops=-1',
     'bps/iops/max values must be within [0, 1000000000000000]'),
]

TAKEN = [
    'driver=qcow2,file=t.qcow2,overlap-check=none,'
    'overlap-check.template=none,overlap-check.inactive-l2=on',
    'file=a.img,format=raw,if=ide,bus=0,index=1',
    'file=a.img,file.driver=raw,format=raw',
    'file=a.img,file.driver=blkdebug,format=raw',
]


class Texts(machine.MachineCase):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        images.make(self.path('b.img'), MIB)
        tools.img('create', '-q', '-f', 'qcow2', 'b.qcow2', '1M',
                  cwd=self.dir)
        tools.img('create', '-q', '-f', 'qcow2', '-b', 'b.qcow2', '-F',
                  'qcow2', 't.qcow2', cwd=self.dir)

    def test_refused(self):
        for words, text in REFUSED:
            drive = f'if=none,id=x,{words}'
            with self.subTest(words):
                self.assertEqual(self.refused('-drive', drive),
                                 f'-drive {drive}: {text}')

    def test_taken(self):
        for words in TAKEN:
            with self.subTest(words):
                vm = self.machine('-machine', 'pc', '-drive',
                                  words if 'if=' in words else
                                  f'if=none,id=x,{words}')
                self.assertIn('inserted', vm.cmd('query-block')[0])
                vm.quit()

    def test_empty(self):
        """A drive without a file takes no words on how that is opened."""
        for words in 'cache=none', 'cache.direct=off', 'discard=unmap':
            drive = f'if=none,id=x,{words}'
            with self.subTest(words):
                self.assertEqual(self.refused('-drive', drive),
                                 f'-drive {drive}: Must specify either driver '
                                 'or file')
        vm = self.machine('-machine', 'none', '-drive', 'if=none,id=x,'
                          'read-only=on,detect-zeroes=on,aio=native')
        self.assertNotIn('inserted', vm.cmd('query-block')[0])

    def test_warned_with_place(self):
        drive = 'if=none,id=x,file=a.img,format=raw,copy-on-read=on,readonly=on'
        done = machine.run('-display', 'none', '-nodefaults', '-machine',
                           'none', '-drive', drive, '-monitor', 'stdio',
                           stdin='quit\n', cwd=self.dir)
        self.assertEqual(done.stderr.splitlines()[0],
                         f'qemu-system-x86_64: -drive {drive}: warning: '
                         'disabling copy-on-read on read-only drive')

    def test_snapshot(self):
        """What is thrown away may not be written when that was said, and is
        listed before what is kept."""
        for more, read_only in (('', False), (',read-only=on', True)):
            vm = self.machine('-machine', 'none', '-drive', 'if=none,id=x,'
                              'file=a.img,snapshot=on,node-name=n' + more)
            nodes = vm.cmd('query-named-block-nodes')
            self.assertEqual([(n['drv'], n['ro']) for n in nodes],
                             [('qcow2', read_only), ('file', read_only),
                              ('raw', True), ('file', True)])
            vm.quit()
            self.assertNotIn('WARNING', vm.stderr())

    def test_cdrom_is_not_written(self):
        vm = self.machine('-machine', 'none', '-drive', 'if=none,id=x,'
                          'file=a.img,format=raw,media=cdrom,readonly=off')
        self.assertTrue(vm.cmd('query-block')[0]['inserted']['ro'])


class Quit(machine.MachineCase):

    def test_answer_comes_last(self):
        """After what the end of jobs tells of, also when no more input
        follows."""
        add = ("{'execute': 'blockdev-add', 'arguments': {'driver': 'null-co',"
               "'node-name': '%s', 'size': 1048576000}}")
        done = machine.run(
            '-display', 'none', '-nodefaults', '-machine', 'none', '-qmp',
            'stdio', stdin="{'execute': 'qmp_capabilities'}" + add % 'a' +
            add % 'b' + "{'execute': 'blockdev-mirror', 'arguments': "
            "{'job-id': 'j', 'device': 'a', 'target': 'b', 'sync': 'full', "
            "'speed': 65536}}{'execute': 'quit'}")
        lines = done.stdout.splitlines()
        shutdown = [i for i, s in enumerate(lines) if '"SHUTDOWN"' in s][0]
        null = [i for i, s in enumerate(lines) if '"null"' in s][0]
        self.assertLess(shutdown, null)
        self.assertEqual(lines[null + 1:], ['{"return": {}}'])


if __name__ == '__main__':
    case.main()
