#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines: how they are started, asked and ended, and what is refused."""

import json
import socket

from lib import case, images, machine, program
from lib.case import ours_only
from lib.images import MIB

NODE = 'driver=null-co,node-name=q'
DISK = 'if=none,id=d,driver=null-co'


class Probes(machine.MachineCase):

    def lines(self, *args):
        done = machine.run(*args)
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        return done.stdout.splitlines()

    def test_machines(self):
        lines = self.lines('-machine', 'help')
        self.assertEqual(lines[0], 'Supported machines are:')
        self.assertEqual(
            [line.split()[0] for line in lines if line.endswith('(default)')],
            ['pc-i440fx-7.2'])
        self.assertIn('pc                   Standard PC (i440FX + PIIX, 1996) '
                      '(alias of pc-i440fx-7.2)', lines)
        self.assertIn('none                 empty machine', lines)

    def test_devices(self):
        lines = self.lines('-M', 'none', '-device', 'help')
        for line in ['name "virtio-blk-pci", bus PCI, alias "virtio-blk"',
                     'name "virtio-scsi-pci", bus PCI, alias "virtio-scsi"',
                     'name "scsi-hd", bus SCSI, desc "virtual SCSI disk"',
                     'name "floppy", bus floppy-bus, '
                     'desc "virtual floppy drive"']:
            self.assertIn(line, lines)

    def test_properties(self):
        lines = self.lines('-device', 'scsi-hd,help')
        self.assertEqual(lines[0], 'scsi-hd options:')
        self.assertIn('  drive=<str>            - Node name or ID of a block '
                      'device to use as a backend', lines)
        self.assertIn('  serial=<str>', lines)

    def test_formats(self):
        lines = self.lines('-nodefaults', '-display', 'none', '-drive',
                           'format=help')
        self.assertEqual(len(lines), 2)
        head, formats = lines[0].split(': ')
        self.assertEqual(head, 'Supported formats')
        self.assertLessEqual({'raw', 'qcow2', 'nbd', 'throttle'},
                             set(formats.split(' ')))
        self.assertTrue(lines[1].startswith('Supported formats (read-only): '))

    def test_version(self):
        self.assertTrue(self.lines('-version')[0].startswith(
            'QEMU emulator version 7.2.22 ('))


class Monitors(machine.MachineCase):

    def test_stdio(self):
        """Requests in one piece, quotes of either kind, events in order."""
        done = machine.run(
            '-nodefaults', '-display', 'none', '-machine', 'none', '-S',
            '-nographic', '-serial', 'none', '-monitor', 'none', '-qmp',
            'stdio', stdin="{'execute': 'qmp_capabilities'}\n"
            '{"execute": "query-status"}\n{ \'execute\': \n\'quit\' }\n')
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertEqual(list(lines[0]), ['QMP'])
        self.assertEqual(lines[2]['return'],
                         {'status': 'prelaunch', 'singlestep': False,
                          'running': False})
        self.assertEqual(lines[3]['event'], 'SHUTDOWN')
        self.assertEqual(lines[3]['data'],
                         {'guest': False, 'reason': 'host-qmp-quit'})
        self.assertEqual(lines[4], {'return': {}})
        self.assertEqual(len(lines), 5)

    def test_after_the_end_of_input(self):
        """What happens then is told all the same."""
        request = '{"execute": "%s", "arguments": %s}\n'
        done = machine.run(
            '-nodefaults', '-display', 'none', '-machine', 'none', '-S',
            '-blockdev', 'null-co,node-name=n,read-zeroes=on', '-qmp', 'stdio',
            stdin=request % ('qmp_capabilities', '{}') +
            request % ('nbd-server-start', json.dumps({
                'addr': {'type': 'unix', 'data': {
                    'path': self.path('nbd.sock')}}})) +
            request % ('block-export-add', json.dumps({
                'type': 'nbd', 'id': 'e', 'node-name': 'n'})) +
            request % ('quit', '{}'))
        events = [e['event'] for e in map(json.loads, done.stdout.splitlines())
                  if 'event' in e]
        self.assertEqual(events, ['SHUTDOWN', 'BLOCK_EXPORT_DELETED'])

    def test_order_of_output(self):
        """Commands for people print where the monitor answers."""
        hmp = ('{"execute": "human-monitor-command", "arguments": '
               '{"command-line": "qemu-io d \\"%s 0 64k\\""}}\n')
        done = machine.run(
            '-nodefaults', '-display', 'none', '-machine', 'none', '-S',
            '-drive', DISK, '-qmp', 'stdio',
            stdin='{"execute": "qmp_capabilities"}\n' + hmp % 'write' +
            '{"execute": "query-status"}\n' + hmp % 'read' +
            '{"execute": "quit"}\n')
        words = [line[:9] for line in done.stdout.splitlines()]
        self.assertEqual(words, [
            '{"QMP": {', '{"return"', 'wrote 655', '64 KiB, 1', '{"return"',
            '{"return"', 'read 6553', '64 KiB, 1', '{"return"', '{"timesta',
            '{"return"'])

    def test_greeting_before_a_failure(self):
        """Monitors are there when devices are made, drives come earlier."""
        plain = ['-nodefaults', '-display', 'none', '-machine', 'none']
        device = ['-device', 'nosuch']
        done = machine.run(*plain, '-qmp', 'stdio', *device)
        self.assertEqual(done.returncode, 1)
        # (QEMU sends it from another thread, which may be too late.)
        if not program.is_oracle():
            self.assertEqual(list(json.loads(done.stdout)), ['QMP'])
        done = machine.run(*plain, '-monitor', 'stdio', *device, text=False)
        self.assertEqual(
            done.stdout, b"QEMU 7.2.22 monitor - type 'help' for more "
            b"information\r\n(qemu) ")
        done = machine.run(*plain, '-monitor', 'stdio', '-drive',
                           'if=none,file=nosuch.img')
        self.assertEqual((done.returncode, done.stdout), (1, ''))

    def test_pretty(self):
        done = machine.run('-nodefaults', '-display', 'none', '-machine',
                           'none', '-qmp-pretty', 'stdio',
                           stdin="{'execute': 'qmp_capabilities'}"
                           "{'execute': 'quit'}")
        self.assertTrue(done.stdout.startswith('{\n    "QMP": {\n'))

    def test_unix_server(self):
        path = self.path('qmp')
        vm = self.machine('-qmp', f'unix:{path},server=on,wait=off')
        other = vm.connect(path)
        self.assertEqual(other.cmd('query-status')['status'], 'prelaunch')
        other.close()

    def test_unix_client(self):
        path = self.path('qmp')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.machine('-qmp', f'unix:{path}')
            with listener.accept()[0] as sock:
                self.assertTrue(sock.recv(64).startswith(b'{"QMP": '))

    def test_signal(self):
        vm = self.machine()
        vm.popen.terminate()
        event = vm.qmp.event('SHUTDOWN')
        self.assertEqual(event['data'],
                         {'guest': False, 'reason': 'host-signal'})
        self.assertEqual(vm.wait(), 0)
        self.assertIn('terminating on signal 15', vm.stderr())


class States(machine.MachineCase):

    def status(self, vm):
        return vm.cmd('query-status')['status']

    def test_stop_cont(self):
        vm = self.machine('-machine', 'none')
        self.assertEqual(self.status(vm), 'prelaunch')
        vm.cmd('stop')
        self.assertEqual(self.status(vm), 'prelaunch')
        vm.cmd('cont')
        self.assertEqual(vm.qmp.event('RESUME').get('data'), None)
        self.assertEqual(self.status(vm), 'running')
        vm.cmd('stop')
        vm.qmp.event('STOP')
        self.assertEqual(self.status(vm), 'paused')

    def test_reset(self):
        vm = self.machine('-machine', 'none')
        vm.cmd('system_reset')
        self.assertEqual(vm.qmp.event('RESET')['data'],
                         {'guest': False, 'reason': 'host-qmp-system-reset'})
        vm.cmd('system_powerdown')
        vm.qmp.event('POWERDOWN')


class Refused(machine.MachineCase):

    def test_options(self):
        for args, text in [
                (['-nosuch'], '-nosuch: invalid option'),
                (['-drive'] * 2, '-drive -drive: Must specify either driver '
                                 'or file'),
                (['-machine', 'nosuch'], 'unsupported machine type'),
                (['-accel', 'nosuch'],
                 '-accel nosuch: invalid accelerator nosuch'),
                (['-machine', 'accel='], 'no accelerator found'),
                (['-display', 'nosuch'], '-display nosuch: Parameter \'type\' '
                                         'does not accept value \'nosuch\''),
                (['-mon', 'chardev=x'],
                 '-mon chardev=x: chardev "x" not found'),
                (['-qmp', 'nosuch'], None),
                (['-blockdev', 'nosuch'], '-blockdev nosuch: Parameter '
                                          '\'driver\' does not accept value '
                                          '\'nosuch\''),
                (['-object', 'nosuch,id=x'],
                 '-object nosuch,id=x: Parameter \'qom-type\' does not accept '
                 'value \'nosuch\'')]:
            with self.subTest(args=args):
                said = self.refused(*args)
                if text:
                    self.assertEqual(said, text)

    def test_devices(self):
        for args, text in [
                ('nosuch', "'nosuch' is not a valid device model name"),
                ('virtio-blk', 'drive property not set'),
                ('virtio-blk,drive=z',
                 "Property 'virtio-blk-device.drive' can't find value 'z'"),
                ('virtio-blk,foo=1,drive=q',
                 "Property 'virtio-blk-pci.foo' not found"),
                ('virtio-blk,drive=q,id=1x',
                 "Parameter 'id' expects an identifier"),
                ('virtio-blk,drive=q,bus=foo', "Bus 'foo' not found"),
                ('virtio-blk,drive=q,iothread=foo', "Device 'foo' not found"),
                ('virtio-blk,drive=q,share-rw=foo',
                 "Parameter 'share-rw' expects 'on' or 'off'"),
                ('virtio-blk,drive=q,werror=foo',
                 "Parameter 'werror' does not accept value 'foo'"),
                ('virtio-blk,drive=q,logical_block_size=511',
                 "Property .logical_block_size doesn't take value 511 "
                 '(minimum: 512, maximum: 2097152)'),
                ('virtio-blk,drive=q,logical_block_size=4096',
                 'logical_block_size > physical_block_size not supported'),
                ('scsi-hd,drive=q',
                 "No 'SCSI' bus found for device 'scsi-hd'"),
                ('scsi-hd,drive=q,bus=pci.0',
                 "Device 'scsi-hd' can't go on PCI bus"),
                ('ide-hd', 'No drive specified'),
                ('nvme,drive=q', 'serial property not set'),
                ('usb-storage,drive=q',
                 "No 'usb-bus' bus found for device 'usb-storage'"),
                ('virtio-blk,drive=e',
                 'Device needs media, but drive is empty')]:
            with self.subTest(args=args):
                self.assertEqual(
                    self.refused('-blockdev', NODE, '-drive', 'if=none,id=e',
                                 '-device', args), f'-device {args}: {text}')

    def test_twice(self):
        self.assertEqual(
            self.refused('-drive', DISK, '-device', 'virtio-blk,drive=d',
                         '-device', 'virtio-blk,drive=d'),
            "-device virtio-blk,drive=d: Drive 'd' is already in use by "
            'another device')
        self.assertEqual(
            self.refused('-blockdev', NODE, '-device', 'virtio-blk,drive=q',
                         '-device', 'virtio-blk,drive=q'),
            "-device virtio-blk,drive=q: Permission conflict on node 'q': "
            "permissions 'write' are both required by block device "
            "'/machine/peripheral-anon/device[0]/virtio-backend' (uses node "
            "'q' as 'root' child) and unshared by block device "
            "'/machine/peripheral-anon/device[1]/virtio-backend' (uses node "
            "'q' as 'root' child).")

    def test_drives(self):
        images.make(self.path('a.img'), MIB)
        for args, text in [
                ('if=none,id=1a', "Parameter 'id' expects an identifier"),
                ('if=none,id=a,node-name=b',
                 'Must specify either driver or file'),
                ('if=none,id=a,file=a.img,format=raw,node-name=a',
                 "Device name 'a' conflicts with an existing node name"),
                ('if=none,file=a.img,format=foo', "Unknown driver 'foo'"),
                ('if=none,file=nosuch,format=raw',
                 "Could not open 'nosuch': No such file or directory"),
                ('if=foo,file=a.img', "unsupported bus type 'foo'"),
                ('if=none,file=a.img,format=raw,bar=1',
                 "Block format 'raw' does not support the option 'bar'"),
                ('if=none,file=a.img,cache=foo', 'invalid cache option'),
                ('if=none,file=a.img,aio=foo', 'invalid aio option'),
                ('if=none,media=foo', "'foo' invalid media"),
                ('if=none,werror=foo', "'foo' invalid write error action"),
                ('if=none,discard=foo,file=a.img', 'Invalid discard option'),
                ('if=none,format=raw,driver=raw,file=a.img',
                 "Cannot specify both 'driver' and 'format'"),
                ('if=none,file=a.img,format=raw,iops_rd=abc',
                 "Parameter 'throttling.iops-read' expects a number"),
                ('if=none,file=a.img,format=raw,bps=1,bps_rd=1',
                 'bps/iops/max total values and read/write values cannot be '
                 'used at the same time'),
                ('if=none,throttling.bps-total=1,bps=2,file=a.img,format=raw',
                 "'throttling.bps-total' and its alias 'bps' can't be used at "
                 'the same time'),
                ('if=none,file=a.img,format=raw,index=0,bus=1',
                 'index cannot be used with bus and unit'),
                ('if=none,driver=null-co,file=a.img',
                 "The only allowed filename for this driver is 'null-co://'"),
                ('if=none,file=foo:bar', "Unknown protocol 'foo'"),
                ('if=floppy,file=a.img,format=raw,rerror=stop',
                 'rerror is not supported by this bus type')]:
            with self.subTest(args=args):
                self.assertEqual(self.refused('-drive', args),
                                 f'-drive {args}: {text}')

    @ours_only('has guests')
    def test_guest(self):
        self.assertIn('this machine has no guest',
                      self.refused('-gdb', 'x'))
        vm = self.machine('-vnc', 'none', '-vnc', f'unix:{self.path("vnc")}')
        vm.quit()
        self.assertEqual(
            vm.stderr(), 'qemu-system-x86_64: warning: -vnc: this machine has '
            'no guest: it has no effect\n')


class Ours(machine.MachineCase):

    @ours_only('Debian builds it without the test protocol')
    def test_clock(self):
        path = self.path('qtest')
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            self.machine('-qtest', f'unix:path={path}', '-accel', 'qtest')
            with listener.accept()[0] as sock:
                lines = sock.makefile('rw', encoding='ascii')
                for said, answer in [('clock_step 100', 'OK 100'),
                                     ('clock_step 5', 'OK 105'),
                                     ('clock_step', 'OK 105'),
                                     ('nosuch', "FAIL Unknown command "
                                                "'nosuch'")]:
                    lines.write(said + '\n')
                    lines.flush()
                    self.assertEqual(lines.readline(), answer + '\n')


if __name__ == '__main__':
    case.main()
