#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The QMP session itself: greeting, negotiation, ids, errors, transports."""

import json
import socket

from lib import case, order, program, schema, tools
from lib.qmp import QMP
from lib.program import TIMEOUT_S

NOT_YET = "Expecting capabilities negotiation with 'qmp_capabilities'"
ALREADY = 'Capabilities negotiation is already complete, command ignored'


class Session(case.Case):

    def setUp(self):
        super().setUp()
        self.vm = self.daemon(negotiate=False)
        self.qmp = self.vm.qmp

    def ask(self, text):
        self.qmp.send_raw(text)
        return self.qmp.recv()

    def assert_answer(self, text, desc, cls='GenericError', **more):
        self.assertEqual(self.ask(text + '\n'), dict(
            more, error={'class': cls, 'desc': desc}), text)

    def test_greeting(self):
        line = self.qmp.recv_line()
        self.assertIsNone(order.find_disorder(line))
        greeting = json.loads(line)
        version = greeting['QMP']['version']
        self.assertEqual(version['qemu'],
                         {'major': 7, 'minor': 2, 'micro': 22})
        self.assertEqual(greeting['QMP']['capabilities'], ['oob'])
        self.assertTrue(line.startswith(
            b'{"QMP": {"version": {"qemu": {"micro": '), line)
        if not program.is_oracle():
            self.assertRegex(version['package'], r'^tidemark-\d+\.\d+')
        self.qmp.greeting = greeting
        self.qmp.cmd('qmp_capabilities')

    def test_before_negotiation(self):
        self.qmp.recv()
        for name in 'query-version', 'nosuch', 'quit':
            self.assert_answer(json.dumps({'execute': name}), NOT_YET,
                               'CommandNotFound')
        self.assertEqual(self.ask('{"execute": "qmp_capabilities"}'),
                         {'return': {}})

    def test_capabilities(self):
        self.qmp.recv()
        # QEMU 7.2 calls the element 'null', which tells nobody anything.
        error = self.assert_qmp_fails(self.qmp, 'qmp_capabilities',
                                      {'enable': ['nosuch']})
        self.assertRegex(error.desc, r"^Parameter '.*' does not accept value "
                         "'nosuch'$")
        self.assertEqual(
            self.ask('{"execute": "qmp_capabilities", "arguments":'
                     ' {"enable": ["oob"]}, "id": 1}'),
            {'return': {}, 'id': 1})
        self.assert_answer('{"execute": "qmp_capabilities", "id": 2}',
                           ALREADY, 'CommandNotFound', id=2)

    def test_oob(self):
        self.qmp.negotiate(['oob'])
        self.assert_answer('{"exec-oob": "query-version", "id": 2}',
                           'The command query-version does not support OOB',
                           id=2)
        self.assert_answer(
            '{"execute": "query-version", "exec-oob": "query-version"}',
            "QMP input member 'execute' clashes with 'exec-oob'")

    def test_id_of_any_type(self):
        self.qmp.negotiate()
        for ident in (0, -1, 2 ** 63 - 1, -2 ** 63, 2 ** 64 - 1, 0.5, True,
                      False, None, '', 'x', 'a"b\\c\n', [], [1, [2]], {},
                      {'b': 1, 'a': {'c': None}}, 'é€𝄞'):
            reply = self.ask(
                json.dumps({'execute': 'query-version', 'id': ident}) + '\n')
            self.assertEqual(reply['id'], ident)
            self.assertIs(type(reply['id']), type(ident))
            self.assert_answer(
                json.dumps({'execute': 'nosuch', 'id': ident}),
                'The command nosuch has not been found', 'CommandNotFound',
                id=ident)
        self.assertNotIn('id', self.ask('{"execute": "query-version"}'))

    def test_requests_of_wrong_shape(self):
        self.qmp.negotiate()
        for text in '[]', '1', '"x"', 'null', 'true':
            self.assert_answer(text, 'QMP input must be a JSON object')
        for text, desc in (
                ('{}', "QMP input lacks member 'execute'"),
                ('{"arguments": {}}', "QMP input lacks member 'execute'"),
                ('{"execute": 1}',
                 "QMP input member 'execute' must be a string"),
                ('{"execute": "query-version", "arguments": 1}',
                 "QMP input member 'arguments' must be an object"),
                ('{"execute": "query-version", "arguments": []}',
                 "QMP input member 'arguments' must be an object"),
                ('{"execute": "query-version", "arguments": null}',
                 "QMP input member 'arguments' must be an object"),
                ('{"execute": "query-version", "foo": 1}',
                 "QMP input member 'foo' is unexpected")):
            self.assert_answer(text, desc)

    def test_arguments(self):
        self.qmp.negotiate()
        for command, args, desc in (
                ('query-version', {'a': 1}, "Parameter 'a' is unexpected"),
                ('blockdev-add', None, "Parameter 'driver' is missing"),
                ('blockdev-add', {'driver': 1}, 'Invalid parameter type for '
                 "'driver', expected: string"),
                ('blockdev-add', {'driver': 'nosuch'},
                 "Parameter 'driver' does not accept value 'nosuch'"),
                ('blockdev-add', {'driver': 'null-co', 'foo': 1},
                 "Parameter 'foo' is unexpected"),
                ('blockdev-add', {'driver': 'raw', 'file': {}},
                 "Parameter 'file.driver' is missing"),
                ('blockdev-add', {'driver': 'raw', 'file': 1},
                 "Invalid parameter type for 'file', expected: BlockdevRef"),
                ('blockdev-del', None, "Parameter 'node-name' is missing"),
                ('blockdev-del', {'node-name': 1}, 'Invalid parameter type '
                 "for 'node-name', expected: string"),
                ('blockdev-del', {'node-name': 'a', 'b': 1},
                 "Parameter 'b' is unexpected"),
                ('block-dirty-bitmap-add',
                 {'node': 'n', 'name': 'b', 'granularity': 2 ** 32},
                 "Parameter 'granularity' expects uint32_t"),
                ('block-dirty-bitmap-add',
                 {'node': 'n', 'name': 'b', 'granularity': -1},
                 "Parameter 'granularity' expects uint32_t"),
                ('block-dirty-bitmap-add',
                 {'node': 'n', 'name': 'b', 'granularity': 1.5},
                 "Parameter 'granularity' expects uint64"),
                ('block-dirty-bitmap-add',
                 {'node': 'n', 'name': 'b', 'granularity': '1'},
                 "Parameter 'granularity' expects uint64"),
                ('block-dirty-bitmap-add',
                 {'node': 'n', 'name': 'b', 'persistent': 1},
                 "Invalid parameter type for 'persistent', "
                 'expected: boolean')):
            self.assert_error(self.qmp, command, args, desc)

    def test_split_anywhere(self):
        self.qmp.negotiate()
        text = ' {"execute":\t"query-version",\r\n "id": "\\u00e9 é"}\n'
        for byte in text.encode():
            self.qmp.send_raw(bytes([byte]))
        self.assertEqual(self.qmp.recv()['id'], 'é é')

    def test_needs_no_line_end(self):
        self.qmp.negotiate()
        self.qmp.send_raw('{"execute": "query-version", "id": 1}')
        self.assertEqual(self.qmp.recv()['id'], 1)

    def test_many_in_one_packet(self):
        self.qmp.recv()
        self.qmp.send_raw('{"execute":"qmp_capabilities"}' + ''.join(
            f'{{"execute":"query-version","id":{i}}}' for i in range(20)))
        self.assertEqual(self.qmp.recv(), {'return': {}})
        self.assertEqual([self.qmp.recv()['id'] for _ in range(20)],
                         list(range(20)))

    def test_single_quotes(self):
        self.qmp.negotiate()
        self.assertEqual(
            self.ask("{'execute':'query-version',"
                     " 'id':['a\"b', 'it\\'s', \"it's\", '\\u0027']}")['id'],
            ['a"b', "it's", "it's", "'"])

    def test_lines_as_printed(self):
        self.qmp.negotiate()

        def line(text):
            self.qmp.send_raw(text)
            return self.qmp.recv_line().decode()

        self.assertEqual(line("{'execute':'nosuch','id':1}"),
                         '{"id": 1, "error": {"class": "CommandNotFound", '
                         '"desc": "The command nosuch has not been found"}}')
        self.assertEqual(
            line("{'execute':'query-block','id':{'timestamp':1,'event':[2,{"
                 "}],'data':{'b':null,'a':true}}}"),
            '{"return": [], "id": {"timestamp": 1, "event": [2, {}], '
            '"data": {"a": true, "b": null}}}')
        self.assertEqual(
            line('{"execute":"query-block","id":"\\u00e9\\ud834\\udd1e\\n'
                 '\\u0001\\u007f\\/\\"\\\\"}'),
            '{"return": [], "id": "\\u00E9\\uD834\\uDD1E\\n\\u0001\\u007F'
            '/\\"\\\\"}')
        self.assertEqual(line('{"execute":"query-block","id":[0.1,1e3,-0.5'
                              ',1.0]}'),
                         '{"return": [], "id": [0.10000000000000001, 1000, '
                         '-0.5, 1]}')
        for name in 'query-version', 'query-commands', 'query-qmp-schema':
            self.assertIsNone(order.find_disorder(
                line(json.dumps({'execute': name}))))

    def test_query_version(self):
        self.qmp.negotiate()
        self.assertEqual(self.qmp.cmd('query-version'),
                         self.qmp.greeting['QMP']['version'])

    def test_query_commands(self):
        self.qmp.negotiate()
        names = {entry['name'] for entry in self.qmp.cmd('query-commands')}
        for name in ('qmp_capabilities query-version query-commands quit '
                     'query-qmp-schema blockdev-add blockdev-del transaction '
                     'query-named-block-nodes query-block nbd-server-start '
                     'nbd-server-stop block-export-add block-export-del '
                     'query-block-exports block-dirty-bitmap-add '
                     'block-dirty-bitmap-remove block-dirty-bitmap-clear '
                     'block-dirty-bitmap-enable block-dirty-bitmap-disable '
                     'block-dirty-bitmap-merge blockdev-backup query-jobs '
                     'x-debug-block-dirty-bitmap-sha256 job-pause job-resume '
                     'job-cancel job-complete job-dismiss job-finalize '
                     'query-block-jobs block-job-set-speed block-job-cancel '
                     'block-job-pause block-job-resume block-job-complete '
                     'block-job-finalize block-job-dismiss').split():
            self.assertIn(name, names)

    def test_what_machines_have(self):
        """A daemon has no guest, whose commands it does not know."""
        self.qmp.negotiate()
        names = {e['name'] for e in self.qmp.cmd('query-commands')}
        for name in 'query-status', 'cont', 'device_add', 'eject', 'migrate':
            self.assertNotIn(name, names)
            answer = self.qmp.execute(name)
            self.assertEqual(answer['error'], {
                'class': 'CommandNotFound',
                'desc': f'The command {name} has not been found'})

    def test_schema(self):
        self.qmp.negotiate()
        answer = self.qmp.cmd('query-qmp-schema')
        self.assertEqual(schema.find_faults(answer), [])
        commands = {e['name'] for e in answer if e['meta-type'] == 'command'}
        self.assertEqual(commands, {
            entry['name'] for entry in self.qmp.cmd('query-commands')})
        events = {e['name'] for e in answer if e['meta-type'] == 'event'}
        for name in ('JOB_STATUS_CHANGE', 'BLOCK_JOB_COMPLETED',
                     'BLOCK_JOB_CANCELLED', 'BLOCK_JOB_ERROR',
                     'BLOCK_JOB_PENDING', 'BLOCK_EXPORT_DELETED'):
            self.assertIn(name, events)
        for entry in answer:
            if entry['meta-type'] in ('object', 'enum', 'alternate'):
                self.assertRegex(entry['name'], r'^\d+$')

    def test_quit(self):
        self.qmp.negotiate()
        self.qmp.send_raw('{"execute": "quit", "id": 7}')
        self.assertEqual(self.qmp.recv_line(), b'{"return": {}, "id": 7}')
        self.assertEqual(self.qmp.recv_until_closed(), b'')
        self.assertEqual(self.vm.wait(), 0)


class Transports(case.Case):

    def test_many_monitors(self):
        unix = self.path('qmp')
        vm = self.daemon(
            '--chardev', f'socket,id=u,path={unix},server=on,wait=off',
            '--monitor', 'u')
        clients = [vm.qmp, vm.connect(unix)]
        for i, client in enumerate(clients):
            client.send_raw(json.dumps({'execute': 'query-block', 'id': i}))
        for i, client in reversed(list(enumerate(clients))):
            self.assertEqual(client.recv(), {'return': [], 'id': i})
        # What one does, the others see; so do the events.
        clients[1].cmd('blockdev-add', driver='null-co', node_name='n',
                       size=65536)
        vm.cmd('blockdev-add', driver='null-co', node_name='t', size=65536)
        vm.cmd('blockdev-backup', job_id='j', device='n', target='t',
               sync='full')
        for client in clients:
            event = client.event('JOB_STATUS_CHANGE', status='null')
            self.assertEqual(event['data']['id'], 'j')
            self.assertGreater(event['timestamp']['seconds'], 1600000000)
            self.assertIn(event['timestamp']['microseconds'],
                          range(1000000))

    def test_events_only_after_negotiation(self):
        unix = self.path('qmp')
        vm = self.daemon(
            '--chardev', f'socket,id=u,path={unix},server=on,wait=off',
            '--monitor', 'u')
        silent = vm.connect(unix, negotiate=False)
        silent.recv()
        for name in 'n', 't':
            vm.cmd('blockdev-add', driver='null-co', node_name=name, size=512)
        vm.cmd('blockdev-backup', job_id='j', device='n', target='t',
               sync='full')
        vm.qmp.event('JOB_STATUS_CHANGE', status='null')
        silent.send_raw('{"execute": "qmp_capabilities", "id": 1}')
        self.assertEqual(silent.recv(), {'return': {}, 'id': 1})

    def test_client_after_client(self):
        unix = self.path('qmp')
        vm = self.daemon(
            '--chardev', f'socket,id=u,path={unix},server=on,wait=off',
            '--monitor', 'u')
        for _ in range(3):
            client = vm.connect(unix)
            self.assertEqual(client.cmd('query-block'), [])
            client.close()

    def test_tcp(self):
        # The kernel chooses the port; the daemon inherits the listener.
        listener = socket.create_server(('127.0.0.1', 0))
        port = listener.getsockname()[1]
        self.daemon(
            '--chardev', f'socket,id=t,fd={listener.fileno()},server=on,'
            'wait=off', '--monitor', 't', pass_fds=[listener.fileno()])
        listener.close()
        client = QMP.tcp(port)
        client.negotiate()
        self.assertEqual(client.cmd('query-block'), [])

    def test_tcp_host_and_port(self):
        probe = socket.create_server(('127.0.0.1', 0))
        port = probe.getsockname()[1]
        # Connected to by the daemon, as a client.
        vm = self.daemon('--chardev', 'socket,id=t,host=127.0.0.1,'
                         f'port={port}', '--monitor', 't')
        probe.settimeout(TIMEOUT_S)
        sock, _ = probe.accept()
        client = QMP(sock)
        client.negotiate()
        self.assertEqual(client.cmd('query-block'), [])
        client.close()
        self.assertEqual(vm.cmd('query-block'), [])

    def test_unix_as_client(self):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path('listen'))
        listener.listen()
        listener.settimeout(TIMEOUT_S)
        self.daemon('--chardev', f"socket,id=c,path={self.path('listen')}",
                    '--monitor', 'c')
        sock, _ = listener.accept()
        client = QMP(sock)
        client.negotiate()
        self.assertEqual(client.cmd('query-block'), [])

    def test_stdio(self):
        done = tools.run(
            [program.find('qemu-storage-daemon'), '--chardev', 'stdio,id=s',
             '--monitor', 's'], input='{"execute": "qmp_capabilities"}\n'
            "{'execute': 'query-block'}\n{'execute': 'quit'}\n")
        self.assertEqual(done.stderr, '')
        lines = done.stdout.splitlines()
        self.assertRegex(lines[0], r'^\{"QMP": \{.*\}\}$')
        self.assertEqual(lines[1:], ['{"return": {}}', '{"return": []}',
                                     '{"return": {}}'])

    def test_pretty(self):
        done = tools.run(
            [program.find('qemu-storage-daemon'), '--chardev', 'stdio,id=s',
             '--monitor', 's,pretty=on'], input="{'execute':"
            "'qmp_capabilities'}{'execute':'nosuch'}{'execute': 'quit'}\n")
        self.assertIn('{\n    "return": {\n    }\n}\n', done.stdout)
        self.assertIn('    "error": {\n        "class": "CommandNotFound",\n'
                      '        "desc": "The command nosuch has not been '
                      'found"\n    }\n', done.stdout)


if __name__ == '__main__':
    case.main()
