#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The generator: what it accepts, what it refuses and where it says it is,
what it makes. Prints TAP."""

import os
import sys
import tempfile
import traceback

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
sys.path.insert(0, os.path.join(ROOT, 'scripts'))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from qapi import gen_commands, gen_doc, gen_introspect, gen_types
from qapi.check import c_condition
from qapi.error import QapiError
from qapi.names import c_name, camel_to_upper, to_camel
from qapi.schema import Schema

NO_DOC = "{ 'pragma': { 'doc-required': false } }\n"


def load(text, **files):
    """The schema of @text, with further files by name for includes."""
    with tempfile.TemporaryDirectory() as folder:
        for name, body in dict(files, main=text).items():
            with open(os.path.join(folder, name + '.json'), 'w',
                      encoding='utf-8') as file:
                file.write(body)
        return Schema(os.path.join(folder, 'main.json'))


def generated(schema, *generators):
    with tempfile.TemporaryDirectory() as folder:
        for generator in generators:
            generator.generate(schema, folder)
        out = {}
        for name in os.listdir(folder):
            with open(os.path.join(folder, name), encoding='utf-8') as file:
                out[name] = file.read()
        return out


def equal(got, expected):
    if got != expected:
        raise AssertionError(f'{got!r} is not {expected!r}')


def contains(text, part):
    if part not in text:
        raise AssertionError(f'{part!r} is not in {text!r}')


def refused(text, line, error):
    """@text (after the pragma, so its first line is 2) is refused there."""
    try:
        load(NO_DOC + text)
    except QapiError as err:
        contains(err.text, error)
        equal(os.path.basename(err.place.file), 'main.json')
        equal(err.place.line, line)
        return
    raise AssertionError(f'accepted: {text}')


def test_names():
    equal(camel_to_upper('BlockdevOnError'), 'BLOCKDEV_ON_ERROR')
    equal(camel_to_upper('QAPIEvent'), 'QAPI_EVENT')
    equal(camel_to_upper('IoOperationType'), 'IO_OPERATION_TYPE')
    equal(to_camel('JOB_STATUS_CHANGE'), 'JobStatusChange')
    equal(c_name('node-name'), 'node_name')
    equal(c_name('default'), 'q_default')
    equal(c_name('4k'), 'q_4k')


def test_conditions():
    equal(c_condition('A'), 'defined(A)')
    equal(c_condition({'all': ['A', {'not': 'B'}]}),
          '(defined(A) && !defined(B))')
    equal(c_condition({'any': ['A', 'B']}), '(defined(A) || defined(B))')


def test_syntax():
    refused("{ 'struct': 'S', 'data': {} } @", 2, "stray '@'")
    refused("{ 'struct': 'S',\n 'data': { } \n", 4, "expected ','")
    refused("{ 'struct': 'S',\n 'struct': 'T' }", 3, "given twice")
    refused("{ 'struct': 'S', 'data': {}, }", 2, "stray ','")
    refused("{ 'struct': 'S', 'data': maybe }", 2, 'expected a value')
    refused("{ 'enum': 'E', 'data': [ 'a' 'b' ] }", 2, "expected ','")
    refused("# comment\n##\n# @S:\n", 3, 'without an end')
    refused("##\n#bad\n##\n", 3, "start with '# '")


def test_expressions():
    refused("{ 'nosuch': 'S' }", 2, 'expected exactly one of')
    refused("{ 'struct': 'S' }", 2, "lacks 'data'")
    refused("{ 'struct': 'S', 'data': {}, 'foo': 1 }", 2, "stray '1'")
    refused("{ 'struct': 'S', 'data': {}, 'foo': 'x' }", 2, "key 'foo'")
    refused("{ 'struct': 's', 'data': {} }", 2, 'not a name')
    refused("{ 'struct': 'S', 'data': { 'a': 'Nosuch' } }", 2, 'no type')
    refused("{ 'struct': 'S', 'data': { 'has-a': 'int' } }", 2, 'reserved')
    refused("{ 'struct': 'S', 'data': { 'a': [[ 'int' ]] } }", 2,
            'list of lists')
    refused("{ 'struct': 'S', 'data': {} }\n{ 'enum': 'S', 'data': [] }", 3,
            'defined twice')
    refused("{ 'struct': 'S', 'data': {}, 'if': 'lower' }", 2, 'condition')
    refused("{ 'event': 'small' }", 2, 'not in capitals')
    refused("{ 'command': 'c', 'returns': 'int' }", 2, 'which is not')
    refused("{ 'command': 'c', 'data': 'str' }", 2, 'not a struct')


def test_unions():
    enum = "{ 'enum': 'E', 'data': [ 'a', 'b' ] }\n" \
           "{ 'struct': 'A', 'data': { 'x': 'int' } }\n"
    union = "{ 'union': 'U', 'base': { 't': 'E', '*o': 'E', 'y': 'int' }," \
            " 'discriminator': '%s', 'data': { '%s': 'A' } }"
    schema = load(NO_DOC + enum + union % ('t', 'a'))
    equal(schema.types['U'].tag.type.name, 'E')
    refused(enum + union % ('o', 'a'), 4, 'not a mandatory enum')
    refused(enum + union % ('y', 'a'), 4, 'not a mandatory enum')
    refused(enum + union % ('t', 'c'), 4, "not a value of 'E'")
    refused(enum.replace("'x'", "'y'") + union % ('t', 'a'), 4,
            'is in the base')


def test_alternates():
    load(NO_DOC + "{ 'alternate': 'A', 'data': { 'n': 'null', 's': 'str',"
                  " 'i': 'int', 'b': 'bool' } }")
    refused("{ 'alternate': 'A', 'data': { 'i': 'int', 'n': 'number' } }", 2,
            'cannot be told')
    refused("{ 'alternate': 'A', 'data': { 'i': 'int', 'j': 'int8' } }", 2,
            'cannot be told')
    refused("{ 'alternate': 'A', 'data': { 'i': 'any', 'j': 'str' } }", 2,
            'cannot be told')


def test_docs():
    schema = load("##\n# = Title\n##\n##\n# @S:\n#\n# Does it.\n#\n"
                  "# @a: first\n#     line\n#\n# Features:\n# @f: new\n#\n"
                  "# Since: 1.0\n##\n{ 'struct': 'S', 'data':"
                  " { 'a': 'int' }, 'features': [ 'f' ] }")
    text = generated(schema, gen_doc)['qmp-reference.rst']
    for part in ('Title\n=====', 'S (Object)', 'Does it.',
                 '``a`` (``int``)\n    first line', '``f``\n    new',
                 '**Since** 1.0'):
        contains(text, part)
    try:
        load("{ 'struct': 'S', 'data': {} }")
    except QapiError as err:
        contains(err.text, 'no documentation')
    refused("##\n# @T:\n##\n{ 'struct': 'S', 'data': {} }", 2, 'stands before')
    refused("##\n# @S:\n#\n# @b: x\n##\n{ 'struct': 'S', 'data': {} }", 2,
            'describes nothing')
    refused("##\n# @S:\n##\n", 2, 'not followed by')


def test_include():
    schema = load("{ 'include': 'one.json' }\n{ 'include': 'two.json' }",
                  one=NO_DOC + "{ 'include': 'two.json' }",
                  two="{ 'struct': 'S', 'data': {} }")
    equal(len(schema.files), 3)
    refused("{ 'include': 'nosuch.json' }", 2, 'cannot read')


def test_types_output():
    schema = load(NO_DOC + "{ 'struct': 'S', 'data': { '*a-b': 'int',"
                  " '*s': 'str', '*l': [ 'S' ], 'default': 'bool' } }")
    header = generated(schema, gen_types)['qapi-types.h']
    for part in ('bool has_a_b;\n    int64_t a_b;', 'char *s;', 'SList *l;',
                 'bool q_default;', 'struct SList {\n    size_t n;\n'
                 '    S **v;\n}'):
        contains(header, part)
    if 'has_s' in header or 'has_l' in header:
        raise AssertionError('a pointer has a has_ flag')


def test_commands_output():
    schema = load(NO_DOC + "{ 'struct': 'S', 'data': {} }\n"
                  "{ 'command': 'do-it', 'data': { 'a': 'int' } }\n"
                  "{ 'command': 'get', 'data': 'S', 'returns': [ 'S' ],"
                  " 'if': 'X' }\n"
                  "{ 'command': 'any', 'returns': 'S', 'gen': false }")
    header = generated(schema, gen_commands)['qapi-commands.h']
    contains(header, 'bool qmp_do_it(const QmpDoItArgs *args, Error **errp)\n'
             '    COROUTINE_ONLY CONTROL_ONLY;\n')
    contains(header, '#if defined(X)\nSList *qmp_get(const S *args, '
                     'Error **errp)\n    COROUTINE_ONLY CONTROL_ONLY;\n#endif')
    contains(header, 'json_object *qmp_any(Error **errp)\n')


def test_introspection():
    schema = load(NO_DOC + "{ 'enum': 'E', 'data': [ 'a', 'b' ] }\n"
                  "{ 'command': 'c', 'data': { 'e': 'E', '*n': 'uint8' },"
                  " 'features': [ 'unstable' ], 'allow-oob': true }")
    text = generated(schema, gen_introspect)['qapi-introspect.c']
    text = text.replace('\\"', "'").replace('"\n    "', '')
    for part in ("{'name': 'c', 'meta-type': 'command', 'arg-type': '0', "
                 "'ret-type': '1', 'allow-oob': true, "
                 "'features': ['unstable']}",
                 "'members': [{'name': 'e', 'type': '2'}, "
                 "{'name': 'n', 'type': 'int', 'default': null}]",
                 "'values': ['a', 'b']"):
        contains(text, part)


def test_whole_schema():
    """Each command, event, argument and value of ours is QEMU's: here only
    that the real schema is accepted and names what the interface promises."""
    schema = Schema(os.path.join(ROOT, 'qapi', 'qapi-schema.json'))
    names = {c.name for c in schema.commands}
    for name in ('transaction', 'blockdev-backup', 'query-qmp-schema',
                 'block-dirty-bitmap-merge', 'job-finalize'):
        if name not in names:
            raise AssertionError(name)
    equal(schema.transaction.name, 'TransactionAction')


def main():
    tests = [(n, f) for n, f in globals().items() if n.startswith('test_')]
    print(f'1..{len(tests)}')
    for number, (name, function) in enumerate(tests, 1):
        try:
            function()
            print(f'ok {number} {name}')
        except Exception:  # pylint: disable=broad-except
            print(f'not ok {number} {name}')
            for line in traceback.format_exc().splitlines():
                print('# ' + line)


if __name__ == '__main__':
    main()
