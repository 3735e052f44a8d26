/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of `img create -o`: their names, and what they stand for. */
#include "block/qcow2/create-int.h"

/* In the order of the line "Formatting ...". */
const FormatOption qcow2_create_options[] = {
    {"encryption", "bool (on/off)", "encrypt; not supported", NULL, false},
    {"encrypt.format", "str", "encrypt; not supported", NULL, false},
    {"cluster_size", "size", "unit of allocation", "65536", false},
    {"extended_l2", "bool (on/off)", "divide clusters into 32 parts", "off",
     false},
    {"preallocation", "str",
     "space taken at once (off, metadata, falloc, full)", NULL, false},
    {"compression_type", "str", "how clusters are compressed (zlib, zstd)",
     "zlib", false},
    {"size", "size", "size of the disk", NULL, true},
    {"compat", "str", "version of the format (v2 [0.10] or v3 [1.1])", NULL,
     true},
    {"backing_file", "str", "the image behind it", NULL, true},
    {"backing_fmt", "str", "format of that image", NULL, true},
    {"data_file", "str", "external file of the guest's data", NULL, true},
    {"data_file_raw", "bool (on/off)",
     "keep that file valid as a raw image by itself", NULL, true},
    {"lazy_refcounts", "bool (on/off)", "allow counts to be written late",
     "off", true},
    {"refcount_bits", "num", "width of a count in bits", "16", true},
    {NULL, NULL, NULL, NULL, false},
};

static const struct {
    const char *word, *option;
} renamed[] = {
    {"cluster_size", "cluster-size"},
    {"extended_l2", "extended-l2"},
    {"preallocation", "preallocation"},
    {"compression_type", "compression-type"},
    {"size", "size"},
    {"backing_file", "backing-file"},
    {"backing_fmt", "backing-fmt"},
    {"data_file_raw", "data-file-raw"},
    {"lazy_refcounts", "lazy-refcounts"},
    {"refcount_bits", "refcount-bits"},
};

static void add(json_object *o, const char *key, const char *value)
{
    json_object_object_add(o, key, json_object_new_string(value));
}

static const char *word(json_object *words, const char *name)
{
    json_object *value;

    return json_object_object_get_ex(words, name, &value)
               ? json_object_get_string(value)
               : NULL;
}

static bool refuse_encryption(json_object *words, Error **errp)
{
    const char *on = word(words, "encryption");

    json_object_object_foreach(words, key, value)
    {
        (void)value;
        if (g_str_has_prefix(key, "encrypt.") ||
            (!strcmp(key, "encryption") && strcmp(on, "off"))) {
            error_set(errp, "Encryption ('%s') is not supported", key);
            return false;
        }
    }
    return true;
}

BlockdevCreateOptions *qcow2_create_words(json_object *words,
                                          json_object *file, Error **errp)
{
    json_object *json = json_object_new_object();
    const char *compat = word(words, "compat");
    const char *data_file = word(words, "data_file");
    BlockdevCreateOptions *options;

    add(json, "driver", "qcow2");
    json_object_object_add(json, "file", file);
    for (unsigned i = 0; i < ARRAY_SIZE(renamed); i++) {
        const char *value = word(words, renamed[i].word);

        if (value) {
            add(json, renamed[i].option, value);
        }
    }
    if (compat) {
        add(json, "version",
            !strcmp(compat, "0.10")  ? "v2"
            : !strcmp(compat, "1.1") ? "v3"
                                     : compat);
    }
    if (data_file) {
        json_object *data = json_object_new_object();

        add(data, "driver", "file");
        add(data, "filename", data_file);
        json_object_object_add(json, "data-file", data);
    }
    options = refuse_encryption(words, errp)
                  ? BlockdevCreateOptions_from_keyval(json, errp)
                  : NULL;
    json_object_put(json);
    return options;
}
