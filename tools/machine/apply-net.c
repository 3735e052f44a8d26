/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * -netdev: what a network card would be connected with. Nothing is made of it;
 * its words have to make sense, and one that nobody uses is told of.
 */
#include "devices/netdev.h"
#include "tools/machine/apply.h"
#include "util/id.h"
#include "util/json/json-parse.h"
#include "util/opts.h"

/* What a kind takes, "!" before what it needs; "NAME:b" is on or off, "NAME:i"
 * a number. */
static const struct {
    const char *name, *words;
} kinds[] = {
    {"bridge", "br helper"},
    {"dgram", NULL},
    {"hubport", "!hubid:i netdev"},
    {"l2tpv3",
     "!src !dst srcport dstport ipv6:b udp:b cookie64:b counter:b "
     "pincounter:b txcookie:i rxcookie:i !txsession:i rxsession:i offset:i"},
    {"socket", "fd listen connect mcast localaddr udp"},
    {"stream", NULL},
    {"tap",
     "ifname fd fds script downscript br helper sndbuf vnet_hdr:b vhost:b "
     "vhostfd vhostfds vhostforce:b queues:i poll-us:i"},
    {"user",
     "hostname restrict:b ipv4:b ipv6:b ip net host tftp bootfile dhcpstart "
     "dns dnssearch domainname ipv6-prefix ipv6-prefixlen:i ipv6-host ipv6-dns "
     "smb smbserver hostfwd guestfwd tftp-server-name"},
    {"vde", "sock port:i group mode:i"},
    {"vhost-user", "!chardev vhostforce:b queues:i"},
    {"vhost-vdpa", "vhostdev vhostfd queues:i x-svq:b"},
};

static bool kind_find(const char *name, const char **words, Error **errp)
{
    for (size_t i = 0; name && i < ARRAY_SIZE(kinds); i++) {
        if (!strcmp(kinds[i].name, name)) {
            *words = kinds[i].words;
            return true;
        }
    }
    if (name) {
        error_set(errp, "Parameter 'type' does not accept value '%s'", name);
    } else {
        error_set(errp, "Parameter 'type' is missing");
    }
    return false;
}

/* One word of a kind, without its marks. */
typedef struct Word {
    char *name;
    bool needed;
    char form; /* 'b', 'i', or 0 */
} Word;

static Word word_of(const char *text)
{
    const char *name = text + (*text == '!');
    const char *colon = strchr(name, ':');

    return (Word){colon ? g_strndup(name, colon - name) : g_strdup(name),
                  *text == '!', colon ? colon[1] : 0};
}

/* Takes @word out of @opts, if its value is right. */
static bool take_word(Opts *opts, const Word *word, Error **errp)
{
    g_autofree char *value = opts_take(opts, word->name);
    gint64 number;

    if (!value) {
        if (word->needed) {
            error_set(errp, "Parameter '%s' is missing", word->name);
        }
        return !word->needed;
    }
    if (word->form == 'b' && opts_bool_value(value) < 0) {
        error_set(errp, "Parameter '%s' expects 'on' or 'off'", word->name);
        return false;
    }
    if (word->form == 'i' &&
        !g_ascii_string_to_signed(value, 10, INT64_MIN, INT64_MAX, &number,
                                  NULL)) {
        error_set(errp, "Parameter '%s' expects an int64 value", word->name);
        return false;
    }
    return true;
}

static bool take_words(Opts *opts, const char *text, Error **errp)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    bool ok = true;

    for (char **w = words; ok && *w; w++) {
        Word word = word_of(*w);

        ok = take_word(opts, &word, errp);
        g_free(word.name);
    }
    if (ok && opts->list->len) {
        const Opt *unknown = opts->list->pdata[0];

        error_set(errp, "Invalid parameter '%s'", unknown->name);
        ok = false;
    }
    return ok;
}

/* Sockets are one thing of several. */
static bool socket_ok(const char *kind, const Opts *opts, Error **errp)
{
    static const char *const ways[] = {"fd", "listen", "connect", "mcast",
                                       "udp"};
    unsigned n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
        n += opts_get(opts, ways[i]) != NULL;
    }
    if (strcmp(kind, "socket") || n == 1) {
        return true;
    }
    error_set(errp, "exactly one of listen=, connect=, mcast= or udp= is "
                    "required");
    return false;
}

CONTROL_ONLY
static bool words_ok(const Apply *apply, const MachineOption *option,
                     Opts *opts, Error **errp)
{
    g_autofree char *id = opts_take(opts, "id");
    g_autofree char *kind = opts_take(opts, "type");
    const char *words;
    Opts *copy;
    bool ok;

    if (id && (!id_check(id, errp) || !apply_id_is_new(apply, option, errp))) {
        return false;
    }
    if (!id) {
        error_set(errp, "Parameter 'id' is missing");
        return false;
    }
    if (!kind_find(kind, &words, errp)) {
        return false;
    }
    copy = opts_parse(option->text, "type", NULL);
    ok = (!words || take_words(opts, words, errp)) &&
         socket_ok(kind, copy, errp) &&
         netdev_new(id,
                    strcmp(kind, "hubport") ? NULL : opts_get(copy, "netdev"),
                    errp);
    opts_free(copy);
    return ok;
}

CONTROL_ONLY static bool json_ok(const char *text, Error **errp)
{
    json_object *json = json_parse_string(text, errp);
    Netdev *options = json ? Netdev_from_json(json, errp) : NULL;
    bool ok = options && netdev_add(options, errp);

    Netdev_free(options);
    json_object_put(json);
    return ok;
}

bool apply_netdev(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts;
    bool ok;

    if (*option->text == '{') {
        return json_ok(option->text, errp);
    }
    opts = opts_parse(option->text, "type", option->shown);
    ok = words_ok(apply, option, opts, errp);
    opts_free(opts);
    return ok;
}

CONTROL_ONLY
static bool is_used(const char *id)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        const char *its = device_text(d, "netdev", NULL);

        if (its && !strcmp(its, id)) {
            return true;
        }
    }
    return false;
}

bool apply_netdev_used(Apply *apply, const MachineOption *option, Error **errp)
{
    Opts *opts =
        *option->text == '{' ? NULL : opts_parse(option->text, "type", NULL);
    const char *id = opts ? opts_get(opts, "id") : NULL;

    if (id && !is_used(id)) {
        warn_report("netdev %s has no peer", id);
    }
    opts_free(opts);
    return true;
}
