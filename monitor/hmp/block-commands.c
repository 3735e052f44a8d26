/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that change images, devices and jobs, each by a command of QMP. */
#include "block/backend/backend.h"
#include "monitor/hmp/commands.h"

/* --- jobs ---------------------------------------------------------------- */

const HmpCommand hmp_block_job_cancel = {
    .name = "block_job_cancel",
    .args = {{"force", HMP_FLAG, .flag = 'f'}, {"device", HMP_DEVICE}},
    .params = "[-f] device",
    .help = "end a job; -f: at once, rather than with both sides alike",
    .qmp = "block-job-cancel",
};

const HmpCommand hmp_block_job_complete = {
    .name = "block_job_complete",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "let a job that is ready do its last step",
    .qmp = "block-job-complete",
};

const HmpCommand hmp_block_job_pause = {
    .name = "block_job_pause",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "let a job wait",
    .qmp = "block-job-pause",
};

const HmpCommand hmp_block_job_resume = {
    .name = "block_job_resume",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "let a job that waits go on",
    .qmp = "block-job-resume",
};

const HmpCommand hmp_block_job_set_speed = {
    .name = "block_job_set_speed",
    .args = {{"device", HMP_DEVICE}, {"speed", HMP_SIZE}},
    .params = "device speed",
    .help = "limit the bytes that a job copies in a second",
    .qmp = "block-job-set-speed",
};

COROUTINE_ONLY CONTROL_ONLY static void co_block_stream(Hmp *hmp,
                                                        json_object *args)
{
    /* The job is called as the device. */
    json_object_object_add(args, "job-id",
                           hmp_new_string(hmp_str(args, "device")));
    co_hmp_call(hmp, "block-stream", json_object_get(args), NULL);
}

const HmpCommand hmp_block_stream = {
    .name = "block_stream",
    .args = {{"device", HMP_DEVICE},
             {"speed", HMP_SIZE, true},
             {"base", HMP_STRING, true}},
    .params = "device [speed [base]]",
    .help = "copy what is in images behind a device into it",
    .co_run = co_block_stream,
};

/* Of drive_mirror and drive_backup. A job of a node is called as the node; one
 * of a device has its name by itself. */
CONTROL_ONLY
static json_object *copy_arguments(json_object *args)
{
    bool reuse = hmp_flag(args, "reuse"), full = hmp_flag(args, "full");
    const char *device = hmp_str(args, "device");

    return hmp_object(
        "job-id", hmp_new_string(backend_by_name(device) ? NULL : device),
        "device", hmp_new_string(device), "target",
        hmp_new_string(hmp_str(args, "target")), "format",
        hmp_new_string(hmp_str(args, "format")), "sync",
        hmp_new_string(full ? "full" : "top"), "mode",
        hmp_new_string(reuse ? "existing" : "absolute-paths"), NULL);
}

COROUTINE_ONLY CONTROL_ONLY static void co_drive_mirror(Hmp *hmp,
                                                        json_object *args)
{
    json_object *qmp = copy_arguments(args);

    json_object_object_add(qmp, "unmap", hmp_new_bool(true));
    co_hmp_call(hmp, "drive-mirror", qmp, NULL);
}

const HmpCommand hmp_drive_mirror = {
    .name = "drive_mirror",
    .args = {{"reuse", HMP_FLAG, .flag = 'n'},
             {"full", HMP_FLAG, .flag = 'f'},
             {"device", HMP_DEVICE},
             {"target", HMP_STRING},
             {"format", HMP_STRING, true}},
    .params = "[-n] [-f] device target [format]",
    .help = "copy a device to a new image and keep both alike;\n"
            "\t\t\t-n: the image is there already, -f: all of the disk",
    .co_run = co_drive_mirror,
};

COROUTINE_ONLY CONTROL_ONLY static void co_drive_backup(Hmp *hmp,
                                                        json_object *args)
{
    json_object *qmp = copy_arguments(args);

    if (hmp_flag(args, "compress")) {
        json_object_object_add(qmp, "compress", hmp_new_bool(true));
    }
    co_hmp_call(hmp, "drive-backup", qmp, NULL);
}

const HmpCommand hmp_drive_backup = {
    .name = "drive_backup",
    .args = {{"reuse", HMP_FLAG, .flag = 'n'},
             {"full", HMP_FLAG, .flag = 'f'},
             {"compress", HMP_FLAG, .flag = 'c'},
             {"device", HMP_DEVICE},
             {"target", HMP_STRING},
             {"format", HMP_STRING, true}},
    .params = "[-n] [-f] [-c] device target [format]",
    .help = "copy a device as it is now to a new image;\n"
            "\t\t\t-n: the image is there already, -f: all of the disk,\n"
            "\t\t\t-c: compressed",
    .co_run = co_drive_backup,
};

/* --- images and media ---------------------------------------------------- */

const HmpCommand hmp_block_resize = {
    .name = "block_resize",
    .args = {{"device", HMP_DEVICE}, {"size", HMP_SIZE}},
    .params = "device size",
    .help = "give an image another size",
    .qmp = "block_resize",
};

COROUTINE_ONLY CONTROL_ONLY static void co_change(Hmp *hmp, json_object *args)
{
    const char *mode = hmp_str(args, "read-only-mode");

    if (!strcmp(hmp_str(args, "device"), "vnc")) {
        hmp_printf(hmp, "Expected 'password' after 'vnc'\n");
        return;
    }
    if (mode && strcmp(mode, "retain") && strcmp(mode, "read-only") &&
        strcmp(mode, "read-write")) {
        hmp_printf(hmp, "Error: invalid parameter value: %s\n", mode);
        return;
    }
    co_hmp_call(hmp, "blockdev-change-medium", json_object_get(args), NULL);
}

const HmpCommand hmp_change = {
    .name = "change",
    .args = {{"device", HMP_DEVICE},
             {"force", HMP_FLAG, .flag = 'f'},
             {"filename", HMP_FILENAME},
             {"format", HMP_STRING, true},
             {"read-only-mode", HMP_STRING, true}},
    .params = "device [-f] filename [format [read-only-mode]]",
    .help = "put another medium into a device; -f: also if it is locked",
    .co_run = co_change,
};

const HmpCommand hmp_eject = {
    .name = "eject",
    .args = {{"force", HMP_FLAG, .flag = 'f'}, {"device", HMP_DEVICE}},
    .params = "[-f] device",
    .help = "take the medium out of a device; -f: also if it is locked",
    .qmp = "eject",
};

/* By the name of the device, or else by its id. */
COROUTINE_ONLY CONTROL_ONLY static void
co_block_set_io_throttle(Hmp *hmp, json_object *args)
{
    const char *device = hmp_str(args, "device");

    if (!backend_by_name(device)) {
        json_object_object_add(args, "id", hmp_new_string(device));
        json_object_object_del(args, "device");
    }
    co_hmp_call(hmp, "block_set_io_throttle", json_object_get(args), NULL);
}

const HmpCommand hmp_block_set_io_throttle = {
    .name = "block_set_io_throttle",
    .args = {{"device", HMP_DEVICE},
             {"bps", HMP_INT},
             {"bps_rd", HMP_INT},
             {"bps_wr", HMP_INT},
             {"iops", HMP_INT},
             {"iops_rd", HMP_INT},
             {"iops_wr", HMP_INT}},
    .params = "device bps bps_rd bps_wr iops iops_rd iops_wr",
    .help = "limit what a device does in a second",
    .co_run = co_block_set_io_throttle,
};

/* --- snapshots ----------------------------------------------------------- */

COROUTINE_ONLY CONTROL_ONLY static void co_snapshot_blkdev(Hmp *hmp,
                                                           json_object *args)
{
    bool reuse = hmp_flag(args, "reuse");

    if (!hmp_str(args, "snapshot-file")) {
        hmp_printf(hmp, "Error: Parameter 'snapshot-file' is missing\n");
        return;
    }
    json_object_object_del(args, "reuse");
    json_object_object_add(
        args, "mode", hmp_new_string(reuse ? "existing" : "absolute-paths"));
    co_hmp_call(hmp, "blockdev-snapshot-sync", json_object_get(args), NULL);
}

const HmpCommand hmp_snapshot_blkdev = {
    .name = "snapshot_blkdev",
    .args = {{"reuse", HMP_FLAG, .flag = 'n'},
             {"device", HMP_DEVICE},
             {"snapshot-file", HMP_STRING, true},
             {"format", HMP_STRING, true}},
    .params = "[-n] device [new-image-file] [format]",
    .help = "put a new image over that of a device, which stays as it is;\n"
            "\t\t\t-n: the new image is there already",
    .co_run = co_snapshot_blkdev,
};

const HmpCommand hmp_snapshot_blkdev_internal = {
    .name = "snapshot_blkdev_internal",
    .args = {{"device", HMP_DEVICE}, {"name", HMP_STRING}},
    .params = "device name",
    .help = "keep the state of a device inside its image",
    .qmp = "blockdev-snapshot-internal-sync",
};

const HmpCommand hmp_snapshot_delete_blkdev_internal = {
    .name = "snapshot_delete_blkdev_internal",
    .args = {{"device", HMP_DEVICE},
             {"name", HMP_STRING},
             {"id", HMP_STRING, true}},
    .params = "device name [id]",
    .help = "delete a state that is kept inside an image",
    .qmp = "blockdev-snapshot-delete-internal-sync",
};
