/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the user of a guest does and sees: keys, mice, screens and sound, none
 * of which this machine has.
 */
#include "monitor/hmp/commands.h"

static bool is(const char *word, const char *name)
{
    return !strcmp(word, name);
}

static void bad_value(Hmp *hmp, const char *value)
{
    hmp_printf(hmp, "Error: invalid parameter value: %s\n", value);
}

static void co_client_migrate_info(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, is(hmp_str(args, "protocol"), "spice")
                        ? "Error: SPICE is not in use\n"
                        : "Error: Parameter 'protocol' expects 'spice'\n");
}

static void no_display(Hmp *hmp, json_object *args, const char *vnc)
{
    const char *protocol = hmp_str(args, "protocol");

    if (is(protocol, "vnc")) {
        hmp_printf(hmp, "Error: %s\n", vnc);
    } else if (is(protocol, "spice")) {
        hmp_printf(hmp, "Error: SPICE is not in use\n");
    } else {
        bad_value(hmp, protocol);
    }
}

static void co_expire_password(Hmp *hmp, json_object *args)
{
    no_display(hmp, args, "Could not set password expire time");
}

static void co_set_password(Hmp *hmp, json_object *args)
{
    const char *action = hmp_str(args, "connected");
    bool keeps = !action || is(action, "keep");

    if (!keeps && !is(action, "fail") && !is(action, "disconnect")) {
        bad_value(hmp, action);
        return;
    }
    no_display(hmp, args,
               keeps ? "Could not set password"
                     : "Invalid parameter 'connected'");
}

static void co_mouse_set(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, "Mouse at index '%" PRId64 "' not found\n",
               hmp_int(args, "index", 0));
}

static void co_screendump(Hmp *hmp, json_object *args)
{
    const char *format = hmp_str(args, "format");
    const char *device = hmp_str(args, "device");

    if (format && !is(format, "ppm") && !is(format, "png")) {
        bad_value(hmp, format);
    } else if (device) {
        hmp_printf(hmp, "Error: Device '%s' not found\n", device);
    } else {
        hmp_printf(hmp,
                   "Error: There is no console to take a screendump from\n");
    }
}

static void co_wavcapture(Hmp *hmp, json_object *args)
{
    hmp_printf(hmp, "Audiodev '%s' not found\n", hmp_str(args, "audiodev"));
}

const HmpCommand hmp_boot_set = {
    .name = "boot_set",
    .args = {{"bootdevice", HMP_STRING}},
    .params = "bootdevice",
    .help = "define new values for the boot device list",
    .refused = HMP_NO_VIEWER,
    .bare =
        "no function defined to set boot device list for this architecture\n",
};

const HmpCommand hmp_client_migrate_info = {
    .name = "client_migrate_info",
    .args = {{"protocol", HMP_STRING},
             {"hostname", HMP_STRING},
             {"port", HMP_INT, true},
             {"tls-port", HMP_INT, true},
             {"cert-subject", HMP_STRING, true}},
    .params = "protocol hostname port tls-port cert-subject",
    .help = "set migration information for remote display",
    .co_run = co_client_migrate_info,
};

const HmpCommand hmp_expire_password = {
    .name = "expire_password",
    .args = {{"protocol", HMP_STRING},
             {"time", HMP_STRING},
             {"display", HMP_FLAG_STRING, .flag = 'd'}},
    .params = "protocol time [-d display]",
    .help = "set spice/vnc password expire-time",
    .co_run = co_expire_password,
};

const HmpCommand hmp_mouse_button = {
    .name = "mouse_button",
    .args = {{"button_state", HMP_INT}},
    .params = "state",
    .help = "change mouse button state (1=L, 2=M, 4=R)",
    .refused = HMP_NO_VIEWER,
};

const HmpCommand hmp_mouse_move = {
    .name = "mouse_move",
    .args = {{"dx_str", HMP_STRING},
             {"dy_str", HMP_STRING},
             {"dz_str", HMP_STRING, true}},
    .params = "dx dy [dz]",
    .help = "send mouse move events",
    .refused = HMP_NO_VIEWER,
};

const HmpCommand hmp_mouse_set = {
    .name = "mouse_set",
    .args = {{"index", HMP_INT}},
    .params = "index",
    .help = "set which mouse device receives events",
    .co_run = co_mouse_set,
};

const HmpCommand hmp_screendump = {
    .name = "screendump",
    .args = {{"filename", HMP_FILENAME},
             {"format", HMP_FLAG_STRING, .flag = 'f'},
             {"device", HMP_STRING, true},
             {"head", HMP_INT, true}},
    .params = "filename [-f format] [device [head]]",
    .help = "save screen from head 'head' of display device 'device'in "
            "specified format 'format' as image 'filename'.Currently only "
            "'png' and 'ppm' formats are supported.",
    .co_run = co_screendump,
};

const HmpCommand hmp_sendkey = {
    .name = "sendkey",
    .args = {{"keys", HMP_STRING}, {"hold-time", HMP_INT, true}},
    .params = "keys [hold_ms]",
    .help = "send keys to the VM (e.g. 'sendkey ctrl-alt-f1', default hold "
            "time=100 ms)",
    .refused = HMP_NO_VIEWER,
};

const HmpCommand hmp_set_password = {
    .name = "set_password",
    .args = {{"protocol", HMP_STRING},
             {"password", HMP_STRING},
             {"display", HMP_FLAG_STRING, .flag = 'd'},
             {"connected", HMP_STRING, true}},
    .params = "protocol password [-d display] [action-if-connected]",
    .help = "set spice/vnc password",
    .co_run = co_set_password,
};

const HmpCommand hmp_stopcapture = {
    .name = "stopcapture",
    .args = {{"n", HMP_INT}},
    .params = "capture index",
    .help = "stop capture",
    .answer = "",
};

const HmpCommand hmp_wavcapture = {
    .name = "wavcapture",
    .args = {{"path", HMP_FILENAME},
             {"audiodev", HMP_STRING},
             {"freq", HMP_INT, true},
             {"bits", HMP_INT, true},
             {"nchannels", HMP_INT, true}},
    .params = "path audiodev [frequency [bits [channels]]]",
    .help = "capture audio to a wave file (default frequency=44100 bits=16 "
            "channels=2)",
    .co_run = co_wavcapture,
};
