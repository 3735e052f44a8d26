# SPDX-License-Identifier: GPL-2.0-or-later
"""The entities of a schema and what each is called in C."""

from .error import QapiError
from .names import camel_to_upper, c_name

# name: (C type, QapiType object of qapi/visit.h, JSON type)
BUILTINS = {
    'str': ('char *', 'qapi_type_str', 'string'),
    'number': ('double', 'qapi_type_number', 'number'),
    'int': ('int64_t', 'qapi_type_int', 'int'),
    'int8': ('int8_t', 'qapi_type_int8', 'int'),
    'int16': ('int16_t', 'qapi_type_int16', 'int'),
    'int32': ('int32_t', 'qapi_type_int32', 'int'),
    'int64': ('int64_t', 'qapi_type_int', 'int'),
    'uint8': ('uint8_t', 'qapi_type_uint8', 'int'),
    'uint16': ('uint16_t', 'qapi_type_uint16', 'int'),
    'uint32': ('uint32_t', 'qapi_type_uint32', 'int'),
    'uint64': ('uint64_t', 'qapi_type_uint64', 'int'),
    'size': ('uint64_t', 'qapi_type_size', 'int'),
    'bool': ('bool', 'qapi_type_bool', 'boolean'),
    'any': ('json_object *', 'qapi_type_any', 'value'),
    'null': (None, 'qapi_type_null', 'null'),
}


class Entity:
    """Common to all: name, place, doc, condition, features."""

    implicit = False

    def __init__(self, name):
        self.name = name
        self.place = None
        self.doc = None
        self.cond = None
        self.features = []

    def doc_names(self):
        return []

    def doc_features(self):
        return set(self.features)


class Builtin(Entity):
    def __init__(self, name):
        super().__init__(name)
        self._c, self.desc, self._json = BUILTINS[name]

    def c_member(self):
        return self._c

    def json_type(self):
        return self._json

    def is_pointer(self):
        return self.name in ('str', 'any')

    def list_name(self):
        return {'str': 'StrList', 'int': 'IntList', 'any': 'AnyList'}.get(
            self.name, self.name.capitalize() + 'List')


class EnumValue:
    def __init__(self, name, cond, features):
        self.name, self.cond, self.features = name, cond, features


class Enum(Entity):
    def __init__(self, name, values, prefix):
        super().__init__(name)
        self.values = values
        self.prefix = prefix or camel_to_upper(name)
        self.desc = f'qapi_type_{name}'

    def c_member(self):
        return self.name

    def json_type(self):
        return 'string'

    def is_pointer(self):
        return False

    def list_name(self):
        return self.name + 'List'

    def doc_names(self):
        return [v.name for v in self.values]

    def doc_features(self):
        return super().doc_features().union(
            *(v.features for v in self.values))


class Array(Entity):
    def __init__(self, element):
        super().__init__(element.list_name())
        self.element = element
        self.cond = element.cond
        self.desc = f'qapi_type_{self.name}'

    def c_member(self):
        return self.name + ' *'

    def json_type(self):
        return 'array'

    def is_pointer(self):
        return True


class Member:
    """`type` is a reference until the schema is linked, then an entity."""

    def __init__(self, name, type_, optional, cond, features):
        self.name, self.type, self.optional = name, type_, optional
        self.cond, self.features = cond, features

    def needs_has(self):
        return self.optional and not self.type.is_pointer()


class Variant:
    def __init__(self, name, type_, cond):
        self.name, self.type, self.cond = name, type_, cond


class Object(Entity):
    """A struct; with `variants` a flat union; implicit when it was written
    inside a command or event."""

    def __init__(self, name, base, tag_name, members, variants,
                 implicit=False):
        super().__init__(name)
        self.base, self.tag_name = base, tag_name
        self.members, self.variants = members, variants
        self.tag = None
        self.implicit = implicit
        self.desc = f'qapi_type_{name}'

    def all_members(self):
        inherited = self.base.all_members() if self.base else []
        return inherited + self.members

    def c_member(self):
        return self.name + ' *'

    def json_type(self):
        return 'object'

    def is_pointer(self):
        return True

    def list_name(self):
        return self.name + 'List'

    def doc_names(self):
        return [m.name for m in self.members]

    def doc_features(self):
        return super().doc_features().union(
            *(m.features for m in self.members))


class Alternate(Entity):
    def __init__(self, name, variants):
        super().__init__(name)
        self.variants = variants
        self.kind_prefix = camel_to_upper(name) + '_KIND'
        self.desc = f'qapi_type_{name}'

    def c_member(self):
        return self.name + ' *'

    def json_type(self):
        return 'value'

    def is_pointer(self):
        return True

    def list_name(self):
        return self.name + 'List'

    def doc_names(self):
        return [v.name for v in self.variants]


class Callable(Entity):
    """A command or event; `args` is None where there are none. Members
    written in place are described in its documentation."""

    args = None

    def doc_names(self):
        if self.args and self.args.implicit:
            return self.args.doc_names()
        return []

    def doc_features(self):
        features = super().doc_features()
        if self.args and self.args.implicit:
            features |= self.args.doc_features()
        return features


class Command(Callable):
    def __init__(self, name, args, data):
        super().__init__(name)
        self.args = args
        self.ret = data.get('returns')
        self.gen = data.get('gen', True)
        self.allow_oob = data.get('allow-oob', False)
        self.allow_preconfig = data.get('allow-preconfig', False)
        self.coroutine = data.get('coroutine', False)
        self.success_response = data.get('success-response', True)

    def check_return(self):
        """What a command returns is a pointer, so that NULL is an error."""
        if self.ret and not self.ret.is_pointer():
            raise QapiError(self.place, f"'{self.name}' returns "
                            f"'{self.ret.name}', which is not a struct, union"
                            ', list or string')

    def c_handler(self):
        return 'qmp_' + c_name(self.name.replace('-', '_'))

    def raw_args(self):
        """The handler gets the arguments as they came and checks them."""
        return not self.gen and self.args is not None

    def c_return(self):
        if self.ret is None:
            return 'bool '
        return self.ret.c_member() if self.gen else 'json_object *'


class Event(Callable):
    def __init__(self, name, args):
        super().__init__(name)
        self.args = args
