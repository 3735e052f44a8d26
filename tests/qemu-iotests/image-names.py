#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How images are named to the tools: paths, PROTOCOL:REST, json:{...} and
option strings; read-only and shared images."""

import json

from lib import case, images, tools
from lib.images import MIB

FILE = {'driver': 'file', 'filename': 'a.img'}


class Names(case.Case):

    def setUp(self):
        super().setUp()
        images.make(self.path('a.img'), MIB, [(0, MIB, 1)])
        images.make(self.path('foo:x'), MIB)

    def info(self, *args):
        done = tools.img('info', '--output=json', *args, cwd=self.dir)
        info = json.loads(done.stdout)
        return info['format'], info['virtual-size']

    def assert_raw(self, *args, size=MIB):
        self.assertEqual(self.info(*args), ('raw', size), args)

    def refused(self, desc, *args):
        done = tools.img('info', *args, check=False, cwd=self.dir)
        self.assertEqual(done.returncode, 1, args)
        self.assertEqual(done.stderr, f"qemu-img: Could not open "
                         f"'{args[-1]}': {desc}\n")

    # -- json:

    @staticmethod
    def name(**options):
        return 'json:' + json.dumps({k.replace('_', '-'): v
                                     for k, v in options.items()})

    def test_json(self):
        self.assert_raw(self.name(driver='raw', file=FILE))
        self.assert_raw(self.name(driver='raw', file={'filename': 'a.img'}))
        self.assert_raw(self.name(file=FILE))
        self.assert_raw('json:{"file.filename": "a.img"}')
        self.assert_raw('json:{"file.driver": "file", "driver": "raw", '
                        '"file.filename": "a.img"}')
        self.assertEqual(self.info(self.name(**FILE)), ('file', MIB))
        self.assertEqual(self.info(self.name(driver='null-co', size=1024)),
                         ('null-co', 1024))

    def test_overlay_shown_by_its_name(self):
        """That info looks at one image alone is not shown."""
        tools.img('create', '-q', '-f', 'qcow2', '-b', 'a.img', '-F', 'raw',
                  'o.qcow2', cwd=self.dir)
        for args in ((), ('--backing-chain',), ('-f', 'qcow2')):
            done = tools.img('info', *args, 'o.qcow2', cwd=self.dir)
            self.assertTrue(done.stdout.startswith('image: o.qcow2\n'),
                            done.stdout)

    def test_json_without_backing(self):
        """What is behind it is another image, or none."""
        tools.img('create', '-q', '-f', 'qcow2', '-b', 'a.img', '-F', 'raw',
                  'b.img', cwd=self.dir)
        for backing, byte in ((None, 0), ({'driver': 'raw'}, 1)):
            name = self.name(driver='qcow2', backing=backing,
                             file={'driver': 'file', 'filename': 'b.img'})
            tools.io(name, f'read -q -P {byte} 0 1M', cwd=self.dir,
                     options=('-r',))

    def test_json_children(self):
        self.assertEqual(self.info(self.name(
            driver='quorum', vote_threshold=1, children=[
                {'driver': 'raw', 'file.filename': 'a.img'},
                {'file.filename': 'foo:x'}])), ('quorum', MIB))

    def test_words_of_options(self):
        """Other words than the schema's, and what is said of wrong ones."""
        for word in 'on', 'off', 'unmap', 'ignore':
            self.assert_raw('--image-opts',
                            f'driver=raw,file.filename=a.img,discard={word}')
        for option, desc in (
                ('discard=x', 'Invalid discard option'),
                ('detect-zeroes=x', 'invalid parameter value: x'),
                ('size=x', "Parameter 'size' expects a non-negative number "
                 'below 2^64\nOptional suffix k, M, G, T, P or E means kilo-, '
                 'mega-, giga-, tera-, peta-\nand exabytes, respectively.')):
            self.refused(desc, '--image-opts',
                         f'driver=raw,file.filename=a.img,{option}')

    def test_blkverify(self):
        images.make(self.path('c.img'), MIB, [(0, MIB, 1)])
        self.assert_raw('blkverify:a.img:c.img')
        tools.io('blkverify:a.img:c.img', 'read -q -P 1 0 1M', cwd=self.dir)
        self.refused('blkverify requires raw copy and original image path',
                     'blkverify:a.img')

    def test_probing_is_no_event(self):
        with open(self.path('rules'), 'w', encoding='utf-8') as f:
            f.write('[inject-error]\nevent = "read_aio"\nerrno = "5"\n')
        self.assert_raw('blkdebug:rules:a.img')

    def test_json_scalars(self):
        for options in ({'size': 512}, {'size': '512'},
                        {'size': 512, 'read-only': True},
                        {'size': 512, 'read-only': 'on'}):
            self.assert_raw(self.name(driver='raw', file=FILE, **options),
                            size=512)
        self.assert_raw(self.name(driver='raw', file=FILE, size='4k'),
                        size=4096)

    def test_json_nested_and_dotted(self):
        self.assert_raw('json:{"driver": "raw", "cache.direct": "off", '
                        '"cache": {"no-flush": true}, "file": '
                        '{"filename": "a.img"}}')
        self.refused('Cannot reference an existing block device with '
                     'additional options or a new filename',
                     'json:{"driver":"raw","file":"x",'
                     '"file.filename":"a.img"}')

    def test_json_bad(self):
        for text, desc in (
                ('{', 'Could not parse the JSON options: JSON parse error, '
                 'premature EOI'),
                ('', 'Could not parse the JSON options: Expecting a JSON '
                 'value'),
                ('5', 'Invalid JSON object given'),
                ('[]', 'Invalid JSON object given'),
                ('{}', 'Must specify either driver or file'),
                ('{"driver": "nosuch"}', "Unknown driver 'nosuch'"),
                ('{"driver": "raw"}',
                 'A block device must be specified for "file"'),
                ('{"driver": "raw", "file": "x"}',
                 "Cannot find device='x' nor node-name='x'")):
            self.refused(desc, 'json:' + text)

    def test_unknown_options(self):
        format_desc = "Block format 'raw' does not support the option 'foo'"
        file_desc = "Block protocol 'file' doesn't support the option 'foo'"
        self.refused(format_desc, self.name(driver='raw', foo=1, file=FILE))
        self.refused(file_desc, self.name(foo=1, **FILE))
        self.refused(file_desc, self.name(file=dict(FILE, foo=1)))
        self.refused(format_desc, '--image-opts',
                     'driver=raw,file.filename=a.img,foo=1')
        self.refused(file_desc, '--image-opts',
                     'driver=raw,file.filename=a.img,file.foo=1')

    # -- protocols

    def test_protocols(self):
        self.assert_raw('-f', 'raw', 'file:a.img')
        self.assert_raw('./foo:x')
        self.assert_raw('-f', 'raw', 'null-co://', size=1 << 30)
        self.assertEqual(self.info('-f', 'null-co', 'null-co://'),
                         ('null-co', 1 << 30))

    def test_unknown_protocol(self):
        for name, protocol in (('foo:x', 'foo'), ('raw:a.img', 'raw'),
                               (':x', '')):
            self.refused(f"Unknown protocol '{protocol}'", name)
        for name in 'null-co:x', 'null-co:':
            self.refused('The only allowed filename for this driver is '
                         "'null-co://'", name)
        done = tools.io('foo:x', 'length', check=False, cwd=self.dir)
        self.assertEqual(done.stderr, "qemu-io: can't open device foo:x: "
                         "Unknown protocol 'foo'\n")

    # -- option strings

    def test_option_strings(self):
        for text, size in (
                ('driver=raw,file.filename=a.img', MIB),
                ('driver=raw,file.driver=file,file.filename=a.img', MIB),
                ('file.filename=a.img', MIB),
                ('driver=raw,file.filename=foo:x', MIB),
                ('driver=raw,file.filename=a.img,size=1k,offset=512', 1024)):
            self.assert_raw('--image-opts', text, size=size)
        self.assertEqual(self.info('--image-opts', 'driver=null-co,size=1k'),
                         ('null-co', 1024))

    def test_bad_option_strings(self):
        for text, desc in (
                ('filename=a.img', 'Must specify either driver or file'),
                ('driver=nosuch', "Unknown driver 'nosuch'"),
                ('driver=raw', 'A block device must be specified for '
                 '"file"'),
                ('x', "Cannot find device='x' nor node-name='x'"),
                ('driver=raw,file.filename=json:x',
                 "Could not open 'json:x': No such file or directory")):
            self.refused(desc, '--image-opts', text)

    # -- read-only and shared

    def io(self, text, *commands, options=()):
        return tools.io(text, *commands, check=False, cwd=self.dir,
                        options=('--image-opts', *options))

    def test_read_only(self):
        text = 'driver=raw,file.filename=a.img'
        for more in ('read-only=on', 'read-only=off,file.read-only=on'):
            done = self.io(f'{text},{more}', 'length')
            self.assertEqual((done.returncode, done.stderr), (
                1, "qemu-io: can't open: Block node is read-only\n"))
        done = self.io(f'{text},read-only=on', 'length', options=['-r'])
        self.assertEqual((done.returncode, done.stdout), (0, '1 MiB\n'))

    def test_force_share(self):
        text = 'driver=raw,file.filename=a.img,force-share=on'
        done = self.io(text, 'length')
        self.assertEqual((done.returncode, done.stderr), (
            1, "qemu-io: can't open: force-share=on can only be used with "
            'read-only images\n'))
        done = self.io(text, 'length', options=['-r'])
        self.assertEqual((done.returncode, done.stdout), (0, '1 MiB\n'))


if __name__ == '__main__':
    case.main()
