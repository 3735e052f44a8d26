# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-commands.h/.c: the prototype that each command's handler must have,
and the table that finds a command by name. The table refers to every handler,
so a command without one does not link. qapi-transaction.c does the same for
the actions of the transaction union.
"""

from .check import guarded
from .gen_types import c_bool
from .names import c_part, c_string, enum_const
from .output import write_header, write_source


def handler_prototype(command):
    args = ''
    if command.raw_args():
        args = 'json_object *args, '
    elif command.args:
        args = f'const {command.args.name} *args, '
    return f'{command.c_return()}{command.c_handler()}({args}Error **errp)'


def runner_name(command):
    return 'run_' + c_part(command.name)


def gen_runner(command):
    """Checks the arguments, calls the handler, makes the answer JSON."""
    out = 'COROUTINE_ONLY CONTROL_ONLY\n' \
          f'static bool {runner_name(command)}(json_object *args, ' \
          'json_object **ret,\n        Error **errp)\n{\n'
    raw = command.raw_args()
    args = None if raw else command.args
    name = args.name if args else None
    if args:
        out += f'    {name} *in = {name}_from_json(args, errp);\n'
    out += '    bool ok;\n'
    if command.ret:
        out += f'    {command.c_return()}out;\n'
    out += '\n'
    if args:
        out += '    if (!in) {\n        return false;\n    }\n'
    elif not raw:
        out += '    if (!qapi_check_no_args(args, errp)) {\n' \
               '        return false;\n    }\n'
    call = f'{command.c_handler()}({"args, " if raw else "in, " if args else ""}errp)'
    if command.ret:
        out += f'    out = {call};\n    ok = out != NULL;\n'
    else:
        out += f'    ok = {call};\n'
    if args:
        out += f'    {name}_free(in);\n'
    out += '    if (!ok) {\n        return false;\n    }\n'
    if not command.ret:
        out += '    *ret = json_object_new_object();\n'
    elif not command.gen:
        out += '    *ret = out;\n'
    elif command.ret.name == 'str':
        out += '    *ret = json_object_new_string(out);\n    g_free(out);\n'
    elif command.ret.name == 'any':
        out += '    *ret = out;\n'
    else:
        ret = command.ret.name
        out += f'    *ret = {ret}_to_json(out);\n    {ret}_free(out);\n'
    return out + '    return true;\n}\n\n'


def gen_row(command):
    return f'''    {{.name = {c_string(command.name)},
     .allow_oob = {c_bool(command.allow_oob)},
     .allow_preconfig = {c_bool(command.allow_preconfig)},
     .coroutine = {c_bool(command.coroutine)},
     .success_response = {c_bool(command.success_response)},
     .run = {runner_name(command)}}},
'''


def generate_transaction(schema, directory):
    union = schema.transaction
    prefix = union.tag.type.prefix
    declarations, rows = '', ''
    for value in union.tag.type.values:
        symbol = 'txn_handler_' + c_part(value.name)
        declarations += guarded(
            value.cond, f'extern const TransactionHandler {symbol};\n')
        rows += guarded(value.cond, '    ['
                        f'{enum_const(prefix, value.name)}] = &{symbol},\n')
    write_header(directory, 'qapi-transaction.h', '''\
#include "qapi/qapi-types.h"

/* What the monitor does for one kind of action; the monitor defines it. */
typedef struct TransactionHandler TransactionHandler;

''' + declarations + f'''
extern const TransactionHandler *const
    transaction_handlers[{prefix}__MAX];
''')
    write_source(directory, 'qapi-transaction.c', f'''\
#include "qapi/qapi-transaction.h"

const TransactionHandler *const transaction_handlers[{prefix}__MAX] = {{
{rows}}};
''')


def generate(schema, directory):
    header = '#include "qapi/command.h"\n#include "qapi/qapi-types.h"\n' \
             '#include "util/annotations.h"\n\n'
    source = '#include "qapi/qapi-commands.h"\n\n'
    table = ''
    for command in schema.commands:
        header += guarded(command.cond, handler_prototype(command) +
                          '\n    COROUTINE_ONLY CONTROL_ONLY;\n')
        source += guarded(command.cond, gen_runner(command))
        table += guarded(command.cond, gen_row(command))
    source += f'''static const QmpCommand commands[] = {{
{table}}};

const QmpCommand *qmp_commands(size_t *n)
{{
    *n = ARRAY_SIZE(commands);
    return commands;
}}

const QmpCommand *qmp_command_find(const char *name)
{{
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {{
        if (strcmp(commands[i].name, name) == 0) {{
            return &commands[i];
        }}
    }}
    return NULL;
}}
'''
    write_header(directory, 'qapi-commands.h', header)
    write_source(directory, 'qapi-commands.c', source)
    if schema.transaction:
        generate_transaction(schema, directory)
