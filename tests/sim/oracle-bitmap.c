/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Up to four bitmaps of a node as they should be, while a guest writes.
 *
 * A command takes effect at some moment between its begin and its end. What
 * is in flight or ends in between may count or not, so a model keeps two sets
 * of granules: those that must be dirty and those that may be.
 *
 *   must: a write that began after the bitmap was known to record, and ended
 *         before it was known to be going to stop
 *   may:  a write that was in flight while the bitmap perhaps recorded
 *
 * Invariant: must is a subset of may.
 */
#include "oracle.h"

#include "block/bitmap/bitmap.h"

#define BITMAPS 4u
#define FLIGHTS 256u

typedef struct Model {
    bool exists;
    bool records;    /* for certain */
    bool may_record; /* perhaps: a command about it is under way, or so */
    uint64_t since;  /* writes that began from then on are recorded */
    uint8_t *must, *may;
} Model;

struct BitmapModels {
    Node *node;
    uint32_t granularity_bytes;
    uint64_t granules;
    Model models[BITMAPS];
    HistoryWrite flights[FLIGHTS];
    unsigned n_flights;
    uint64_t now; /* begun of the newest write that was heard of */
};

static const char *const names[BITMAPS] = {"b0", "b1", "b2", "b3"};

BitmapModels *bitmap_models_new(Node *node, uint32_t granularity_bytes)
{
    BitmapModels *m = g_new0(BitmapModels, 1);

    m->node = node;
    m->granularity_bytes = granularity_bytes;
    m->granules = DIV_ROUND_UP(node->size_bytes, granularity_bytes);
    for (unsigned i = 0; i < BITMAPS; i++) {
        m->models[i].must = g_malloc0(m->granules);
        m->models[i].may = g_malloc0(m->granules);
    }
    return m;
}

void bitmap_models_free(BitmapModels *m)
{
    for (unsigned i = 0; i < BITMAPS; i++) {
        g_free(m->models[i].must);
        g_free(m->models[i].may);
    }
    g_free(m);
}

/* --- writes -------------------------------------------------------------- */

static void mark(const BitmapModels *m, uint8_t *set, const HistoryWrite *w)
{
    uint64_t start = w->sector * SIM_SECTOR / m->granularity_bytes;
    uint64_t end =
        DIV_ROUND_UP((w->sector + w->count) * SIM_SECTOR, m->granularity_bytes);

    memset(set + start, 1, end - start);
}

static void flight_begins(BitmapModels *m, const HistoryWrite *w)
{
    assert(m->n_flights < FLIGHTS);
    m->flights[m->n_flights++] = *w;
    m->now = w->begun;
    for (unsigned i = 0; i < BITMAPS; i++) {
        if (m->models[i].may_record) {
            mark(m, m->models[i].may, w);
        }
    }
}

static void flight_ends(BitmapModels *m, const HistoryWrite *w)
{
    unsigned at = 0;

    while (m->flights[at].begun != w->begun) {
        at++;
        assert(at < m->n_flights);
    }
    m->flights[at] = m->flights[--m->n_flights];
    for (unsigned i = 0; i < BITMAPS; i++) {
        const Model *model = &m->models[i];

        if (model->records && w->begun > model->since) {
            mark(m, model->must, w);
        }
    }
}

void bitmap_models_changing(void *opaque, const HistoryWrite *w, bool ended)
{
    if (ended) {
        flight_ends(opaque, w);
    } else {
        flight_begins(opaque, w);
    }
}

static void may_in_flight(const BitmapModels *m, Model *model)
{
    for (unsigned i = 0; i < m->n_flights; i++) {
        mark(m, model->may, &m->flights[i]);
    }
}

/* --- what commands do ---------------------------------------------------- */

typedef enum Act {
    ACT_ADD,
    ACT_REMOVE,
    ACT_CLEAR,
    ACT_ENABLE,
    ACT_DISABLE,
    ACT_MERGE,
    N_ACTS,
} Act;

static bool act_possible(const BitmapModels *m, Act act, unsigned a, unsigned b)
{
    if (act == ACT_ADD) {
        return !m->models[a].exists;
    }
    return m->models[a].exists &&
           (act != ACT_MERGE || (a != b && m->models[b].exists));
}

/* It may take effect from now on: nothing is certain of @a any more. Returns
 * what may have been dirty until now; the model begins anew. */
static uint8_t *act_begins(BitmapModels *m, Act act, unsigned a)
{
    Model *model = &m->models[a];
    uint8_t *may_before = model->may;

    model->may = g_malloc0(m->granules);
    if (act == ACT_ADD || act == ACT_ENABLE) {
        model->may_record = true;
    }
    if (act == ACT_DISABLE || act == ACT_REMOVE || act == ACT_CLEAR) {
        model->records = false;
    }
    if (model->may_record) {
        may_in_flight(m, model);
    }
    return may_before;
}

static void add_set(const BitmapModels *m, uint8_t *to, const uint8_t *from)
{
    for (uint64_t g = 0; g < m->granules; g++) {
        to[g] |= from[g];
    }
}

static void now_records(BitmapModels *m, Model *model, bool records)
{
    model->records = model->may_record = records;
    model->since = m->now;
    if (records) {
        may_in_flight(m, model);
    }
}

/* The command is over. @recorded: whether @a did before; @must_b: of @b. */
static void act_ended(BitmapModels *m, Act act, unsigned a, unsigned b,
                      bool recorded, const uint8_t *may_before,
                      const uint8_t *must_b)
{
    Model *model = &m->models[a];

    if (act == ACT_CLEAR || act == ACT_REMOVE) {
        memset(model->must, 0, m->granules);
    } else {
        add_set(m, model->may, may_before);
    }
    if (act == ACT_MERGE) {
        add_set(m, model->must, must_b);
        add_set(m, model->may, m->models[b].may);
        return;
    }
    model->exists = act != ACT_REMOVE;
    now_records(m, model,
                act == ACT_CLEAR ? recorded
                                 : act == ACT_ADD || act == ACT_ENABLE);
    if (act == ACT_REMOVE) {
        memset(model->may, 0, m->granules);
    }
}

/* --- commands ------------------------------------------------------------ */

static char *act_text(const BitmapModels *m, Act act, unsigned a, unsigned b)
{
    static const char *const verbs[N_ACTS] = {"add",    "remove",  "clear",
                                              "enable", "disable", "merge"};
    g_autofree char *more = NULL;

    if (act == ACT_MERGE) {
        return g_strdup_printf("'type': 'block-dirty-bitmap-merge', 'data':"
                               " {'node': '%s', 'target': '%s',"
                               " 'bitmaps': ['%s']}",
                               node_name(m->node), names[a], names[b]);
    }
    if (act == ACT_ADD) {
        more = g_strdup_printf(", 'granularity': %u", m->granularity_bytes);
    }
    return g_strdup_printf("'type': 'block-dirty-bitmap-%s', 'data':"
                           " {'node': '%s', 'name': '%s'%s}",
                           verbs[act], node_name(m->node), names[a],
                           more ? more : "");
}

/* A transaction of one action. */
COROUTINE_ONLY
static bool co_command(BitmapModels *m, Act act, unsigned a, unsigned b)
{
    g_autofree char *text = act_text(m, act, a, b);

    return co_sim_qmp("{'execute': 'transaction', 'arguments':"
                      " {'actions': [{%s}]}}",
                      text);
}

/* One of several, possible or not, that aborts at last. */
COROUTINE_ONLY
static void co_refused(BitmapModels *m)
{
    g_autoptr(GString) text = g_string_new(NULL);

    for (unsigned i = 1 + sim_below(4); i > 0; i--) {
        unsigned a = sim_below(BITMAPS), b = sim_below(BITMAPS);
        g_autofree char *action = act_text(m, sim_below(N_ACTS), a, b);

        g_string_append_printf(text, "{%s}, ", action);
    }
    sim_check(!co_sim_qmp("{'execute': 'transaction', 'arguments':"
                          " {'actions': [{'type': 'block-dirty-bitmap-add',"
                          " 'data': {'node': '%s', 'name': 'extra'}}, %s"
                          " {'type': 'abort', 'data': {}}]}}",
                          node_name(m->node), text->str),
              "a transaction that aborts succeeded");
}

COROUTINE_ONLY
static void co_act(BitmapModels *m, Act act, unsigned a, unsigned b)
{
    bool recorded = m->models[a].records;
    uint8_t *must_b = g_memdup2(m->models[b].must, m->granules);
    uint8_t *may_before = act_begins(m, act, a);

    sim_check(co_command(m, act, a, b), "action %d on bitmap %u failed", act,
              a);
    act_ended(m, act, a, b, recorded, may_before, must_b);
    g_free(may_before);
    g_free(must_b);
}

void co_bitmap_models_act(BitmapModels *m)
{
    unsigned a = sim_below(BITMAPS), b = sim_below(BITMAPS);
    Act act = m->models[a].exists ? sim_below(N_ACTS) : ACT_ADD;

    if (sim_percent(30)) {
        /* The models do not change: neither may the bitmaps. */
        co_refused(m);
    } else if (act_possible(m, act, a, b)) {
        co_act(m, act, a, b);
    }
    bitmap_models_check(m);
}

/* --- checks -------------------------------------------------------------- */

static void check_one(const BitmapModels *m, unsigned index)
{
    const Model *model = &m->models[index];
    DirtyBitmap *bitmap = bitmap_find(m->node, names[index]);

    sim_check(!bitmap == !model->exists, "bitmap %u: there it is %s", index,
              bitmap ? "yes" : "no");
    if (!bitmap) {
        return;
    }
    sim_check(bitmap_enabled(bitmap) == model->records,
              "bitmap %u: recording is wrong", index);
    for (uint64_t g = 0; g < m->granules; g++) {
        bool dirty = bitmap_get(bitmap, g * m->granularity_bytes);

        sim_check(dirty || !model->must[g],
                  "bitmap %u lacks granule %" PRIu64 ", which was written",
                  index, g);
        sim_check(!dirty || model->may[g],
                  "bitmap %u has granule %" PRIu64 ", which nobody wrote",
                  index, g);
    }
}

void bitmap_models_check(BitmapModels *m)
{
    for (unsigned i = 0; i < BITMAPS; i++) {
        check_one(m, i);
    }
    sim_check(!bitmap_find(m->node, "extra"), "a refused bitmap is there");
}

void co_bitmap_models_remove(BitmapModels *m)
{
    for (unsigned i = 0; i < BITMAPS; i++) {
        if (m->models[i].exists) {
            co_sim_qmp_ok("{'execute': 'block-dirty-bitmap-remove',"
                          " 'arguments': {'node': '%s', 'name': '%s'}}",
                          node_name(m->node), names[i]);
        }
    }
}
