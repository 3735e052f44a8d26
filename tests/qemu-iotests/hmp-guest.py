#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP's commands that need a guest: each is known, its words are checked as
QEMU does, and what a machine without a guest cannot do it says by name."""

from lib import case, hmp
from lib.case import ours_only

COMMANDS = '''announce_self balloon boot_set calc_dirty_rate
cancel_vcpu_dirty_limit client_migrate_info cpu dump-guest-memory dumpdtb
exit_preconfig expire_password gdbserver gpa2hpa gpa2hva gva2gpa hostfwd_add
hostfwd_remove i log logfile mce memsave mouse_button mouse_move mouse_set
netdev_add netdev_del nmi o pcie_aer_inject_error pmemsave print
replay_break replay_delete_break replay_seek screendump sendkey set_link
set_password set_vcpu_dirty_limit singlestep stopcapture sum sync-profile
trace-event wavcapture x x_colo_lost_heartbeat xp'''.split()

INFOS = '''capture dirty_rate dump history hotpluggable-cpus irq jit lapic mem
memdev memory-devices mice mtree network numa opcount pci pic profile qdm
qom-tree ramblock rdma registers replay rocker rocker-of-dpa-flows
rocker-of-dpa-groups rocker-ports roms sev sgx spice stats sync-profile tlb tpm
trace-events usb usbhost usernet vcpu_dirty_limit virtio virtio-queue-element
virtio-queue-status virtio-status virtio-vhost-queue-status vm-generation-id
vnc'''.split()

# What a machine without processors says, QEMU's as well as ours.
ANSWERS = [
    ('announce_self eth0', ''),
    ('balloon 100', 'Error: No balloon device has been activated\n'),
    ('boot_set c', 'no function defined to set boot device list for this '
                   'architecture\n'),
    ('cpu 0', 'invalid CPU index\n'),
    ('dumpdtb x', "Error: This machine doesn't have a FDT\n"),
    ('expire_password vnc now', 'Error: Could not set password expire time\n'),
    ('gpa2hva 0x10', 'No memory is mapped at address 0x10\n'),
    ('gva2gpa 0', 'No cpu\n'),
    ('hostfwd_add n0 tcp::1-:1', "unrecognized netdev id 'n0'\n"),
    ('memsave 0 10 m', 'No CPU available\n'),
    ('mouse_set 3', "Mouse at index '3' not found\n"),
    ('netdev_add foo,id=n',
     "Error: Parameter 'type' does not accept value 'foo'\n"),
    ('netdev_add user', "Error: Parameter 'id' is missing\n"),
    ('netdev_del n0', "Error: Device 'n0' not found\n"),
    ('nmi', 'Error: this feature or command is not currently supported\n'),
    ('screendump x.ppm',
     'Error: There is no console to take a screendump from\n'),
    ('screendump x -f bmp', 'Error: invalid parameter value: bmp\n'),
    ('set_link n0 off', "Error: Device 'n0' not found\n"),
    ('set_password vnc x', 'Error: Could not set password\n'),
    ('sync-profile', 'sync-profile is off\n'),
    ('trace-event foo on', 'unknown event "foo"\n'),
    ('wavcapture w foo', "Audiodev 'foo' not found\n"),
    ('x /4xb 0', 'Can not dump without CPU\n'),
    ('info lapic', 'No CPU available\n'),
    ('info memdev', '\n'),
    ('info mice', 'No mouse devices connected\n'),
    ('info network', ''),
    ('info numa', '0 nodes\n'),
    ('info pci', ''),
    ('info registers 2', 'CPU#2 not available\n'),
    ('info rocker r', 'Error: rocker r not found\n'),
    ('info stats foo', 'invalid stats target foo\n'),
    ('info usb', 'Error: USB support not enabled\n'),
    ('info usbhost', 'Command "info usbhost" is not available.\n'),
    ('info virtio', 'No VirtIO devices\n'),
    ('info virtio-status /x', 'Error: Path /x is not a VirtIODevice\n'),
    ('info vnc', 'None\n'),
    ('info memory_size_summary', 'base memory: 0\nplugged memory: 0\n'),
    ('info qom-tree /nothing', "Path '/nothing' could not be resolved.\n"),
    ('info qom-tree /machine/peripheral', '/peripheral (container)\n'),
    ('device_add help x', 'device_add: extraneous characters at the end of '
                          'line\nTry "help device_add" for more information\n'),
]

# Words that are wrong.
WRONG = [
    ('balloon', 'unexpected end of expression'),
    ('balloon -1', 'enter a positive value'),
    ('cpu 5000000000', "'cpu' has failed: integer is for 32-bit values"),
    ('gva2gpa x', "invalid char 'x' in expression"),
    ('i /z 0', "invalid char in format: 'z'"),
    ('log', 'log: string expected'),
    ('memsave 1 2', 'memsave: string expected'),
    ('screendump', 'screendump: filename expected'),
    ('screendump a -f', 'screendump: value expected for -f'),
    ('screendump a -x', 'screendump: unsupported option -x'),
    ('set_link a b', "Expected 'on' or 'off'"),
    ('xp /4xb', 'unexpected end of expression'),
    ('print (1', "')' expected"),
    ('print 1 +', 'unexpected end of expression'),
    ('print 5/0', 'division by zero'),
    ("print 'a", "missing terminating ' character"),
    ('print $eax', 'unknown register'),
    ('print 99999999999999999999', 'number too large'),
    ('print *', "invalid char '*' in expression"),
]

PRINTS = [
    ('/x 1+2*3', '0x7\n'),
    ('1&2+4', '0x4\n'),
    ('7-2-1', '0x4\n'),
    ('--1', '0x1\n'),
    ('/d ~0', '-1\n'),
    ('1|6&3^1', '2\n'),
    ('(1 + 2) * 3', '9\n'),
    ('/o 8', '010\n'),
    ('010', '010\n'),
    ('/u -1', '18446744073709551615\n'),
    ("/i 'a'", '97\n'),
    ('/c 10', "'\\n'\n"),
    ('65', "'A'\n"),
    ('300', "'\\x12c'\n"),
    ('/d 0-9223372036854775807-1', '-9223372036854775808\n'),
]


class Guest(case.Case):
    def setUp(self):
        super().setUp()
        self.vm = hmp.start(self)

    def test_known(self):
        lines = hmp.run(self.vm, 'help').splitlines()
        for name in COMMANDS:
            self.assertTrue(any(line.split()[:1] in ([name], [name + '|p'])
                                for line in lines), name)
            self.assertIn(' -- ', hmp.run(self.vm, f'help {name}')
                          if name != 'log' else ' -- ')
        lines = hmp.run(self.vm, 'info').splitlines()
        for name in INFOS:
            self.assertIn(['info', name], [line.split()[:2] for line in lines])

    def test_answers(self):
        for line, text in ANSWERS:
            self.assertEqual(hmp.run(self.vm, line), text, line)

    def test_wrong_words(self):
        for line, text in WRONG:
            self.assertEqual(
                hmp.run(self.vm, line),
                f'{text}\nTry "help {line.split()[0]}" for more '
                'information\n', line)

    def test_print(self):
        for line, text in PRINTS:
            self.assertEqual(hmp.run(self.vm, 'print ' + line), text, line)

    @ours_only('it looks into its guest')
    def test_refused(self):
        """By name, and for a reason."""
        for line in ('sendkey a', 'mouse_move 1 1', 'xp 0', 'i 0x60',
                     'sum 0 10', 'logfile x', 'info mtree', 'info jit'):
            name = line.split()[line.startswith('info')]
            self.assertRegex(hmp.run(self.vm, line),
                             f'^Error: {name}: this (machine|program) .*\n$')

    @ours_only('more is plugged in')
    def test_qom_tree(self):
        self.vm.cmd('object-add', {'qom-type': 'iothread', 'id': 't0'})
        self.assertEqual(hmp.run(self.vm, 'info qom-tree'),
                         '/machine (none-machine)\n'
                         '  /peripheral (container)\n'
                         '  /peripheral-anon (container)\n'
                         '  /unattached (container)\n')
        self.assertEqual(hmp.run(self.vm, 'info qom-tree /objects'),
                         '/objects (container)\n  /t0 (iothread)\n')
        self.assertIn('  /machine (none-machine)\n',
                      hmp.run(self.vm, 'info qom-tree /'))

    def test_properties(self):
        """What cannot be set says so before its value is looked at."""
        vm = hmp.start(self, '-object', 'iothread,id=t0', '-M', 'pc',
                       '-blockdev', 'null-co,node-name=n0', '-device',
                       'virtio-scsi,id=s0', '-device', 'scsi-hd,id=d0,drive=n0',
                       '-device', 'virtio-blk,id=v0,drive=n1', '-blockdev',
                       'null-co,node-name=n1')
        realized = ("Error: Attempt to set property '{}' on {} after it was "
                    'realized\n')
        disk = "device 'd0' (type 'scsi-hd')"
        inner = "anonymous device (type 'virtio-blk-device')"
        for line, text in (
                ('d0 discard_granularity x',
                 realized.format('discard_granularity', disk)),
                ('v0 serial x', realized.format('serial', inner)),
                ('d0 hotplugged on',
                 "Error: Property 'scsi-hd.hotplugged' is not writable\n"),
                ('t0 poll-max-ns x',
                 "Error: Parameter 'poll-max-ns' expects int64\n")):
            self.assertEqual(hmp.run(vm, 'qom-set ' + line), text, line)
        for line, text in (
                ('qemu-io -d s0 length',
                 'Error: Device does not have a block device backend\n'),
                ('qemu-io -d /objects/t0 length',
                 'Error: /objects/t0 is not a hotpluggable device\n'),
                ('qemu-io -d d0 "reopen -c writethrough"',
                 'Cannot change cache.writeback: Device attached\n'),
                ('block_set_io_throttle d0 5000000000 0 0 0 0 0', ''),
                ('nbd_server_start unix:',
                 'Error: invalid Unix socket address\n')):
            self.assertEqual(hmp.run(vm, line), text, line)
        self.assertIn('Supported formats: ',
                      hmp.run(vm, 'drive_add 0 format=help'))

    def test_models(self):
        self.assertIn('name "virtio-blk-pci", bus PCI, alias "virtio-blk"\n',
                      hmp.run(self.vm, 'device_add help'))
        self.assertIn('scsi-hd options:\n',
                      hmp.run(self.vm, 'device_add scsi-hd,help'))


if __name__ == '__main__':
    case.main()
