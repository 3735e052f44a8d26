/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of `img create -o`: their names, and what they stand for. */
#include "block/qcow2/create-int.h"

#include "block/graph/loose-options.h"
#include "util/opts.h"

/* In the order of the line "Formatting ...". */
const FormatOption qcow2_create_options[] = {
    {"encryption", "bool (on/off)",
     "Encrypt the image with format 'aes'. (Deprecated in favor of "
     "encrypt.format=aes)",
     NULL, false},
    {"encrypt.format", "str",
     "Encrypt the image, format choices: 'aes', 'luks'", NULL, false},
    {"encrypt.key-secret", "str",
     "ID of secret providing qcow AES key or LUKS passphrase", NULL, false},
    {"encrypt.cipher-alg", "str", "Name of encryption cipher algorithm", NULL,
     false},
    {"encrypt.cipher-mode", "str", "Name of encryption cipher mode", NULL,
     false},
    {"encrypt.ivgen-alg", "str", "Name of IV generator algorithm", NULL, false},
    {"encrypt.ivgen-hash-alg", "str", "Name of IV generator hash algorithm",
     NULL, false},
    {"encrypt.hash-alg", "str", "Name of encryption hash algorithm", NULL,
     false},
    {"encrypt.iter-time", "num", "Time to spend in PBKDF in milliseconds", NULL,
     true},
    {"cluster_size", "size", "qcow2 cluster size", "65536", false},
    {"extended_l2", "bool (on/off)", "Extended L2 tables", "off", false},
    {"preallocation", "str",
     "Preallocation mode (allowed values: off, metadata, falloc, full)", NULL,
     false},
    {"compression_type", "str",
     "Compression method used for image cluster compression", "zlib", false},
    {"size", "size", "Virtual disk size", NULL, true},
    {"compat", "str", "Compatibility level (v2 [0.10] or v3 [1.1])", NULL,
     true},
    {"backing_file", "str", "File name of a base image", NULL, true},
    {"backing_fmt", "str", "Image format of the base image", NULL, true},
    {"data_file", "str", "File name of an external data file", NULL, true},
    {"data_file_raw", "bool (on/off)",
     "The external data file must stay valid as a raw image", NULL, true},
    {"lazy_refcounts", "bool (on/off)", "Postpone refcount updates", "off",
     true},
    {"refcount_bits", "num", "Width of a reference count entry in bits", "16",
     true},
    {"encrypt.keyslot", "num", "Select a single keyslot to modify explicitly",
     NULL, true, true},
    {"encrypt.new-secret", "str",
     "New secret to set in the matching keyslots. Empty string to erase", NULL,
     true, true},
    {"encrypt.old-secret", "str",
     "Select all keyslots that match this password", NULL, true, true},
    {"encrypt.state", "str",
     "Select new state of affected keyslots (active/inactive)", NULL, true,
     true},
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

/* "encrypt.x" as member x of "encrypt". The format has another name there. */
static void add_encryption(json_object *json, json_object *words)
{
    const size_t prefix = strlen("encrypt.");
    json_object *encrypt = NULL;
    const char *old = word(words, "encryption");
    bool aes = old && opts_bool_value(old) > 0;

    json_object_object_foreach(words, key, value)
    {
        if (g_str_has_prefix(key, "encrypt.")) {
            encrypt = encrypt ? encrypt : json_object_new_object();
            json_object_object_add(encrypt, key + prefix,
                                   json_object_get(value));
        }
    }
    if (aes || (encrypt && word(encrypt, "format") &&
                !strcmp(word(encrypt, "format"), "aes"))) {
        encrypt = encrypt ? encrypt : json_object_new_object();
        add(encrypt, "format", "qcow");
    }
    if (encrypt) {
        json_object_object_add(json, "encrypt", encrypt);
    }
}

static bool check_alias(json_object *words, Error **errp)
{
    const char *old = word(words, "encryption");

    if (old && opts_bool_value(old) > 0 && word(words, "encrypt.format")) {
        error_set(errp, "'encrypt.format' and its alias 'encryption' can't be "
                        "used at the same time");
        return false;
    }
    return true;
}

BlockdevCreateOptions *qcow2_create_words(json_object *words, json_object *file,
                                          Error **errp)
{
    json_object *json = json_object_new_object();
    const char *compat = word(words, "compat");
    const char *data_file = word(words, "data_file");
    BlockdevCreateOptions *options = NULL;
    bool ok = true;

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
        json_object *data = loose_options_of_filename(data_file, errp);

        ok = data != NULL;
        json_object_object_add(json, "data-file", data);
    }
    add_encryption(json, words);
    if (ok && check_alias(words, errp)) {
        options = BlockdevCreateOptions_from_keyval(json, errp);
    }
    json_object_put(json);
    return options;
}
