/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Back ends: names, media, permissions of a device, and how they are found. */
#include "ram-node.h"

#include "block/backend/backend.h"

#define R PERM_CONSISTENT_READ
#define W PERM_WRITE

typedef struct TestDevice {
    BackendDevice base;
    const char *path;
    unsigned changes;
    bool loaded;
} TestDevice;

static char *device_path(const BackendDevice *device)
{
    return g_strdup(((const TestDevice *)device)->path);
}

static void device_medium(BackendDevice *base, bool loaded)
{
    TestDevice *device = (TestDevice *)base;

    device->changes++;
    device->loaded = loaded;
}

static const BackendDeviceOps device_ops = {device_path, device_medium};

static TestDevice make_device(const char *path)
{
    return (TestDevice){.base = {.ops = &device_ops}, .path = path};
}

static void names(void)
{
    Error *err = NULL;
    Node *node = ram_node_new("n", 512, 1);
    Backend *a = backend_new("a", NULL);

    g_assert_null(backend_new("a", &err));
    check_error(&err, "Device with id 'a' already exists");
    g_assert_null(backend_new("n", &err));
    check_error(&err, "Device name 'n' conflicts with an existing node name");
    g_assert_null(node_new(&ram_driver, "a", &err));
    check_error(&err, "node-name=a is conflicting with a device id");
    g_assert_null(node_lookup("a", "a", &err));
    check_error(&err, "Device 'a' has no medium");
    g_assert_true(backend_insert(a, node, NULL));
    g_assert_true(node_lookup("a", NULL, NULL) == node);
    g_assert_true(node_lookup("n", "n", NULL) == node);
    g_assert_true(backend_of_node(node) == a);
    co_node_unref(node);
    co_backend_unref(a);
    g_assert_null(node_find("n"));
    g_assert_null(backend_by_name("a"));
}

static void device(void)
{
    Error *err = NULL;
    Node *n = ram_node_new("n", 512, 1), *m = ram_node_new("m", 512, 1);
    Backend *a = backend_new(NULL, NULL), *b = backend_new("b", NULL);
    TestDevice d = make_device("sda");
    TestDevice e = make_device("/machine/peripheral/vd/virtio-backend");

    g_assert_true(backend_insert(a, n, NULL));
    g_assert_true(backend_set_perms(a, R | W, PERM_ALL & ~W, NULL));
    g_assert_true(backend_attach_device(a, &d.base, NULL));
    g_assert_false(backend_attach_device(a, &e.base, &err));
    check_error(&err, "Drive '' is already in use by another device");
    g_assert_true(backend_attach_device(b, &e.base, NULL));
    g_assert_true(backend_set_perms(b, R | W, PERM_ALL & ~W, NULL));
    g_assert_false(backend_insert(b, n, &err));
    check_error(&err, "Permission conflict on node 'n': permissions 'write' "
                      "are both required by block device 'sda' (uses node 'n' "
                      "as 'root' child) and unshared by block device 'b' "
                      "(uses node 'n' as 'root' child).");
    g_assert_true(co_backend_change(b, m, NULL));
    g_assert_true(e.loaded && e.changes == 1);
    g_assert_false(co_backend_change(b, n, &err));
    error_free(err);
    g_assert_true(backend_node(b) == m);
    g_assert_true(co_backend_change(b, NULL, NULL));
    g_assert_true(!e.loaded && e.changes == 2);

    g_assert_true(backend_by_device("sda") == a);
    g_assert_true(backend_by_device("/machine/peripheral/sda") == a);
    /* Not by the whole, of which another part has the disk. */
    g_assert_null(backend_by_device("vd"));
    g_assert_true(backend_by_device("vd/virtio-backend") == b);
    g_assert_null(backend_by_device("v"));

    co_backend_unref(a);
    g_assert_true(backend_by_device("sda") == a);
    co_backend_detach_device(&d.base);
    g_assert_null(backend_by_device("sda"));
    co_backend_detach_device(&e.base);
    co_backend_unref(b);
    co_node_unref(n);
    co_node_unref(m);
}

/* Above what it has: a filter that a device is moved to and away from. */
static void filter(void)
{
    Node *n = ram_node_new("n", 512, 1), *f = pass_node_new("f", n);
    Backend *a = backend_new(NULL, NULL);
    TestDevice d = make_device("sda");

    g_assert_true(backend_insert(a, n, NULL));
    g_assert_true(backend_set_perms(a, R | W, PERM_ALL & ~W, NULL));
    g_assert_true(backend_attach_device(a, &d.base, NULL));
    co_graph_lock();
    g_assert_true(co_backend_change(a, f, NULL));
    g_assert_true(backend_node(a) == f);
    g_assert_true(co_backend_change(a, n, NULL));
    graph_unlock();
    g_assert_true(backend_node(a) == n);
    co_node_unref(f);
    co_backend_detach_device(&d.base);
    co_backend_unref(a);
    co_node_unref(n);
}

static void run(gconstpointer body)
{
    run_in_coroutine((void (*)(void))body);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    backends_init();
    g_test_add_data_func("/backend/names", names, run);
    g_test_add_data_func("/backend/device", device, run);
    g_test_add_data_func("/backend/filter", filter, run);
    return g_test_run();
}
