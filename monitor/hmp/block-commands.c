/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands that change images, devices and jobs, each by a command of QMP. */
#include "block/backend/backend.h"
#include "monitor/hmp/commands.h"

/* --- jobs ---------------------------------------------------------------- */

const HmpCommand hmp_block_job_cancel = {
    .name = "block_job_cancel",
    .args = {{"force", HMP_FLAG, .flag = 'f'}, {"device", HMP_DEVICE}},
    .params = "[-f] device",
    .help = "stop an active background block operation (use -f\n"
            "\t\t\t if you want to abort the operation immediately\n"
            "\t\t\t instead of keep running until data is in sync)",
    .qmp = "block-job-cancel",
};

const HmpCommand hmp_block_job_complete = {
    .name = "block_job_complete",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "stop an active background block operation",
    .qmp = "block-job-complete",
};

const HmpCommand hmp_block_job_pause = {
    .name = "block_job_pause",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "pause an active background block operation",
    .qmp = "block-job-pause",
};

const HmpCommand hmp_block_job_resume = {
    .name = "block_job_resume",
    .args = {{"device", HMP_DEVICE}},
    .params = "device",
    .help = "resume a paused background block operation",
    .qmp = "block-job-resume",
};

const HmpCommand hmp_block_job_set_speed = {
    .name = "block_job_set_speed",
    .args = {{"device", HMP_DEVICE}, {"speed", HMP_SIZE}},
    .params = "device speed",
    .help = "set maximum speed for a background block operation",
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
    .help = "copy data from a backing file into a block device",
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
    .help = "initiates live storage\n"
            "\t\t\tmigration for a device. The device's contents are\n"
            "\t\t\tcopied to the new image file, including data that\n"
            "\t\t\tis written after the command is started.\n"
            "\t\t\tThe -n flag requests QEMU to reuse the image found\n"
            "\t\t\tin new-image-file, instead of recreating it from scratch.\n"
            "\t\t\tThe -f flag requests QEMU to copy the whole disk,\n"
            "\t\t\tso that the result does not need a backing file.\n"
            "\t\t\t",
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
    .help = "initiates a point-in-time\n"
            "\t\t\tcopy for a device. The device's contents are\n"
            "\t\t\tcopied to the new image file, excluding data that\n"
            "\t\t\tis written after the command is started.\n"
            "\t\t\tThe -n flag requests QEMU to reuse the image found\n"
            "\t\t\tin new-image-file, instead of recreating it from scratch.\n"
            "\t\t\tThe -f flag requests QEMU to copy the whole disk,\n"
            "\t\t\tso that the result does not need a backing file.\n"
            "\t\t\tThe -c flag requests QEMU to compress backup data\n"
            "\t\t\t(if the target format supports it).\n"
            "\t\t\t",
    .co_run = co_drive_backup,
};

/* --- images and media ---------------------------------------------------- */

const HmpCommand hmp_block_resize = {
    .name = "block_resize",
    .args = {{"device", HMP_DEVICE}, {"size", HMP_SIZE}},
    .params = "device size",
    .help = "resize a block image",
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
    .help = "change a removable medium, optional format, use -f to force the "
            "operation",
    .co_run = co_change,
};

const HmpCommand hmp_eject = {
    .name = "eject",
    .args = {{"force", HMP_FLAG, .flag = 'f'}, {"device", HMP_DEVICE}},
    .params = "[-f] device",
    .help = "eject a removable medium (use -f to force it)",
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
             {"bps", HMP_LONG},
             {"bps_rd", HMP_LONG},
             {"bps_wr", HMP_LONG},
             {"iops", HMP_LONG},
             {"iops_rd", HMP_LONG},
             {"iops_wr", HMP_LONG}},
    .params = "device bps bps_rd bps_wr iops iops_rd iops_wr",
    .help = "change I/O throttle limits for a block drive",
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
    .help = "initiates a live snapshot\n"
            "\t\t\tof device. If a new image file is specified, the\n"
            "\t\t\tnew image file will become the new root image.\n"
            "\t\t\tIf format is specified, the snapshot file will\n"
            "\t\t\tbe created in that format.\n"
            "\t\t\tThe default format is qcow2.  The -n flag requests QEMU\n"
            "\t\t\tto reuse the image found in new-image-file, instead of\n"
            "\t\t\trecreating it from scratch.",
    .co_run = co_snapshot_blkdev,
};

const HmpCommand hmp_snapshot_blkdev_internal = {
    .name = "snapshot_blkdev_internal",
    .args = {{"device", HMP_DEVICE}, {"name", HMP_STRING}},
    .params = "device name",
    .help = "take an internal snapshot of device.\n"
            "\t\t\tThe format of the image used by device must\n"
            "\t\t\tsupport it, such as qcow2.\n"
            "\t\t\t",
    .qmp = "blockdev-snapshot-internal-sync",
};

const HmpCommand hmp_snapshot_delete_blkdev_internal = {
    .name = "snapshot_delete_blkdev_internal",
    .args = {{"device", HMP_DEVICE},
             {"name", HMP_STRING},
             {"id", HMP_STRING, true}},
    .params = "device name [id]",
    .help = "delete an internal snapshot of device.\n"
            "\t\t\tIf id is specified, qemu will try delete\n"
            "\t\t\tthe snapshot matching both id and name.\n"
            "\t\t\tThe format of the image used by device must\n"
            "\t\t\tsupport it, such as qcow2.\n"
            "\t\t\t",
    .qmp = "blockdev-snapshot-delete-internal-sync",
};
