/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Limits that properties have together: sizes of blocks, geometry, queues,
 * places on a SCSI bus. */
#include "devices/device-int.h"
#include "util/opts.h"

#define CYLINDERS_MAX 65535
#define SECTORS_MAX 255
#define MIN_IO_BLOCKS_MAX 65535
#define DISCARD_SECTORS_MAX 4194303
#define QUEUE_MAX 1024
#define SCSI_QUEUES_MAX 1022
#define NVME_QUEUES_MAX 65535
#define NVME_VECTORS_MAX 2048

/* What was said of @name, in any spelling of numbers; @otherwise if nothing. */
static uint64_t value_of(json_object *values, const char *name,
                         uint64_t otherwise)
{
    json_object *value;
    uint64_t number = otherwise;

    if (json_object_object_get_ex(values, name, &value) && value) {
        device_parse_size("", device_json_text(value), &number);
    }
    return number;
}

/* --- blocks -------------------------------------------------------------- */

static bool is_multiple(json_object *values, const char *name, uint64_t of,
                        Error **errp)
{
    uint64_t size = value_of(values, name, 0);

    if (of && size != UINT32_MAX && size % of) {
        error_set(errp, "%s must be a multiple of logical_block_size", name);
        return false;
    }
    return true;
}

static bool blocks_ok(const DeviceModel *model, json_object *values,
                      Error **errp)
{
    uint64_t logical = value_of(values, "logical_block_size", 0);
    uint64_t physical = value_of(values, "physical_block_size", 0);
    bool is_ide = model->bus && !strcmp(model->bus, "IDE");

    logical = logical ? logical : DEVICE_BLOCK_MIN;
    physical = physical ? physical : DEVICE_BLOCK_MIN;
    if (is_ide && value_of(values, "discard_granularity", 512) != 512 &&
        value_of(values, "discard_granularity", 512) != UINT32_MAX) {
        error_set(errp, "discard_granularity must be 512 for ide");
        return false;
    }
    if (logical > physical) {
        error_set(errp, "logical_block_size > physical_block_size not "
                        "supported");
        return false;
    }
    if (model->use == DEVICE_USES_FLOPPY &&
        (logical != DEVICE_BLOCK_MIN || physical != DEVICE_BLOCK_MIN)) {
        error_set(errp, "Physical and logical block size must be 512 for "
                        "floppy");
        return false;
    }
    if (value_of(values, "min_io_size", 0) / logical > MIN_IO_BLOCKS_MAX) {
        error_set(errp, "min_io_size must not exceed %d logical blocks",
                  MIN_IO_BLOCKS_MAX);
        return false;
    }
    return is_multiple(values, "min_io_size", logical, errp) &&
           is_multiple(values, "opt_io_size", logical, errp) &&
           is_multiple(values, "discard_granularity", logical, errp);
}

/* --- geometry ------------------------------------------------------------ */

static bool between(const char *name, uint64_t value, uint64_t max,
                    Error **errp)
{
    if (value < 1 || value > max) {
        error_set(errp, "%s must be between 1 and %" PRIu64, name, max);
        return false;
    }
    return true;
}

/* All three are said, or none. */
static bool geometry_ok(const DeviceModel *model, json_object *values,
                        Error **errp)
{
    uint64_t cyls = value_of(values, "cyls", 0);
    uint64_t heads = value_of(values, "heads", 0);
    uint64_t secs = value_of(values, "secs", 0);
    unsigned most_heads = model->bus && !strcmp(model->bus, "IDE") ? 16 : 255;

    return (!cyls && !heads && !secs) ||
           (between("cyls", cyls, CYLINDERS_MAX, errp) &&
            between("heads", heads, most_heads, errp) &&
            between("secs", secs, SECTORS_MAX, errp));
}

/* --- virtio-blk ---------------------------------------------------------- */

static bool queues_ok(json_object *values, Error **errp)
{
    uint64_t size = value_of(values, "queue-size", QUEUE_MAX);

    if (!value_of(values, "num-queues", 1)) {
        error_set(errp, "num-queues property must be larger than 0");
        return false;
    }
    if (size <= 2) {
        error_set(errp,
                  "invalid queue-size property (%" PRIu64 "), must be > 2",
                  size);
        return false;
    }
    if (size > QUEUE_MAX || !is_power_of_2(size)) {
        error_set(errp,
                  "invalid queue-size property (%" PRIu64
                  "), must be a power of 2 (max %d)",
                  size, QUEUE_MAX);
        return false;
    }
    return true;
}

static bool is_on(json_object *values, const char *name)
{
    json_object *value = json_object_object_get(values, name);

    return value && !strcmp(device_json_text(value), "on");
}

/* How much a guest may discard, or write zeroes to, at once. */
static bool sectors_ok(json_object *values, const char *unless_off,
                       const char *name, Error **errp)
{
    json_object *flag = json_object_object_get(values, unless_off);
    uint64_t sectors = value_of(values, name, DISCARD_SECTORS_MAX);

    if ((flag && !opts_bool_value(device_json_text(flag))) ||
        (sectors && sectors <= DISCARD_SECTORS_MAX)) {
        return true;
    }
    error_set(errp,
              "invalid %s property (%" PRIu64 "), must be between 1 and %d",
              name, sectors, DISCARD_SECTORS_MAX);
    return false;
}

/* Commands of SCSI went out of the protocol with its version 1.0. */
static bool version_ok(json_object *values, Error **errp)
{
    bool ok = !is_on(values, "scsi") || is_on(values, "disable-modern");

    if (!ok) {
        error_set(errp, "Please set scsi=off for virtio-blk devices in order "
                        "to use virtio 1.0");
    }
    return ok;
}

/* --- controllers --------------------------------------------------------- */

static bool controller_ok(const DeviceModel *model, json_object *values,
                          Error **errp)
{
    uint64_t queues = value_of(values, "num_queues", UINT32_MAX);
    uint64_t vectors = value_of(values, "msix_qsize", 1);

    if (g_str_has_prefix(model->name, "virtio-scsi") && queues != UINT32_MAX &&
        (!queues || queues > SCSI_QUEUES_MAX)) {
        error_set(errp,
                  "Invalid number of queues (= %" PRIu64
                  "), must be a positive integer less than %d.",
                  queues, SCSI_QUEUES_MAX);
        return false;
    }
    if (strcmp(model->name, "nvme") != 0) {
        return true;
    }
    if (vectors < 1 || vectors > NVME_VECTORS_MAX) {
        error_set(errp, "msix_qsize must be between 1 and %d",
                  NVME_VECTORS_MAX);
        return false;
    }
    return between("max_ioqpairs", value_of(values, "max_ioqpairs", 1),
                   NVME_QUEUES_MAX, errp);
}

bool device_limits_check(const DeviceModel *model, json_object *values,
                         Error **errp)
{
    bool is_blk = device_model_property(model, "config-wce");

    return blocks_ok(model, values, errp) && geometry_ok(model, values, errp) &&
           (!is_blk ||
            (queues_ok(values, errp) && version_ok(values, errp) &&
             sectors_ok(values, "discard", "max-discard-sectors", errp) &&
             sectors_ok(values, "write-zeroes", "max-write-zeroes-sectors",
                        errp))) &&
           controller_ok(model, values, errp);
}

/* --- SCSI ---------------------------------------------------------------- */

CONTROL_ONLY
static bool lun_free(const Device *device, int64_t id, int64_t lun,
                     Error **errp)
{
    for (Device *d = device_next(NULL); d; d = device_next(d)) {
        int64_t other_id, other_lun;

        if (d->at != device->at ||
            !device_model_property(d->model, "scsi-id")) {
            continue;
        }
        device_scsi_place(d, &other_id, &other_lun);
        if (other_id == id && other_lun == lun) {
            error_set(errp, "lun already used by '%s'",
                      d->id ? d->id : "(null)");
            return false;
        }
    }
    return true;
}

/* Not said: any. */
static bool in_range(const Device *device, const char *name, int64_t max,
                     const char *what, Error **errp)
{
    int64_t number = device_number(device, name, -1);
    bool ok = number < 0 || number == UINT32_MAX || number <= max;

    if (!ok) {
        error_set(errp, "bad scsi %s: %" PRId64, what, number);
    }
    return ok;
}

bool device_scsi_place_ok(const Device *device, Error **errp)
{
    const DeviceModel *controller;
    int64_t id, lun, channel = device_number(device, "channel", 0);

    if (!device_model_property(device->model, "scsi-id")) {
        return true;
    }
    if (channel) {
        error_set(errp, "bad scsi channel id: %" PRId64, channel);
        return false;
    }
    controller = device->at->owner->model;
    if (!in_range(device, "scsi-id", controller->scsi_id_max, "device id",
                  errp) ||
        !in_range(device, "lun", controller->scsi_lun_max, "device lun",
                  errp)) {
        return false;
    }
    device_scsi_place(device, &id, &lun);
    if (id > controller->scsi_id_max || lun > controller->scsi_lun_max) {
        error_set(errp, "no free %s",
                  id > controller->scsi_id_max ? "target" : "lun");
        return false;
    }
    return lun_free(device, id, lun, errp);
}
