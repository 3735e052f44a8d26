/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of JSON values: see json-print.h. */
#include "util/json/json-print.h"

#include "util/json/json-doc.h"

#define BUCKETS 512

/* A member of an object, with what decides its place. */
typedef struct Entry {
    unsigned bucket;
    size_t index; /* order of insertion */
    const char *key;
    json_object *value;
} Entry;

/* An object or array that is being printed. */
typedef struct Level {
    json_object *array;
    GArray *members; /* of an object, in their order; NULL: an array */
    size_t next;     /* index of the element that comes next */
    size_t count;
} Level;

/* Not recursive: the depth is a client's, the stack a coroutine's. */
typedef struct Printer {
    GString *out;
    GArray *levels; /* from the outermost to the innermost */
    bool pretty;
} Printer;

unsigned json_key_bucket(const char *key)
{
    size_t length = strlen(key);
    uint32_t v = UINT32_C(0x238F13AF) * (uint32_t)length;

    for (size_t i = 0; i < length; i++) {
        v += (uint32_t)(unsigned char)key[i] << (i * 5 % 24);
    }
    return (UINT32_C(1103515243) * v + 12345) % BUCKETS;
}

static void print_utf16(GString *out, uint32_t code)
{
    if (code >= 0x10000) {
        code -= 0x10000;
        g_string_append_printf(out, "\\u%04X\\u%04X", 0xd800 + (code >> 10),
                               0xdc00 + (code & 0x3ff));
    } else {
        g_string_append_printf(out, "\\u%04X", code);
    }
}

static void print_ascii(GString *out, char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t";
    static const char letters[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;

    if (found) {
        g_string_append_c(out, '\\');
        g_string_append_c(out, letters[found - plain]);
    } else if (c < 0x20 || c == 0x7f) {
        print_utf16(out, c);
    } else {
        g_string_append_c(out, c);
    }
}

/* A byte that is no UTF-8 is shown as U+FFFD. */
static void print_string(GString *out, const char *text, size_t length)
{
    const char *end = text + length;

    g_string_append_c(out, '"');
    while (text < end) {
        gunichar code;

        if (!(*text & 0x80)) {
            print_ascii(out, *text++);
            continue;
        }
        code = g_utf8_get_char_validated(text, end - text);
        if (json_is_character(code)) {
            print_utf16(out, code);
            text = g_utf8_next_char(text);
        } else {
            print_utf16(out, 0xfffd);
            text++;
        }
    }
    g_string_append_c(out, '"');
}

static int compare_entries(const void *a, const void *b)
{
    const Entry *x = a, *y = b;

    if (x->bucket != y->bucket) {
        return x->bucket < y->bucket ? -1 : 1;
    }
    return x->index > y->index ? -1 : 1;
}

static GArray *sorted_entries(json_object *object)
{
    GArray *entries = g_array_new(FALSE, FALSE, sizeof(Entry));

    json_object_object_foreach(object, key, value)
    {
        Entry entry = {.bucket = json_key_bucket(key),
                       .index = entries->len,
                       .key = key,
                       .value = value};

        g_array_append_val(entries, entry);
    }
    g_array_sort(entries, compare_entries);
    return entries;
}

GPtrArray *json_ordered_keys(json_object *object)
{
    GArray *entries = sorted_entries(object);
    GPtrArray *keys = g_ptr_array_new();

    for (guint i = 0; i < entries->len; i++) {
        g_ptr_array_add(keys, (char *)g_array_index(entries, Entry, i).key);
    }
    g_array_unref(entries);
    return keys;
}

static void print_double(GString *out, double number)
{
    char text[G_ASCII_DTOSTR_BUF_SIZE];

    g_string_append(out, g_ascii_formatd(text, sizeof(text), "%.17g", number));
}

static void print_int(GString *out, json_object *number)
{
    int64_t value = json_object_get_int64(number);

    if (value == INT64_MAX) {
        g_string_append_printf(out, "%" PRIu64, json_object_get_uint64(number));
    } else {
        g_string_append_printf(out, "%" PRId64, value);
    }
}

static void print_scalar(GString *out, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_null:
        g_string_append(out, "null");
        break;
    case json_type_boolean:
        g_string_append(out, json_object_get_boolean(value) ? "true" : "false");
        break;
    case json_type_double:
        print_double(out, json_object_get_double(value));
        break;
    case json_type_int:
        print_int(out, value);
        break;
    default:
        print_string(out, json_object_get_string(value),
                     json_object_get_string_len(value));
    }
}

/* The space before an element or a closing bracket. */
static void print_break(Printer *p, size_t depth)
{
    if (p->pretty) {
        g_string_append_printf(p->out, "\n%*s", (int)depth * 4, "");
    }
}

/* A scalar as a whole, of a container the opening bracket. */
static void print_start(Printer *p, json_object *value)
{
    Level level = {.array = value};

    if (json_object_is_type(value, json_type_object)) {
        level.members = sorted_entries(value);
        level.count = level.members->len;
        g_string_append_c(p->out, '{');
    } else if (json_object_is_type(value, json_type_array)) {
        level.count = json_object_array_length(value);
        g_string_append_c(p->out, '[');
    } else {
        print_scalar(p->out, value);
        /* cppcheck-suppress memleak ; there are none here */
        return;
    }
    g_array_append_val(p->levels, level);
}

static void print_end(Printer *p, Level *level)
{
    print_break(p, p->levels->len - 1);
    g_string_append_c(p->out, level->members ? '}' : ']');
    if (level->members) {
        g_array_free(level->members, TRUE);
    }
    g_array_set_size(p->levels, p->levels->len - 1);
}

/* @level may have moved when this returns. */
static void print_next(Printer *p, Level *level)
{
    size_t i = level->next++;

    if (i) {
        g_string_append(p->out, p->pretty ? "," : ", ");
    }
    print_break(p, p->levels->len);
    if (level->members) {
        const Entry *entry = &g_array_index(level->members, Entry, i);

        print_string(p->out, entry->key, strlen(entry->key));
        g_string_append(p->out, ": ");
        print_start(p, entry->value);
    } else {
        print_start(p, json_object_array_get_idx(level->array, i));
    }
}

GString *json_print(json_object *value, bool pretty)
{
    Printer p = {.out = g_string_new(NULL), .pretty = pretty};

    p.levels = g_array_new(FALSE, FALSE, sizeof(Level));
    print_start(&p, value);
    while (p.levels->len) {
        Level *level = &g_array_index(p.levels, Level, p.levels->len - 1);

        if (level->next < level->count) {
            print_next(&p, level);
        } else {
            print_end(&p, level);
        }
    }
    g_array_free(p.levels, TRUE);
    return p.out;
}
