#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qemu-io: several areas, requests behind the commands, breaks of blkdebug and
its files of rules."""

import re

from lib import case, images, program, tools
from lib.case import ours_only
from lib.images import KIB, MIB


def without_times(text):
    """Statistics without their times: `512 bytes, 1 ops`."""
    return re.sub(r'(, \d+ ops); .*', r'\1', text)


def done(verb, length, offset=0):
    size = f'{length // KIB} KiB' if length >= KIB else f'{length} bytes'
    return (f'{verb} {length}/{length} bytes at offset {offset}\n'
            f'{size}, 1 ops\n')


def suspended(*tags):
    return ''.join(f"blkdebug: Suspended request '{tag}'\n" for tag in tags)


def resumed(*tags):
    return ''.join(f"blkdebug: Resuming request '{tag}'\n" for tag in tags)


class Shell(case.Case):

    def setUp(self):
        super().setUp()
        self.image = images.make(self.path('a.img'), MIB)

    def assert_output(self, out, *commands, code=0, err='', image='a.img',
                      options=('-f', 'raw')):
        ran = tools.io(image, *commands, options=options, check=False,
                       cwd=self.dir)
        self.assertEqual((without_times(ran.stdout), ran.stderr,
                          ran.returncode), (out, err, code), commands)


class Behind(Shell):
    """aio_read, aio_write, aio_flush"""

    def test_write_and_read(self):
        self.assert_output(
            done('wrote', 4 * KIB, 512) + done('read', 4 * KIB, 512),
            'aio_write -P 7 512 1k 3k', 'aio_flush',
            'aio_read -P 7 512 2k 2k', 'aio_flush')
        self.assertEqual(images.read(self.image, 512, 4 * KIB),
                         b'\7' * 4 * KIB)

    def test_zeroes(self):
        self.assert_output('', 'aio_write -q 0 8k', 'aio_flush',
                           'aio_write -qz 0 4k', 'aio_flush')
        self.assertEqual(images.read(self.image, 0, 8 * KIB),
                         bytes(4 * KIB) + b'\xcd' * 4 * KIB)
        self.assert_output('-z supports only a single length parameter\n',
                           'aio_write -z 0 512 512', code=1)
        self.assert_output('-u requires -z to be specified\n',
                           'aio_write -u 0 512', code=1)

    def test_errors_are_told_but_do_not_count(self):
        self.assert_output('readv failed: Input/output error\n',
                           'aio_read 2M 512')
        self.assert_output('aio_write failed: Input/output error\n',
                           'aio_write 2M 512')
        self.assert_output('Pattern verification failed at offset 0, '
                           '512 bytes\n' + done('read', 512),
                           'aio_read -P 1 0 512')

    def test_invalid(self):
        self.assert_output('injecting invalid read request\n'
                           'injecting invalid write request\n',
                           'aio_read -i 0 512', 'aio_write -i 0 512')

    def test_sizes(self):
        for command in 'aio_read', 'aio_write', 'readv', 'writev':
            self.assert_output(
                "Argument '3G' exceeds maximum size 2147483136\n",
                f'{command} 0 3G', code=1)
            self.assert_output(
                'The total number of bytes exceed the maximum size '
                '2147483136\n', f'{command} 0 1G 1G', code=1)
            self.assert_output(
                '', f'{command} 0', code=1,
                err=f'bad argument count 1 to {command}, expected at least 2 '
                    'arguments\n')

    def test_usage(self):
        self.assert_output(
            'aio_read [-Ciqv] [-P pattern] off len [len..] -- '
            'asynchronously reads a number of bytes\n', 'aio_read -x 0 512',
            code=1, err="aio_read: invalid option -- 'x'\n")

    def test_standard_input(self):
        ran = tools.io('a.img', cwd=self.dir,
                       input='aio_read 0 512\nsleep 20\nq\n')
        self.assertEqual(ran.stdout.count('qemu-io> '), 3)
        self.assertEqual(
            without_times(ran.stdout.replace('qemu-io> ', '')),
            done('read', 512))


class Vectors(Shell):

    def test_round(self):
        self.assert_output(
            done('wrote', KIB) + done('read', KIB),
            'writev -P 3 0 512 512', 'readv -P 3 0 1 1023')

    def test_failure(self):
        self.assert_output('readv failed: Input/output error\n'
                           'writev failed: Input/output error\n',
                           'readv 2M 512', 'writev 2M 512', code=1)


class Small(Shell):

    def test_alloc(self):
        self.assert_output(
            '512/512 bytes allocated at offset 0 bytes\n'
            '65536/65536 bytes allocated at offset 1 KiB\n'
            '0/0 bytes allocated at offset 1 MiB\n',
            'alloc 0', 'alloc 1k 64k', 'alloc 1M')

    def test_sleep(self):
        self.assert_output('x is not a valid number\n'
                           '-1 is not a valid number\n',
                           'sleep 0', 'sleep x', 'sleep -1', code=1)

    def test_signals(self):
        # A shell in between: this end is what is asked for.
        for command, code in ('sigraise 9', 137), ('abort', 134):
            ran = tools.run(['sh', '-c', '"$0" "$@"; echo $?',
                             program.find('qemu-io'), '-f', 'raw', '-c',
                             command, '-c', 'length', self.image])
            self.assertEqual(ran.stdout, f'{code}\n')
        self.assert_output("signal argument '100' is too large to be a valid "
                           'signal\n', 'sigraise 100', code=1)


class Breaks(Shell):

    def assert_broken(self, out, *commands, code=0):
        self.assert_output(out, *commands, code=code, image='blkdebug::a.img')

    def test_break(self):
        self.assert_broken(
            suspended('A') + resumed('A') + done('read', 512),
            'break read_aio A', 'aio_read 0 512', 'wait_break A', 'resume A',
            'aio_flush')

    def test_others_go_on(self):
        self.assert_broken(
            suspended('A') + done('read', KIB, 4 * KIB) + resumed('A') +
            done('wrote', 512), 'break write_aio A', 'aio_write 0 512',
            'wait_break A', 'read 4k 1k', 'resume A', 'aio_flush')

    def test_before_and_after_a_write(self):
        for event, written in ('pwritev', False), ('pwritev_done', True):
            self.assert_broken(
                suspended('A') +
                ('' if written else 'Pattern verification failed at offset '
                 '8192, 512 bytes\n') + done('read', 512, 8 * KIB) +
                resumed('A') + done('wrote', 512, 8 * KIB),
                f'break {event} A', 'aio_write 8k 512', 'wait_break A',
                'read -P 0xcd 8k 512', 'resume A', 'aio_flush',
                code=0 if written else 1)

    def test_two_on_one_event(self):
        self.assert_broken(
            suspended('B', 'A') + resumed('A') + '1 MiB\n' + resumed('B') +
            done('read', 512), 'break read_aio A', 'break read_aio B',
            'aio_read 0 512', 'resume A', 'length', 'resume B', 'aio_flush')

    def test_one_tag_twice(self):
        """The one that was suspended last goes first."""
        self.assert_broken(
            suspended('A', 'A') + resumed('A') + done('read', 512, KIB) +
            resumed('A') + done('read', 512), 'break read_aio A',
            'aio_read 0 512', 'break read_aio A', 'aio_read 1k 512',
            'resume A', 'sleep 50', 'resume A', 'aio_flush')

    def test_remove(self):
        self.assert_broken(done('read', 512), 'break read_aio A',
                           'break read_aio A', 'remove_break A', 'read 0 512')
        self.assert_broken(
            suspended('A') + resumed('A') +
            'Could not remove breakpoint A: No such file or directory\n' +
            done('read', 512), 'break read_aio A', 'aio_read 0 512',
            'remove_break A', 'aio_flush', code=1)

    def test_errors(self):
        for why, image in (('No such file or directory', 'blkdebug::a.img'),
                           ('Operation not supported', 'a.img')):
            self.assert_output(
                f'Could not set breakpoint: {why}\n'
                f'Could not resume request: {why}\n'
                f'Could not remove breakpoint A: {why}\n',
                'break nosuch A', 'resume A', 'remove_break A', code=1,
                image=image)

    @ours_only('waits for ever')
    def test_close_resumes(self):
        self.assert_broken(suspended('A') + resumed('A') + done('read', 512),
                           'break read_aio A', 'aio_read 0 512')
        self.assert_output('Could not wait for a request: Operation not '
                           'supported\n', 'wait_break A', code=1)


class Rules(Shell):
    """blkdebug:RULES:IMAGE"""

    def rules(self, text):
        with open(self.path('rules'), 'w', encoding='ascii') as f:
            f.write(text)

    def assert_rules(self, text, out, *commands, code=1):
        self.rules(text)
        self.assert_output(out, *commands, code=code,
                           image='blkdebug:rules:a.img')

    def refused(self, why, text='', image='blkdebug:rules:a.img'):
        self.rules(text)
        self.assert_output('', 'length', code=1, image=image, err=(
            f"qemu-io: can't open device {image}: {why}\n"))

    def test_states(self):
        self.assert_rules(
            '# comment\n[set-state]\nevent = "write_aio"\nstate = "1"\n'
            'new_state = "2"\n\n[inject-error "name"]\nevent = "read_aio"\n'
            'state = "2"\nerrno = "28"\nonce = "on"\nimmediately = "off"\n',
            done('read', 512) + done('wrote', 512) +
            'read failed: No space left on device\n' + done('read', 512),
            'read 0 512', 'write 0 512', 'read 0 512', 'read 0 512')

    def test_words(self):
        self.assert_rules(
            '[inject-error]\nevent = "none"\niotype = "write"\n'
            'sector = "0x2"\nerrno = "12"\n',
            done('read', 4 * KIB) + done('wrote', KIB) +
            'write failed: Cannot allocate memory\n',
            'read 0 4k', 'write 0 1k', 'write 0 2k')

    def test_bad_rules(self):
        group = '[inject-error]\nevent = "none"\n'
        for text, why in (
                ('[inject-error]\n', 'Missing event name for rule'),
                ('[set-state]\nnew_state = "2"\n',
                 'Missing event name for rule'),
                ('[inject-error]\nevent = "x"\n',
                 'invalid parameter value: x'),
                ('[inject-error]\nevent = none\n',
                 'invalid parameter value: '),
                (group + 'iotype = "x"\n', 'invalid parameter value: x'),
                (group + 'errno = "x"\n',
                 "Parameter 'errno' expects a number"),
                (group + 'sector = "1k"\n',
                 "Parameter 'sector' expects a number"),
                (group + 'once = "maybe"\n',
                 "Parameter 'once' expects 'on' or 'off'"),
                (group + 'nosuch = "1"\n', "Invalid parameter 'nosuch'"),
                (group + 'new_state = "1"\n',
                 "Invalid parameter 'new_state'"),
                ('[set-state]\nerrno = "1"\n', "Invalid parameter 'errno'"),
                ('[x]\n', "There is no option group 'x'"),
                ('event = "none"\n', 'no group defined'),
                ('[inject-error "a"]\nevent = "none"\n' * 2,
                 "Duplicate ID 'a' for inject-error"),
                ('[inject-error "1a"]\nevent = "none"\n',
                 "Parameter 'id' expects an identifier\nIdentifiers consist "
                 "of letters, digits, '-', '.', '_', starting with a "
                 'letter.')):
            self.refused(why, text)

    def test_names(self):
        for image, why in (
                ('blkdebug:nosuch:a.img', 'Could not read blkdebug config '
                 'file: No such file or directory'),
                ('blkdebug:.:a.img', 'Cannot read config file: Is a directory'),
                ('blkdebug:a.img', 'blkdebug requires both config file and '
                 'image path'),
                ('blkdebug:', 'blkdebug requires both config file and image '
                 'path'),
                ('blkdebug::nosuch', "Could not open 'nosuch': No such file "
                 'or directory'),
                ('blkdebug::', "The 'file' block driver requires a file "
                 'name'),
                ('blkdebug::nosuch:x', "Unknown protocol 'nosuch'")):
            self.refused(why, image=image)

    def test_options(self):
        self.rules('[inject-error]\nevent = "none"\n')
        for image, options in (
                ('driver=raw,file.driver=blkdebug,file.config=rules,'
                 'file.image.filename=a.img', ('--image-opts',)),
                ('driver=blkdebug,image.filename=a.img,'
                 'inject-error.0.event=none', ('--image-opts',)),
                ('json:{"driver": "raw", "file": {"driver": "blkdebug", '
                 '"config": "rules", "image.filename": "a.img"}}', ()),
                ('blkdebug::blkdebug:rules:a.img', ('-f', 'raw'))):
            self.assert_output('read failed: Input/output error\n',
                               'read 0 512', code=1, image=image,
                               options=options)

    @ours_only('recurses')
    def test_deep_name(self):
        image = 'blkdebug::' * 30 + 'a.img'
        self.refused('A file name is nested deeper than 16 levels',
                     image=image)

    def test_node_names(self):
        self.rules('')
        vm = self.daemon()
        rules = self.path('rules')
        vm.cmd('blockdev-add', {
            'driver': 'raw', 'node-name': 'top', 'file': {
                'driver': 'blkdebug', 'config': rules, 'image': {
                    'driver': 'file', 'filename': self.image}}})
        nodes = vm.cmd('query-named-block-nodes', {'flat': True})
        self.assertEqual([n['file'] for n in nodes if n['drv'] != 'file'],
                         [f'blkdebug:{rules}:{self.image}'] * 2)
        self.assert_error(vm, 'blockdev-add', {
            'driver': 'blkdebug', 'node-name': 'x', 'config': '/nosuch',
            'image': {'driver': 'null-co'}},
            'Could not read blkdebug config file: No such file or directory')


if __name__ == '__main__':
    case.main()
