#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Options that change others or come from a file, and wrong words of options
that have no effect without a guest."""

from lib import case, machine

DISK = 'if=none,id=d,driver=null-co'


class Config(machine.MachineCase):

    def write(self, text):
        with open(self.path('cfg'), 'w', encoding='ascii') as file:
            file.write(text)

    def test_set(self):
        vm = self.machine('-machine', 'none', '-drive', DISK, '-set',
                          'drive.d.read-only=on')
        info, = vm.cmd('query-block')
        self.assertTrue(info['inserted']['ro'])

    def test_set_refused(self):
        for text, desc in [
                ('foo', 'can\'t parse: "foo"'),
                ('drive.d=x', 'can\'t parse: "drive.d=x"'),
                ('drive.x.file=y', 'there is no drive "x" defined'),
                ('foo.bar.baz=1', "There is no option group 'foo'")]:
            self.assertEqual(self.refused('-drive', DISK, '-set', text),
                             f'-set {text}: {desc}')
        self.assertEqual(
            self.refused('-drive', DISK, '-set', 'drive.d.foo=1'),
            f"-drive {DISK}: Block protocol 'null-co' doesn't support the "
            "option 'foo'")

    def test_read(self):
        self.write('# disks\n\n[drive "d"]\n  if = "none"\n'
                   '  driver = "null-co"\n[machine]\n type = "pc"\n'
                   '[device "v"]\n driver = "virtio-blk-pci"\n'
                   ' drive = "d"\n')
        vm = self.machine('-readconfig', 'cfg')
        info, = vm.cmd('query-block')
        self.assertEqual((info['device'], info['qdev']),
                         ('d', '/machine/peripheral/v/virtio-backend'))

    def test_read_without_effect(self):
        self.write('[spice]\n disable-ticketing = "on"\n'
                   '[fw_cfg]\n name = "opt/a"\n string = "b"\n'
                   '[object "mem0"]\n qom-type = "memory-backend-ram"\n'
                   ' size = "64M"\n[memory]\n size = "64M"\n'
                   '[numa]\n type = "node"\n nodeid = "0"\n'
                   ' memdev = "mem0"\n[sandbox]\n enable = "on"\n')
        vm = self.machine('-machine', 'pc', '-readconfig', 'cfg')
        self.assertIn('mem0', [o['name'] for o in vm.cmd(
            'qom-list', path='/objects')])

    def test_without_effect(self):
        vm = self.machine('-machine', 'pc', '-fw_cfg',
                          'name=opt/a,string=b', '-singlestep')
        self.assertEqual(vm.cmd('query-name'), {})

    @case.ours_only('has no blank in front of a place')
    def test_read_refused(self):
        self.write('[nosuch]\n a = "b"\n')
        self.assertIn("There is no option group 'nosuch'",
                      self.refused('-readconfig', 'cfg'))
        self.write('[memory]\n a = "b"\n')
        self.assertIn("cfg:2: Invalid parameter 'a'",
                      self.refused('-readconfig', 'cfg'))

    def test_read_nothing(self):
        self.assertEqual(self.refused('-readconfig', 'nosuch'),
                         "-readconfig nosuch: Could not open 'nosuch': No "
                         'such file or directory')


class Words(machine.MachineCase):

    def test_bare(self):
        for option, words, text in [
                ('-rtc', 'clock=foo', "invalid option value 'foo'"),
                ('-rtc', 'base=foo', 'invalid datetime format'),
                ('-boot', 'foo=bar', "Parameter 'boot.foo' is unexpected"),
                ('-boot', 'order=z', "Invalid boot device 'z'"),
                ('-boot', 'cc', "Boot device 'c' was given twice"),
                ('-boot', 'menu=x',
                 "Parameter 'boot.menu' expects 'on' or 'off'")]:
            self.assertEqual(self.refused('-machine', 'pc', option, words),
                             text)

    def test_with_option(self):
        for option, words, text in [
                ('-rtc', 'foo=bar', "Invalid parameter 'foo'"),
                ('-name', 'a,bar=baz', "Invalid parameter 'bar'"),
                ('-m', 'foo=1', "Invalid parameter 'foo'"),
                ('-overcommit', 'foo=1', "Invalid parameter 'foo'"),
                ('-watchdog-action', 'foo',
                 "Parameter 'watchdog' does not accept value 'foo'"),
                ('-overcommit', 'mem-lock=foo',
                 "Parameter 'mem-lock' expects 'on' or 'off'"),
                ('-m', '64M,slots=foo', "Parameter 'slots' expects a number"),
                ('-m', '64M,maxmem=foo', "Parameter 'maxmem' expects a "
                 'non-negative number below 2^64'),
                ('-trace', 'foo=bar', "Invalid parameter 'foo'"),
                ('-seed', 'foo', 'Invalid seed number: foo'),
                ('-icount', 'foo', 'icount: Invalid shift value'),
                ('-icount', 'shift=11', 'icount: Invalid shift value'),
                ('-icount', 'foo=bar', "Invalid parameter 'foo'"),
                ('-icount', 'shift=1,rr=foo', 'Invalid icount rr option: foo'),
                ('-icount', 'align=on',
                 'Please specify shift option when using align'),
                ('-icount', 'auto,align=on,sleep=off',
                 'align=on and sleep=off are incompatible'),
                ('-sandbox', 'foo',
                 "Parameter 'enable' expects 'on' or 'off'"),
                ('-sandbox', 'on,foo=1', "Invalid parameter 'foo'"),
                ('-sandbox', 'on,spawn=foo', 'invalid argument for spawn'),
                ('-netdev', 'foo', "Parameter 'id' is missing"),
                ('-netdev', 'id=n', "Parameter 'type' is missing"),
                ('-netdev', 'foo,id=n',
                 "Parameter 'type' does not accept value 'foo'"),
                ('-netdev', 'user,id=n,foo=1', "Invalid parameter 'foo'"),
                ('-netdev', 'user,id=n,restrict=1x',
                 "Parameter 'restrict' expects 'on' or 'off'"),
                ('-netdev', 'hubport,id=n', "Parameter 'hubid' is missing"),
                ('-netdev', 'socket,id=n', 'exactly one of listen=, connect=, '
                 'mcast= or udp= is required')]:
            self.assertEqual(self.refused(option, words),
                             f'{option} {words}: {text}')

    def test_without_option(self):
        for option, words, text in [
                ('-m', '64M,slots=4', 'slots specified but no max-size'),
                ('-m', '64M,maxmem=32M', 'invalid value of maxmem: maximum '
                 'memory size (0x2000000) must be at least the initial memory '
                 'size (0x4000000)'),
                ('-m', '64M,slots=257,maxmem=1G',
                 'unsupported amount of memory slots: 257'),
                ('-D', '.', 'Error opening logfile .: Is a directory'),
                ('-D', 'a%sb', 'Bad logfile template: a%sb')]:
            with self.subTest(words=words):
                self.assertEqual(
                    self.refused('-machine', 'pc', option, words), text)

    def test_pretty_is_for_programs(self):
        words = 'c,mode=readline,pretty=on'
        self.assertEqual(
            self.refused('-chardev', 'null,id=c', '-mon', words),
            f"-mon {words}: 'pretty' is not compatible with HMP monitors")

    def test_nobody_is_connected(self):
        vm = self.machine('-machine', 'pc', '-netdev', 'user,id=n')
        vm.quit()
        self.assertEqual(vm.stderr(), 'qemu-system-x86_64: warning: netdev n '
                         'has no peer\n')
        vm = self.machine('-machine', 'pc', '-netdev', 'user,id=n', '-device',
                          'virtio-net-pci,netdev=n')
        vm.quit()
        self.assertEqual(vm.stderr(), '')

    def test_machine(self):
        pc = 'pc-i440fx-7.2-machine'
        for option, words, text in [
                ('-machine', 'pc,foo=bar', f"Property '{pc}.foo' not found"),
                ('-machine', 'pc,vmport=foo',
                 "Parameter 'vmport' does not accept value 'foo'"),
                ('-machine', 'pc,hpet=foo',
                 "Parameter 'hpet' expects 'on' or 'off'"),
                ('-machine', 'pc,max-ram-below-4g=foo',
                 "Parameter 'max-ram-below-4g' expects size"),
                ('-machine', 'none,foo=on',
                 "Property 'none-machine.foo' not found"),
                ('-machine', 'pc,smm', "-machine pc,smm: Expected '=' after "
                 "parameter 'smm'"),
                ('-machine', 'accel=xen:hvf', 'invalid accelerator hvf'),
                ('-cpu', '', '-cpu option cannot be empty'),
                ('-cpu', 'qemu64,+foo',
                 "Property 'qemu64-x86_64-cpu.foo' not found"),
                ('-cpu', 'max,foo=1', "can't apply global max-x86_64-cpu."
                 "foo=1: Property 'max-x86_64-cpu.foo' not found"),
                ('-cpu', 'qemu64,sse=foo', "can't apply global qemu64-x86_64-"
                 "cpu.sse=foo: Parameter 'sse' expects 'on' or 'off'")]:
            with self.subTest(words=words):
                self.assertEqual(self.refused(option, words), text)

    def test_accelerator(self):
        for words, text in [
                ('xen', 'invalid accelerator xen'),
                ('tcg:kvm', 'invalid accelerator tcg:kvm'),
                ('tcg,foo=bar', "Property 'tcg-accel.foo' not found"),
                ('tcg,thread=foo', "Invalid 'thread' setting foo"),
                ('tcg,tb-size=foo', "Parameter 'tb-size' expects uint64"),
                ('tcg,split-wx=foo',
                 "Parameter 'split-wx' expects 'on' or 'off'")]:
            with self.subTest(words=words):
                self.assertEqual(self.refused('-accel', words),
                                 f'-accel {words}: {text}')
        self.assertEqual(
            self.refused('-accel', 'tcg', '-machine', 'accel=tcg'),
            'The -accel and "-machine accel=" options are incompatible')

    def test_fall_back(self):
        vm = self.machine('-machine', 'none,accel=xen:tcg')
        vm.quit()
        self.assertEqual(vm.stderr(),
                         'qemu-system-x86_64: invalid accelerator xen\n'
                         'qemu-system-x86_64: falling back to tcg\n')

    def test_taken(self):
        for args in (('-rtc', 'base=2006-06-17T16:01:21,clock=vm'),
                     ('-boot', 'order=cd,menu=on'),
                     ('-machine', 'pc-q35-7.2,usb=off,smm=on,hpet=off,'
                      'dump-guest-core=off,acpi=on,smp.cpus=2'),
                     ('-cpu', 'qemu64,+sse4_1,-mmx,vendor=GenuineIntel,lm'),
                     ('-icount', 'shift=3,align=on'),
                     ('-m', '64M,slots=2,maxmem=128M'),
                     ('-accel', 'tcg,thread=single,tb-size=32'),
                     ('-name', 'guest=a,debug-threads=on')):
            self.machine('-machine', 'pc', *args).quit()

    def test_objects_that_fail(self):
        """What is wrong with the words comes with the option, what with the
        object does not."""
        for words, text in (
                ('secret,id=a', "Either 'file' or 'data' must be provided"),
                ('secret,id=a,data=x,file=y',
                 "'file' and 'data' are mutually exclusive"),
                ('secret,id=a,data=x,keyid=no', "No secret with id 'no'"),
                ('throttle-group,id=a,x-bps-total-max=1',
                 'bps_max/iops_max require corresponding bps/iops values'),
                ('iothread', "-object iothread: Parameter 'id' is missing"),
                ('iothread,id=1', "-object iothread,id=1: Parameter 'id' "
                 'expects an identifier')):
            with self.subTest(words=words):
                self.assertEqual(self.refused('-object', words), text)

    def test_names_twice(self):
        for option, words, what in [
                ('-object', 'iothread,id=a', 'object'),
                ('-chardev', 'null,id=a', 'chardev')]:
            self.assertEqual(self.refused(option, words, option, words),
                             f"{option} {words}: Duplicate ID 'a' for {what}")

    def test_qtest_fails(self):
        self.assertEqual(
            self.refused('-machine', 'none', '-qtest', 'unix:/nosuch/x'),
            'Failed to initialize device for qtest: "unix:/nosuch/x"')


if __name__ == '__main__':
    case.main()
