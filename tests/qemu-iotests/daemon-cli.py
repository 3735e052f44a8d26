#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The daemon's command line: options, their order, errors, exit codes."""

import json
import os
import select
import signal
import socket
import subprocess

from lib import case, images, program, tools
from lib.case import ours_only
from lib.images import MIB
from lib.program import TIMEOUT_S
from lib.qmp import QMP

NAME = 'qemu-storage-daemon'


class Errors(case.Case):
    """Each ends the daemon at once, with exit code 1 and one sentence."""

    def run_daemon(self, *args):
        # (messages of getopt begin with the whole of argv[0])
        return tools.run([NAME, *args], executable=program.find(NAME),
                         check=False, cwd=self.dir)

    def assert_fails(self, desc, *args):
        done = self.run_daemon(*args)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (1, '', f'{NAME}: {desc}\n'), args)

    def assert_option_fails(self, desc, option, value, *before):
        self.assert_fails(f'{option} {value}: {desc}', *before, option, value)

    def test_help_for_objects(self):
        for value in 'secret,help', 'secret,id=s,?':
            done = self.run_daemon('--object', value)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertEqual(done.stdout, 'secret options:\n'
                             '  data=<string>\n  file=<string>\n'
                             '  format=<QCryptoSecretFormat>\n'
                             '  iv=<string>\n  keyid=<string>\n')
        for value in 'help', '?', 'nothing,help':
            done = self.run_daemon('--object', value)
            self.assertEqual((done.returncode, done.stderr), (0, ''))
            self.assertTrue(done.stdout.startswith(
                'List of user creatable objects:\n  authz-list\n'))

    def test_help_for_other_options(self):
        done = self.run_daemon('--chardev', 'help')
        self.assertEqual((done.returncode, done.stderr), (0, ''))
        self.assertTrue(done.stdout.startswith(
            'Available chardev backend types: \n'))
        self.assertIn('  socket\n', done.stdout)
        for option, value in (('--blockdev', 'help'), ('--export', 'nbd,?'),
                              ('--monitor', 'help'), ('--nbd-server', '?')):
            self.assert_option_fails('Help is not available for this option',
                                     option, value)

    def test_help(self):
        for option in '--help', '-h':
            done = self.run_daemon(option)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout.startswith(f'Usage: {NAME} '))
            for name in ('blockdev', 'chardev', 'daemonize', 'export',
                         'monitor', 'nbd-server', 'object', 'pidfile'):
                self.assertRegex(done.stdout, rf'--{name}\b')

    def test_version(self):
        for option in '--version', '-V':
            done = self.run_daemon(option)
            self.assertEqual(done.returncode, 0)
            self.assertRegex(done.stdout, rf'^{NAME} version 7\.2\.22 \(.+\)')

    def test_options(self):
        self.assert_fails("unrecognized option '--nosuch'", '--nosuch')
        self.assert_fails("invalid option -- 'x'", '-x')
        self.assert_fails('foo: Unexpected argument', 'foo')
        for name in ('blockdev', 'chardev', 'export', 'monitor',
                     'nbd-server', 'object', 'pidfile'):
            self.assert_fails(f"option '--{name}' requires an argument",
                              f'--{name}')
        self.assert_fails("option '--daemonize' doesn't allow an argument",
                          '--daemonize=yes')

    def test_blockdev(self):
        for desc, value in (
                ("Parameter 'driver' is missing", ''),
                ("Parameter 'driver' is missing", 'x=1,,'),
                ("Parameter 'driver' does not accept value 'nosuch'",
                 'driver=nosuch'),
                ("Parameter 'driver' does not accept value 'nosuch'",
                 'nosuch'),
                ("'node-name' must be specified for the root node",
                 'null-co'),
                ("Parameter 'foo' is unexpected",
                 'driver=null-co,node-name=n,foo=1'),
                ("Parameter 'size' expects integer",
                 'driver=null-co,node-name=n,size=1M'),
                ("Parameter 'read-only' expects 'on' or 'off'",
                 'driver=null-co,node-name=n,read-only=maybe'),
                ("Invalid parameter ''", '=1'),
                ("Could not open 'nosuch': No such file or directory",
                 'file,node-name=f,filename=nosuch'),
                ("Cannot find device='nosuch' nor node-name='nosuch'",
                 'raw,node-name=r,file=nosuch'),
                ("'node-name' must be specified for the root node",
                 '{"driver":"null-co"}'),
                ("Invalid parameter type for 'read-only', expected: boolean",
                 '{"driver":"null-co","node-name":"n","read-only":"on"}'),
                ('JSON parse error, premature EOI', '{"driver":'),
                ('JSON parse error, missing : in object pair',
                 '{"driver" 1}')):
            self.assert_option_fails(desc, '--blockdev', value)
        self.assert_option_fails(
            "Duplicate nodes with node-name='n'", '--blockdev',
            'null-co,node-name=n', '--blockdev', 'null-co,node-name=n')

    def test_nbd_server(self):
        unix = f"addr.type=unix,addr.path={self.path('nbd')}"
        bad = 'addr.type=unix,addr.path=/no/such/x'
        self.assert_option_fails('Failed to bind socket to /no/such/x: '
                                 'No such file or directory',
                                 '--nbd-server', bad)
        self.assert_option_fails("Parameter 'addr' is missing",
                                 '--nbd-server', 'max-connections=1')
        self.assert_option_fails("Parameter 'addr.path' is missing",
                                 '--nbd-server', 'addr.type=unix')
        self.assert_option_fails('NBD server already running',
                                 '--nbd-server', unix, '--nbd-server', unix)

    def test_export(self):
        self.assert_option_fails("Parameter 'type' does not accept value 'x'",
                                 '--export', 'type=x')
        self.assert_option_fails("Parameter 'node-name' is missing",
                                 '--export', 'nbd,id=e')
        self.assert_option_fails(
            "Cannot find device='' nor node-name='nosuch'", '--export',
            'nbd,id=e,node-name=nosuch', '--nbd-server',
            f"addr.type=unix,addr.path={self.path('nbd')}")

    def test_export_without_server(self):
        self.assert_option_fails(
            'NBD server not running', '--export', 'nbd,id=e,node-name=n',
            '--blockdev', 'null-co,node-name=n')

    def test_chardev(self):
        path = self.path('no/such')
        for desc, value in (
                ('chardev: no id specified', 'stdio'),
                ('chardev: no id specified', 'socket,path=x'),
                ("'nosuch' is not a valid char driver name", 'nosuch,id=c'),
                (f"Failed to connect to '{path}': No such file or directory",
                 f'socket,id=c,path={path}'),
                (f'Failed to bind socket to {path}: No such file or '
                 'directory', f'socket,id=c,path={path},server=on,wait=off'),
                ("File descriptor '99' is not a socket", 'socket,id=c,fd=99'),
                ("Invalid parameter 'foo'", 'stdio,id=c,foo=1')):
            self.assert_option_fails(desc, '--chardev', value)

    def test_monitor(self):
        stdio = '--chardev', 'stdio,id=c'
        self.assert_option_fails('chardev "nosuch" not found', '--monitor',
                                 'nosuch')
        self.assert_option_fails("Parameter 'chardev' is missing",
                                 '--monitor', '')
        for desc, value in (
                ("Parameter 'mode' does not accept value 'x'", 'c,mode=x'),
                ("Parameter 'foo' is unexpected", 'chardev=c,foo=1')):
            self.assert_option_fails(desc, '--monitor', value, *stdio)

    def test_pidfile(self):
        self.assert_fails("cannot create PID file: Could not create "
                          "'/no/such/x': No such file or directory",
                          '--pidfile', '/no/such/x')

    def test_object(self):
        self.assert_option_fails(
            "Parameter 'qom-type' does not accept value 'nosuch'",
            '--object', 'nosuch,id=x')

    def test_daemonize_and_stdio(self):
        self.assert_option_fails('cannot use stdio with -daemonize',
                                 '--chardev', 'stdio,id=c', '--daemonize')

    def test_no_daemon_stays_after_an_error(self):
        done = self.run_daemon('--daemonize', '--blockdev', 'nosuch',
                               '--pidfile', self.path('pid'))
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not accept value 'nosuch'", done.stderr)


class Options(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a,b.img'), MIB)

    def names(self, vm):
        return [n['node-name'] for n in vm.cmd('query-named-block-nodes')]

    def test_keyval(self):
        """Dots nest, two commas are one, the first word is the driver."""
        escaped = self.image.replace(',', ',,')
        vm = self.daemon(
            '--blockdev', f'driver=file,node-name=f,filename={escaped}',
            '--blockdev', 'raw,node-name=r,file=f,offset=65536,size=131072',
            '--blockdev', 'driver=raw,node-name=i,file.driver=null-co,'
            'file.node-name=n,file.size=1048576,read-only=on')
        nodes = {n['node-name']: n
                 for n in vm.cmd('query-named-block-nodes')}
        self.assertEqual(sorted(nodes), ['f', 'i', 'n', 'r'])
        self.assertEqual(nodes['f']['file'], self.image)
        self.assertEqual(nodes['r']['image']['virtual-size'], 128 << 10)
        self.assertEqual(nodes['n']['image']['virtual-size'], MIB)
        self.assertTrue(nodes['i']['ro'])

    def test_json(self):
        vm = self.daemon('--blockdev', json.dumps({
            'driver': 'raw', 'node-name': 'r', 'offset': 512, 'file': {
                'driver': 'file', 'node-name': 'f',
                'filename': self.image}}))
        self.assertEqual(self.names(vm), ['r', 'f'])

    def test_cache_and_discard(self):
        vm = self.daemon(
            '--blockdev', 'null-co,node-name=n,cache.direct=on,'
            'cache.no-flush=on,discard=unmap,detect-zeroes=unmap')
        node = vm.cmd('query-named-block-nodes')[0]
        self.assertEqual(node['detect_zeroes'], 'unmap')
        self.assertEqual(node['cache'], {'direct': True, 'no-flush': True,
                                         'writeback': True})

    def export_options(self):
        return ['--nbd-server',
                f"addr.type=unix,addr.path={self.path('nbd')}",
                '--blockdev', 'null-co,node-name=n,size=1048576',
                '--export', 'nbd,id=e,node-name=n,name=exp,writable=on']

    def assert_exported(self, vm):
        self.assertEqual(vm.cmd('query-block-exports'), [
            {'id': 'e', 'node-name': 'n', 'type': 'nbd',
             'shutting-down': False}])
        done = tools.nbdinfo('--size',
                             f"nbd+unix:///exp?socket={self.path('nbd')}")
        self.assertEqual(done.stdout, '1048576\n')

    def test_export(self):
        self.assert_exported(self.daemon(*self.export_options()))

    @ours_only('takes options strictly from left to right')
    def test_any_order(self):
        options = self.export_options()
        self.assert_exported(self.daemon(*options[4:], *options[2:4],
                                         *options[:2]))

    def test_nbd_server_over_tcp(self):
        probe = socket.create_server(('127.0.0.1', 0))
        port = probe.getsockname()[1]
        probe.close()
        self.daemon(
            '--nbd-server',
            f'addr.type=inet,addr.host=127.0.0.1,addr.port={port}',
            '--blockdev', 'null-co,node-name=n,size=1048576',
            '--export', 'type=nbd,id=e,node-name=n')
        self.assertEqual(tools.nbdinfo(
            '--size', f'nbd://127.0.0.1:{port}/n').stdout, '1048576\n')

    def test_iothread(self):
        vm = self.daemon('--object', 'iothread,id=io0', '--blockdev',
                         'null-co,node-name=n')
        self.assertEqual(self.names(vm), ['n'])

    def test_option_with_equals_sign(self):
        vm = self.daemon('--blockdev=null-co,node-name=n')
        self.assertEqual(self.names(vm), ['n'])

    def test_pidfile(self):
        path = self.path('pid')
        vm = self.daemon('--pidfile', path)
        with open(path, encoding='ascii') as f:
            self.assertEqual(f.read(), f'{vm.pid}\n')
        vm.quit()
        self.assertFalse(os.path.exists(path))

    def test_pidfile_is_locked(self):
        path = self.path('pid')
        self.daemon('--pidfile', path)
        done = tools.run([program.find(NAME), '--pidfile', path],
                         check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn('cannot create PID file: ', done.stderr)

    def test_pidfile_of_the_dead(self):
        path = self.path('pid')
        with open(path, 'w', encoding='ascii') as f:
            f.write('99999999\n')
        vm = self.daemon('--pidfile', path)
        with open(path, encoding='ascii') as f:
            self.assertEqual(f.read(), f'{vm.pid}\n')


class Signals(case.Case):

    def test_terminated(self):
        """SIGTERM, SIGINT and SIGHUP end it in good order."""
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
            vm = self.daemon('--pidfile', self.path('pid'), '--blockdev',
                             'null-co,node-name=n')
            os.kill(vm.pid, number)
            self.assertEqual(vm.wait(), 0)
            self.assertFalse(os.path.exists(self.path('pid')))
            vm.qmp.close()

    def test_monitor_gone(self):
        """Losing a monitor is no reason to end."""
        vm = self.daemon(
            '--chardev',
            f"socket,id=u,path={self.path('qmp')},server=on,wait=off",
            '--monitor', 'u')
        vm.qmp.close()
        client = vm.connect(self.path('qmp'))
        self.assertEqual(client.cmd('query-block'), [])
        client.cmd('quit')
        self.assertEqual(vm.wait(), 0)


class Daemonize(case.Case):

    def setUp(self):
        super().setUp()
        self.pid_path = self.path('pid')
        self.qmp_path = self.path('qmp')

    def start(self, *args):
        """Starts it; the parent's end means that it is ready."""
        done = tools.run([
            program.find(NAME), '--daemonize', '--pidfile', self.pid_path,
            '--chardev',
            f'socket,id=c,path={self.qmp_path},server=on,wait=off',
            '--monitor', 'c', *args])
        self.assertEqual((done.stdout, done.stderr), ('', ''))
        with open(self.pid_path, encoding='ascii') as f:
            pid = int(f.read())
        # A descriptor, so that no other process can be meant.
        pidfd = os.pidfd_open(pid)
        self.addCleanup(os.close, pidfd)
        self.addCleanup(self.end, pidfd)
        return pid, pidfd

    @staticmethod
    def end(pidfd):
        if not select.select([pidfd], [], [], 0)[0]:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)

    def test_ready_when_the_parent_ends(self):
        pid, pidfd = self.start('--blockdev', 'null-co,node-name=n')
        client = QMP.unix(self.qmp_path)
        client.negotiate()
        self.assertEqual(
            client.cmd('query-named-block-nodes')[0]['node-name'], 'n')
        # Its own session, no longer in the caller's directory.
        self.assertNotEqual(os.getsid(pid), os.getsid(0))
        self.assertEqual(os.readlink(f'/proc/{pid}/cwd'), '/')
        for fd in 0, 1, 2:
            self.assertEqual(os.readlink(f'/proc/{pid}/fd/{fd}'),
                             '/dev/null')
        client.cmd('quit')
        self.assertTrue(select.select([pidfd], [], [], TIMEOUT_S)[0])
        self.assertFalse(os.path.exists(self.pid_path))

    def test_error_reaches_the_caller(self):
        done = subprocess.run(
            [program.find(NAME), '--daemonize', '--nbd-server',
             'addr.type=unix,addr.path=/no/such/x'], check=False,
            capture_output=True, text=True, timeout=TIMEOUT_S)
        self.assertEqual(done.returncode, 1)
        self.assertIn('Failed to bind socket to /no/such/x', done.stderr)


if __name__ == '__main__':
    case.main()
