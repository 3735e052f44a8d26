# SPDX-License-Identifier: GPL-2.0-or-later
"""qapi-types.h/.c: enums, structs, and for each type the table that
qapi/visit.c works from, with thin typed functions around it.
"""

from .check import guarded
from .entities import Alternate, Array, Builtin, Enum, Object
from .names import c_name, c_string, enum_const
from .output import write_header, write_source


def declare(c_type, name):
    space = '' if c_type.endswith('*') else ' '
    return f'{c_type}{space}{name}'


# Header


def gen_enum(entity):
    out = f'typedef enum {entity.name} {{\n'
    for value in entity.values:
        out += guarded(value.cond, '    '
                       f'{enum_const(entity.prefix, value.name)},\n')
    return out + (f'    {entity.prefix}__MAX,\n}} {entity.name};\n'
                  f'const char *{entity.name}_str({entity.name} value);\n'
                  f'bool {entity.name}_parse(const char *text, '
                  f'{entity.name} *value);\n\n')


def gen_alternate_kind(entity):
    out = 'typedef enum %sKind {\n' % entity.name
    for arm in entity.variants:
        out += guarded(arm.cond,
                       f'    {enum_const(entity.kind_prefix, arm.name)},\n')
    return out + (f'    {entity.kind_prefix}__MAX,\n}} '
                  f'{entity.name}Kind;\n\n')


def gen_member(member):
    out = ''
    if member.needs_has():
        out += f'    bool has_{c_name(member.name).removeprefix("q_")};\n'
    return guarded(member.cond, out + '    ' + declare(
        member.type.c_member(), c_name(member.name)) + ';\n')


def gen_struct(entity):
    out = f'struct {entity.name} {{\n'
    for member in entity.all_members():
        out += gen_member(member)
    if entity.variants:
        out += '    union {\n'
        for arm in entity.variants:
            if arm.type.all_members():
                out += guarded(arm.cond, f'        {arm.type.name} '
                                         f'{c_name(arm.name)};\n')
        out += '        char q_none; /* keeps the union from being empty */\n'
        out += '    } u;\n'
    elif not entity.all_members():
        out += '    char q_none; /* C has no empty structs */\n'
    return out + '};\n\n'


def gen_alternate(entity):
    out = f'struct {entity.name} {{\n    {entity.name}Kind kind;\n'
    out += '    union {\n'
    for arm in entity.variants:
        if arm.type.c_member():
            out += guarded(arm.cond, '        ' + declare(
                arm.type.c_member(), c_name(arm.name)) + ';\n')
    return out + '    } u;\n};\n\n'


def gen_array(entity):
    return (f'struct {entity.name} {{\n    size_t n;\n    '
            + declare(entity.element.c_member(), '*v') + ';\n};\n\n')


def gen_functions(name):
    return (f'{name} *{name}_new(void);\n'
            f'{name} *{name}_from_json(json_object *json, Error **errp);\n'
            f'{name} *{name}_from_keyval(json_object *json, Error **errp);\n'
            f'json_object *{name}_to_json(const {name} *value);\n'
            f'{name} *{name}_clone(const {name} *value);\n'
            f'void {name}_free({name} *value);\n'
            f'G_DEFINE_AUTOPTR_CLEANUP_FUNC({name}, {name}_free)\n')


def append_prototype(entity):
    element = declare(entity.element.c_member(), 'element')
    return f'void {entity.name}_append({entity.name} *list, {element})'


def in_c_order(types):
    """A struct after the structs that it holds by value."""
    done = []

    def visit(entity):
        if entity in done:
            return
        if isinstance(entity, Object):
            for arm in entity.variants or []:
                visit(arm.type)
        done.append(entity)

    for entity in types:
        visit(entity)
    return done


# Tables


def value_size(entity):
    return f'sizeof({entity.c_member().strip()})'


def gen_enum_table(entity):
    out = f'static const char *const {entity.name}_names[] = {{\n'
    for value in entity.values:
        const = enum_const(entity.prefix, value.name)
        out += guarded(value.cond,
                       f'    [{const}] = {c_string(value.name)},\n')
    name = entity.name
    return out + f'''}};

const QapiType {entity.desc} = {{
    .name = "{name}",
    .kind = QAPI_KIND_ENUM,
    .size = sizeof({name}),
    .names = {name}_names,
    .n_names = {entity.prefix}__MAX,
}};

const char *{name}_str({name} value)
{{
    return qapi_enum_str(&{entity.desc}, value);
}}

bool {name}_parse(const char *text, {name} *value)
{{
    int found = qapi_enum_parse(&{entity.desc}, text);

    if (found < 0) {{
        return false;
    }}
    *value = found;
    return true;
}}

'''


def gen_object_table(entity):
    name, out = entity.name, ''
    members = entity.all_members()
    if members:
        out += f'static const QapiMember {name}_members[] = {{\n'
        for member in members:
            field = c_name(member.name)
            out += guarded(member.cond, (
                f'    {{.name = {c_string(member.name)}, '
                f'.type = &{member.type.desc},\n'
                f'     .offset = offsetof({name}, {field}),\n'
                + (f'     .has_offset = offsetof({name}, '
                   f'has_{field.removeprefix("q_")}),\n'
                   if member.needs_has() else '')
                + f'     .has_flag = {c_bool(member.needs_has())}, '
                f'.optional = {c_bool(member.optional)}}},\n'))
        out += '};\n\n'
    if entity.variants:
        prefix = entity.tag.type.prefix
        out += f'static const QapiType *const {name}_arms[{prefix}__MAX] = ' \
               '{\n'
        for arm in entity.variants:
            if arm.type.all_members():
                out += guarded(arm.cond, '    ['
                               f'{enum_const(prefix, arm.name)}] = '
                               f'&{arm.type.desc},\n')
        out += '};\n\n'
    out += f'''const QapiType {entity.desc} = {{
    .name = "{name}",
    .kind = QAPI_KIND_OBJECT,
    .size = sizeof({name}),
'''
    if members:
        out += f'    .members = {name}_members,\n' \
               f'    .n_members = ARRAY_SIZE({name}_members),\n'
    if entity.variants:
        out += f'    .tag_type = &{entity.tag.type.desc},\n' \
               f'    .tag_offset = offsetof({name}, ' \
               f'{c_name(entity.tag.name)}),\n' \
               f'    .u_offset = offsetof({name}, u),\n' \
               f'    .arms = {name}_arms,\n'
    return out + '};\n\n'


def c_bool(value):
    return 'true' if value else 'false'


def gen_alternate_table(entity):
    name = entity.name
    out = f'static const QapiType *const {name}_arms[] = {{\n'
    for arm in entity.variants:
        const = enum_const(entity.kind_prefix, arm.name)
        out += guarded(arm.cond, f'    [{const}] = &{arm.type.desc},\n')
    return out + f'''}};

const QapiType {entity.desc} = {{
    .name = "{name}",
    .kind = QAPI_KIND_ALTERNATE,
    .size = sizeof({name}),
    .tag_offset = offsetof({name}, kind),
    .u_offset = offsetof({name}, u),
    .arms = {name}_arms,
    .n_arms = {entity.kind_prefix}__MAX,
}};

'''


def gen_array_table(entity):
    return f'''const QapiType {entity.desc} = {{
    .name = "{entity.name}",
    .kind = QAPI_KIND_LIST,
    .size = sizeof({entity.name}),
    .element = &{entity.element.desc},
}};

{append_prototype(entity)}
{{
    qapi_list_append(&{entity.desc}, list, &element);
}}

'''


def gen_wrappers(entity):
    name, desc = entity.name, entity.desc
    return f'''{name} *{name}_new(void)
{{
    return qapi_new(&{desc});
}}

{name} *{name}_from_json(json_object *json, Error **errp)
{{
    return qapi_from_json(&{desc}, json, errp);
}}

{name} *{name}_from_keyval(json_object *json, Error **errp)
{{
    return qapi_from_keyval(&{desc}, json, errp);
}}

json_object *{name}_to_json(const {name} *value)
{{
    return qapi_to_json(&{desc}, value);
}}

{name} *{name}_clone(const {name} *value)
{{
    return qapi_clone(&{desc}, value);
}}

void {name}_free({name} *value)
{{
    qapi_free(&{desc}, value);
}}

'''


def generate(schema, directory):
    types = [t for t in schema.types.values() if not isinstance(t, Builtin)]
    pointers = [t for t in types if not isinstance(t, Enum)]
    header = '#include "qapi/visit.h"\n\n'
    source = '#include "qapi/qapi-types.h"\n\n'
    for entity in types:
        if isinstance(entity, Enum):
            header += guarded(entity.cond, gen_enum(entity))
    for entity in pointers:
        if isinstance(entity, Alternate):
            header += guarded(entity.cond, gen_alternate_kind(entity))
    for entity in pointers:
        header += guarded(entity.cond, 'typedef struct '
                          f'{entity.name} {entity.name};\n')
    header += '\n'
    for entity in in_c_order(pointers):
        make = {Object: gen_struct, Alternate: gen_alternate,
                Array: gen_array}[type(entity)]
        header += guarded(entity.cond, make(entity))
    for entity in types:
        text = f'extern const QapiType {entity.desc};\n'
        if not isinstance(entity, Enum):
            text += gen_functions(entity.name)
        if isinstance(entity, Array):
            text += append_prototype(entity) + ';\n'
        header += guarded(entity.cond, text + '\n')
    tables = {Enum: gen_enum_table, Object: gen_object_table,
              Alternate: gen_alternate_table, Array: gen_array_table}
    for entity in types:
        text = tables[type(entity)](entity)
        if not isinstance(entity, Enum):
            text += gen_wrappers(entity)
        source += guarded(entity.cond, text)
    write_header(directory, 'qapi-types.h', header)
    write_source(directory, 'qapi-types.c', source)
