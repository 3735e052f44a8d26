# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line of the generator."""

import argparse
import os
import sys

from . import gen_commands, gen_doc, gen_events, gen_introspect, gen_types
from .error import QapiError
from .schema import Schema


def main():
    parser = argparse.ArgumentParser(
        description='Generate C and documentation from a QMP schema.')
    parser.add_argument('--output-dir', default='.', metavar='DIR',
                        help='where the generated files go')
    parser.add_argument('--depfile', metavar='FILE',
                        help='write the schema files read, for ninja')
    parser.add_argument('schema', help='the top file of the schema')
    args = parser.parse_args()
    try:
        schema = Schema(args.schema)
    except (OSError, QapiError) as err:
        print(err, file=sys.stderr)
        return 1
    for generator in (gen_types, gen_commands, gen_events, gen_introspect,
                      gen_doc):
        generator.generate(schema, args.output_dir)
    if args.depfile:
        with open(args.depfile, 'w', encoding='utf-8') as file:
            target = os.path.join(args.output_dir, 'qapi-types.h')
            file.write(f'{target}: {" ".join(schema.files)}\n')
    return 0
