#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""HMP through human-monitor-command: words, errors, what commands print."""

from lib import case, hmp, images, tools
from lib.case import ours_only
from lib.images import MIB


def expected(command, what):
    return (f'{command}: {what} expected\n'
            f'Try "help {command}" for more information\n')


class Words(case.Case):
    """How a line is taken, and what is said of a wrong one."""

    def setUp(self):
        super().setUp()
        self.vm = hmp.start(self)

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def test_unknown(self):
        self.assert_says('foo', "unknown command: 'foo'\n")
        self.assert_says('  foo bar', "unknown command: '  foo'\n")
        self.assert_says('info foo', "unknown command: 'info foo'\n")
        self.assert_says('help foo bar', "unknown command: 'foo'\n")
        self.assert_says('', '')
        self.assert_says('   ', '')

    def test_missing_words(self):
        for command in ('block_resize', 'drive_mirror', 'drive_mirror -n',
                        'eject -f', 'nbd_server_add', 'qemu-io',
                        'snapshot_blkdev', 'block_set_io_throttle', 'change'):
            name = command.split()[0]
            self.assert_says(command, expected(name, 'block device name'))
        for command in ('nbd_server_start', 'object_add', 'object_del',
                        'qemu-io x', 'loadvm', 'delvm',
                        'snapshot_delete_blkdev_internal d'):
            self.assert_says(command, expected(command.split()[0], 'string'))
        self.assert_says('change x', expected('change', 'filename'))

    def test_more_than_enough(self):
        for command in ('block_resize a 1G b', 'block_resize a 10x',
                        'drive_mirror a b c d', 'block_job_set_speed a 5x',
                        'eject -f a b'):
            name = command.split()[0]
            self.assert_says(
                command, f'{name}: extraneous characters at the end of line\n'
                         f'Try "help {name}" for more information\n')
        self.assert_says(
            'info block-jobs x',
            'block-jobs: extraneous characters at the end of line\n'
            'Try "help info block-jobs" for more information\n')
        self.assert_says('quit x',
                         'quit|q: extraneous characters at the end of line\n'
                         'Try "help quit" for more information\n')

    def test_options(self):
        self.assert_says('drive_mirror -x a b',
                         'drive_mirror: unsupported option -x\n'
                         'Try "help drive_mirror" for more information\n')
        self.assert_says('info block -x',
                         'block: unsupported option -x\n'
                         'Try "help info block" for more information\n')
        # One letter at a time; the rest of it is a word.
        self.assert_says('drive_backup -nf a b', "Error: Cannot find "
                         "device='f' nor node-name='f'\n")

    def test_sizes(self):
        for size in ('b', '-1', ''):
            self.assert_says(f'block_resize a {size}', 'invalid size\nTry '
                             '"help block_resize" for more information\n')

    def test_hexadecimal_sizes(self):
        """They are megabytes too, their digits are no suffixes, and nobody
        is warned of a suffix that was not given."""
        hmp.run(self.vm, 'drive_add 0 if=none,id=h,driver=null-co,size=1M')
        for size in '0x1b', '0XE', '0x2':
            self.assert_says(f'block_job_set_speed h {size}',
                             "Error: Block job 'h' not found\n")
        self.assert_says('block_job_set_speed h 0x',
                         'block_job_set_speed: extraneous characters at the '
                         'end of line\nTry "help block_job_set_speed" for '
                         'more information\n')
        self.assert_says('block_job_set_speed h 0x800000000000',
                         'invalid size\nTry "help block_job_set_speed" for '
                         'more information\n')
        self.assertEqual(self.vm.stderr(), '')
        self.assert_says('block_job_set_speed h 0x1K',
                         "Error: Block job 'h' not found\n")
        self.assertIn('Using a multiplier suffix on hex numbers is deprecated: '
                      '0x1K\n', self.vm.stderr())

    def test_quotes(self):
        self.assert_says('block_resize "a b" 1G', 'Error: Cannot find '
                         "device='a b' nor node-name=''\n")
        self.assert_says(r'eject "a\"b"', "Error: Device 'a\"b' not found\n")
        self.assert_says('block_resize "a 1G',
                         expected('block_resize', 'block device name'))
        self.assertEqual(self.vm.stdout(), 'unterminated string\n')

    def test_twins_of_qmp(self):
        """A command's errors are those of its twin."""
        for line, text in (
                ('block_job_pause a', "Block job 'a' not found"),
                ('block_job_cancel -f a', "Block job 'a' not found"),
                ('block_job_set_speed a 1', "Block job 'a' not found"),
                ('nbd_server_remove x', "Export 'x' is not found"),
                ('nbd_server_stop', 'NBD server not running'),
                ('nbd_server_start foo', "error parsing address 'foo'"),
                ('nbd_server_start -w :1', '-w only valid together with -a'),
                ('object_add foo',
                 "Parameter 'qom-type' does not accept value 'foo'"),
                ('object_del b', "object 'b' not found"),
                ('snapshot_blkdev a', "Parameter 'snapshot-file' is missing"),
                ('qom-list /x', "Device '/x' not found"),
                ('savevm', 'no block device can store vmstate for snapshot')):
            self.assert_says(line, f'Error: {text}\n')

    def test_objects(self):
        self.assert_says('object_add secret,id=s0,data=abc', '')
        self.assertIn('s0 (child<secret>)\n',
                      hmp.run(self.vm, 'qom-list /objects'))
        self.assert_says('qom-get /objects/s0 type', '"secret"\n')
        self.assert_says('object_del s0', '')
        self.assert_says('object_add iothread,id=i', '')
        self.assert_says('qom-set /objects/i poll-max-ns x',
                         "Error: Parameter 'poll-max-ns' expects int64\n")
        self.assert_says('qom-set /objects/i poll-max-ns 5', '')
        self.assert_says('qom-get /objects/i poll-max-ns', '5\n')

    def test_machine(self):
        self.assert_says('system_wakeup', 'Error: wake-up from suspend is not '
                         'supported by this guest\n')
        self.assert_says('watchdog_action none', '')
        self.assert_says('watchdog_action x',
                         'Error: invalid parameter value: x\n')

    def test_nothing_there(self):
        self.assert_says('info block', '')
        self.assert_says('info block x', '')
        self.assert_says('info block-jobs', 'No active jobs\n')
        self.assert_says('info blockstats', '')
        self.assert_says('info snapshots',
                         'no block device can store vmstate for snapshot\n')

    def test_help(self):
        lines = hmp.run(self.vm, 'help').splitlines()
        for usage in ('block_job_cancel [-f] device -- ', 'help|? [cmd] -- ',
                      'qemu-io [-d] [device] "[command]" -- ', 'stop|s  -- ',
                      'nbd_server_add nbd_server_add [-w] device [name] -- '):
            self.assertTrue(any(line.startswith(usage) for line in lines),
                            usage)
        text = hmp.run(self.vm, 'help info block')
        self.assertTrue(text.startswith('info block [-n] [-v] [device] -- '))
        self.assertEqual(hmp.run(self.vm, 'info'),
                         hmp.run(self.vm, 'help info'))

    def test_no_cpu(self):
        self.assert_error(self.vm, 'human-monitor-command',
                          {'command-line': 'help', 'cpu-index': 7},
                          "Parameter 'cpu-index' expects a CPU number")


class Nodes(case.Case):
    """Commands on nodes."""

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        tools.img('create', '-q', '-f', 'qcow2', self.path('b.img'), '4M')
        self.vm = hmp.start(
            self,
            '--blockdev', 'driver=qcow2,node-name=n0,file.driver=file,'
            'file.node-name=f0,file.filename=b.img',
            '--blockdev', 'driver=raw,node-name=r0,read-only=on,'
            'file.driver=file,file.filename=a.img')

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    def printed(self, line):
        """What @line puts on the process's standard output; it says nothing
        to the monitor."""
        before = len(self.vm.stdout())
        self.assert_says(line, '')
        return hmp.without_rates(self.vm.stdout()[before:])

    def test_info_block(self):
        n0 = ('n0: b.img (qcow2)\n    Cache mode:       writeback\n')
        self.assertIn(n0, hmp.run(self.vm, 'info block -n'))
        self.assertEqual(hmp.run(self.vm, 'info block n0').lstrip('\n'), n0)
        self.assertEqual(
            hmp.run(self.vm, 'info block -n r0').lstrip('\n'),
            'r0: a.img (raw, read-only)\n    Cache mode:       writeback\n')
        text = hmp.run(self.vm, 'info block -v n0')
        self.assertIn('\nImages:\nimage: b.img\nfile format: qcow2\n'
                      'virtual size: 4 MiB (4194304 bytes)\n', text)
        self.assertIn('Format specific information:\n    compat: 1.1\n', text)

    def test_qemu_io(self):
        wrote = 'wrote 65536/65536 bytes at offset 0\n64 KiB, 1 ops\n'
        self.assertEqual(self.printed('qemu-io n0 "write -P 5 0 64k"'), wrote)
        read = 'read 65536/65536 bytes at offset 0\n64 KiB, 1 ops\n'
        self.assertEqual(self.printed('qemu-io n0 "read -P 5 0 64k"'), read)
        self.assertEqual(self.printed('qemu-io n0 "read -P 6 0 512"'),
                         'Pattern verification failed at offset 0, 512 bytes\n'
                         'read 512/512 bytes at offset 0\n512 bytes, 1 ops\n')
        self.assertEqual(self.printed('qemu-io n0 "read 4M 512"'),
                         'read failed: Input/output error\n')
        self.assertEqual(self.printed('qemu-io n0 length'), '4 MiB\n')

    def test_qemu_io_refused(self):
        self.assert_says('qemu-io x "read 0 1"',
                         "Error: Cannot find device='' nor node-name='x'\n")
        self.assert_says('qemu-io -d x "read 0 1"',
                         "Error: Device 'x' not found\n")
        self.assert_says('qemu-io r0 "write 0 512"', 'Block node is read-only\n')
        self.assertEqual(self.vm.stdout(), '')
        self.assert_says('qemu-io n0 foo', '')
        self.assert_says('qemu-io n0 "quit"', '')
        self.assert_says('qemu-io n0 "read 0"', '')
        self.assertEqual(
            self.vm.stderr(),
            'command "foo" not found\ncommand "quit" not found\n'
            'bad argument count 1 to read, expected at least 2 arguments\n')

    def test_qemu_io_reopen(self):
        self.assert_says('qemu-io n0 "reopen -r"', '')
        self.assert_says('qemu-io n0 "write 0 512"', 'Block node is read-only\n')
        self.assert_says('qemu-io n0 "reopen -w"', '')
        self.assertEqual(self.printed('qemu-io n0 "write 0 512"'),
                         'wrote 512/512 bytes at offset 0\n512 bytes, 1 ops\n')

    def test_resize_is_for_devices(self):
        self.assert_says('block_resize n0 8M',
                         "Error: Cannot find device='n0' nor node-name=''\n")

    def test_nbd(self):
        sock = self.path('nbd')
        self.assert_says(f'nbd_server_start unix:{sock}', '')
        self.assert_says(f'nbd_server_start unix:{sock}',
                         'Error: NBD server already running\n')
        self.assert_says('nbd_server_add -w n0', '')
        self.assert_says('nbd_server_add n0',
                         "Error: Block export id 'n0' is already in use\n")
        self.assert_says('nbd_server_add r0 other', '')
        uri = f'nbd+unix:///other?socket={sock}'
        self.assertEqual(tools.io(uri, 'read -P 0 0 512',
                                  options=('-r', '-f', 'raw')).returncode, 0)
        self.assert_says('nbd_server_remove -f other', '')
        self.assert_says('nbd_server_stop', '')

    @ours_only('there a job of a node has no name')
    def test_jobs(self):
        self.assert_says('drive_backup -f n0 full.img raw', '')
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assert_says('drive_backup n0 full.img nosuch',
                         "Error: Unknown file format 'nosuch'\n")
        text = hmp.run(self.vm, 'info jobs')
        self.assertEqual(text, 'No jobs\n')


class Devices(case.Case):
    """Commands on drives, here without devices of a machine."""

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB)
        tools.img('create', '-q', '-f', 'qcow2', self.path('b.img'), '4M')
        self.vm = hmp.start(
            self, '-drive', 'if=none,id=d0,file=b.img,format=qcow2,'
            'node-name=n0', '-drive', 'if=none,id=cd')

    def assert_says(self, line, text):
        self.assertEqual(hmp.run(self.vm, line), text, line)

    EMPTY = '    Removable device: not locked, tray closed\n'
    CACHE = '    Cache mode:       writeback\n'

    def test_info_block(self):
        d0 = f'd0 (n0): b.img (qcow2)\n{self.EMPTY}{self.CACHE}'
        cd = f'\ncd: [not inserted]\n{self.EMPTY}'
        self.assert_says('info block', d0 + cd)
        self.assert_says('info block d0', d0)
        self.assert_says('info block cd', cd)
        self.assert_says('info block -n d0', '')

    def test_drive_add(self):
        add = 'drive_add 0 if=none,id=k,file=a.img,format=raw'
        self.assert_says(add, 'OK\n')
        self.assert_says(add, "Duplicate ID 'k' for drive\n")
        self.assert_says('drive_add 0 if=none,file=/nope',
                         "Could not open '/nope': No such file or directory\n")
        self.assert_says('drive_add 0 if=scsi,file=a.img,format=raw,'
                         'file.locking=off',
                         "Can't hot-add drive to type 2\n")
        self.assertIn('k (#block', hmp.run(self.vm, 'info block k'))
        self.assert_says('drive_del k', '')
        self.assert_says('info block k', '')
        self.assert_says('drive_del k', "Device 'k' not found\n")

    def test_drive_add_node(self):
        self.assert_says('drive_add -n 0 driver=null-co',
                         "'node-name' needs to be specified\n")
        self.assert_says('drive_add -n 0 driver=nope,node-name=x',
                         "Unknown driver 'nope'\n")
        self.assert_says('drive_add -n 0 driver=null-co,node-name=nn', '')
        self.assert_says('drive_add -n 0 driver=null-co,node-name=nn,size=1M',
                         "Duplicate nodes with node-name='nn'\n")
        self.assert_says('drive_add -n 0 driver=null-co,node-name=sz,size=1M',
                         '')
        self.assert_says('drive_add -n 0 node-name=no',
                         'Must specify either driver or file\n')
        self.assert_says('drive_add -n 0 node-name=no,file=nn2',
                         "Cannot find device='nn2' nor node-name='nn2'\n")
        self.assert_says('drive_add -n 0 node-name=no,driver=raw',
                         'A block device must be specified for "file"\n')
        self.assertIn('nn: null-co:// (null-co)\n',
                      hmp.run(self.vm, 'info block nn'))
        self.assert_says('drive_del nn', '')
        self.assert_says('info block -n nn', '')

    def test_media(self):
        self.assert_says('change cd a.img raw read-only', '')
        self.assertIn(': a.img (raw, read-only)\n',
                      hmp.run(self.vm, 'info block cd'))
        self.assert_says('change cd a.img raw foo',
                         'Error: invalid parameter value: foo\n')
        self.assert_says('eject cd', '')
        self.assert_says('info block cd',
                         f'\ncd: [not inserted]\n{self.EMPTY}')
        self.assert_says('eject x', "Error: Device 'x' not found\n")

    def test_resize_and_limits(self):
        self.assert_says('block_resize d0 8', '')
        self.assertIn('virtual size: 8 MiB',
                      hmp.run(self.vm, 'info block -v d0'))
        self.assert_says('block_set_io_throttle d0 100 0 0 10 0 0', '')
        self.assertIn('    I/O throttling:   bps=100 bps_rd=0 bps_wr=0 '
                      'bps_max=0 bps_rd_max=0 bps_wr_max=0 iops=10 iops_rd=0 '
                      'iops_wr=0 iops_max=0 iops_rd_max=0 iops_wr_max=0 '
                      'iops_size=0 group=d0\n',
                      hmp.run(self.vm, 'info block d0'))
        self.assert_says('block_set_io_throttle x 0 0 0 0 0 0',
                         "Error: Device 'x' not found\n")

    def test_snapshots(self):
        self.assert_says('snapshot_blkdev_internal d0 s0', '')
        text = hmp.run(self.vm, 'info snapshots')
        self.assertTrue(text.startswith(
            'List of snapshots present on all disks:\n'
            'ID        TAG               VM SIZE                DATE     '
            'VM CLOCK     ICOUNT\n--        s0                    0 B'), text)
        self.assert_says('snapshot_blkdev_internal d0 s0', 'Error: Snapshot '
                         "with name 's0' already exists on device 'd0'\n")
        self.assert_says('snapshot_delete_blkdev_internal d0 s0', '')
        self.assert_says('info snapshots',
                         'There is no snapshot available.\n')
        self.assert_says('drive_add 0 if=none,id=r,file=a.img,format=raw',
                         'OK\n')
        self.assert_says('snapshot_blkdev_internal d0 s1', '')
        text = hmp.run(self.vm, 'info snapshots')
        self.assertTrue(text.startswith(
            'List of snapshots present on all disks:\nNone\n\n'
            "List of partial (non-loadable) snapshots on 'd0':\nID "), text)
        self.assert_says('savevm x', "Error: Device 'r' is writable but does "
                         'not support snapshots\n')
        self.assert_says('snapshot_delete_blkdev_internal d0 s1', '')
        self.assert_says('snapshot_blkdev d0 top.img', '')
        self.assertIn('    Backing file:     b.img (chain depth: 1)\n',
                      hmp.run(self.vm, 'info block d0'))

    def test_jobs(self):
        self.assert_says('drive_mirror -f d0 copy.img raw', '')
        self.vm.qmp.event('BLOCK_JOB_READY')
        self.assert_says('info block-jobs', 'Type mirror, device d0: Completed '
                         '0 of 0 bytes, speed limit 0 bytes/s\n')
        self.assert_says('block_job_complete d0', '')
        self.vm.qmp.event('BLOCK_JOB_COMPLETED')
        self.assertIn(': copy.img (raw)\n', hmp.run(self.vm, 'info block d0'))

    def test_run_state(self):
        self.assert_says('info status', 'VM status: running\n')
        self.assert_says('stop', '')
        self.assert_says('info status', 'VM status: paused\n')
        self.assert_says('cont', '')
        self.assert_says('info status', 'VM status: running\n')


if __name__ == '__main__':
    case.main()
