/* Sampling: UTF-8 kept whole, draws that repeat, the prime, each against a computation by hand. */
#include <math.h>

#include "app/tasks/text_draw.h"
#include "app/tasks/utf8_writer.h"
#include "core/rng.h"
#include "test_task.h"

/* ---- UTF-8 ---- */

typedef struct pieces {
    char bytes[256];
    size_t size;
    size_t sizes[256];
    int count, most; /* says no after `most`, 0: never */
} pieces;

static bool take_piece(void *user, const char *bytes, size_t size)
{
    pieces *all = user;
    memcpy(all->bytes + all->size, bytes, size);
    all->size += size;
    all->sizes[all->count++] = size;
    return all->most == 0 || all->count < all->most;
}

static pieces write_all(const char *bytes, size_t size)
{
    pieces all = {.size = 0};
    hni_utf8_writer writer = {.write = take_piece, .user = &all};
    for (size_t i = 0; i < size; i++)
        hni_utf8_writer_put(&writer, (uint8_t)bytes[i]);
    hni_utf8_writer_end(&writer);
    assert_int_equal(writer.count, 0);
    assert_int_equal(all.size, size);
    assert_memory_equal(all.bytes, bytes, size); /* nothing lost, nothing changed */
    return all;
}

static void whole_sequences_stay_whole(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z"; /* 1, 2, 3, 4 and 1 bytes */
    static const size_t sizes[] = {1, 2, 3, 4, 1};
    (void)state;
    const pieces all = write_all(text, sizeof text - 1);
    assert_int_equal(all.count, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(all.sizes[i], sizes[i]);
}

/* Cut off at every byte: whole sequences before the cut, single bytes after it. */
static void a_text_may_end_at_any_byte(void **state)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    static const size_t ends[] = {1, 3, 6, 10};
    (void)state;
    for (size_t cut = 0; cut < sizeof text; cut++) {
        const pieces all = write_all(text, cut);
        int whole = 0;
        while (whole < 4 && ends[whole] <= cut)
            whole++;
        const size_t rest = cut - (whole > 0 ? ends[whole - 1] : 0);
        assert_int_equal(all.count, whole + (int)rest);
    }
}

static void broken_sequences_come_byte_by_byte(void **state)
{
    static const struct {
        const char *bytes;
        int count;
    } cases[] = {
        {"\x80", 1},     /* a continuation alone */
        {"\xC0\xAF", 2}, /* overlong */
        {"\xC3"
         "a",
         2}, /* promised two, an 'a' came */
        {"\xE2\x82"
         "a",
         3},                     /* promised three */
        {"\xE0\x80\x80", 3},     /* overlong */
        {"\xED\xA0\x80", 3},     /* a surrogate */
        {"\xF4\x90\x80\x80", 4}, /* above U+10FFFF */
        {"\xFF\xFE", 2},
        {"\xE2\xC3\xA9", 2}, /* broken, then a whole one */
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(write_all(cases[i].bytes, strlen(cases[i].bytes)).count, cases[i].count);
    }
}

static void a_reader_can_say_no(void **state)
{
    pieces all = {.most = 2};
    hni_utf8_writer writer = {.write = take_piece, .user = &all};
    (void)state;
    for (int i = 0; i < 5; i++)
        hni_utf8_writer_put(&writer, 'a');
    assert_true(writer.stopped);
    assert_int_equal(all.count, 2);
}

/* ---- sampling ---- */

typedef struct sample {
    char text[512];
    size_t size;
} sample;

static bool keep_text(void *user, const char *bytes, size_t size)
{
    sample *s = user;
    memcpy(s->text + s->size, bytes, size);
    s->size += size;
    return true;
}

static sample take_sample(const test_task *t, const char *prime, double temperature, uint64_t seed)
{
    sample s = {.size = 0};
    const hni_sample_options options = {
        .prime = prime,
        .length = 100,
        .temperature = temperature,
        .seed = seed,
        .write = keep_text,
        .user = &s,
    };
    test_task_ok(t, t->task->sample(t->work, &options));
    assert_int_equal(s.size, 100);
    return s;
}

/* The text's symbols, made a second time. */
static hn_vocabulary *vocabulary_of(const test_task *t)
{
    const hni_text_source source = {.places = &t->places};
    hni_text_data *text = NULL;
    test_task_ok(t, hni_text_open(t->context, &t->data, &source, &text));
    hn_vocabulary *vocabulary = text->own;
    text->own = NULL;
    hni_text_close(text);
    return vocabulary;
}

static int32_t row_of(const hn_vocabulary *vocabulary, char byte)
{
    size_t used;
    return (int32_t)hn_vocabulary_find(vocabulary, &byte, 1, &used);
}

static void the_same_seed_gives_the_same_text(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    const sample first = take_sample(&t, "the ", 1, 7), again = take_sample(&t, "the ", 1, 7);
    assert_memory_equal(first.text, again.text, 100);
    const sample other = take_sample(&t, "the ", 1, 8);
    assert_memory_not_equal(first.text, other.text, 100);
    const sample primed = take_sample(&t, "stone", 1, 7);
    assert_memory_not_equal(first.text, primed.text, 100);
    test_task_close(&t);
}

/* Each symbol by the inverse of the cumulated softmax(logits / T), with the Philox numbers of the site "sample". */
static void draws_follow_the_softmax(void **state)
{
    static const double temperatures[] = {0.5, 1, 3};
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hn_vocabulary *vocabulary = vocabulary_of(&t);
    assert_true(hn_vocabulary_count(vocabulary) < 30); /* rows 21 and on stand for nothing and must never be drawn */
    for (size_t i = 0; i < sizeof temperatures / sizeof temperatures[0]; i++) {
        const sample s = take_sample(&t, "w", temperatures[i], 7);
        const hni_rng_key key = {.seed = 7, .site = hni_rng_site("sample")};
        hn_stream *stream = NULL;
        float logits[30];
        int32_t symbol = row_of(vocabulary, 'w');
        test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
        for (uint64_t k = 0; k < 100; k++) {
            double sum = 0, left;
            int row = 0;
            test_task_ok(&t, hn_stream_step(stream, &symbol, logits));
            for (int r = 0; r < hn_vocabulary_count(vocabulary); r++)
                sum += exp((double)logits[r] / temperatures[i]);
            left = hni_rng_uniform(&key, k) * sum - exp((double)logits[0] / temperatures[i]);
            while (left >= 0)
                left -= exp((double)logits[++row] / temperatures[i]);
            assert_int_equal(row_of(vocabulary, s.text[k]), row);
            symbol = row;
        }
        hn_stream_destroy(stream);
    }
    hni_vocabulary_destroy(vocabulary);
    test_task_close(&t);
}

static void temperature_zero_takes_the_most_probable(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hn_vocabulary *vocabulary = vocabulary_of(&t);
    const sample s = take_sample(&t, "", 0, 1), other = take_sample(&t, NULL, 0, 2);
    hn_stream *stream = NULL;
    float logits[30];
    int32_t symbol = row_of(vocabulary, '\n'); /* without a prime a line has just ended */
    test_task_ok(&t, hn_stream_create(t.store, &t.model, 1, &stream));
    for (int k = 0; k < 100; k++) {
        test_task_ok(&t, hn_stream_step(stream, &symbol, logits));
        symbol = 0;
        for (int r = 1; r < hn_vocabulary_count(vocabulary); r++)
            if (logits[r] > logits[symbol]) symbol = r;
        assert_int_equal(row_of(vocabulary, s.text[k]), symbol);
    }
    assert_memory_equal(s.text, other.text, 100);
    hn_stream_destroy(stream);
    hni_vocabulary_destroy(vocabulary);
    test_task_close(&t);
}

/* ---- cuts ---- */

/* Whether the symbol is left by the cuts: fewer than K are more probable (of equals the lower rows first), and what is more probable
 * does not make up the share P of the K yet. All from sums over all pairs, nothing is sorted. */
static bool is_kept(const double *p, int count, int row, int64_t k, double share)
{
    double before = 0, total = 0;
    int rank = 0;
    for (int other = 0; other < count; other++) {
        int above = 0;
        for (int third = 0; third < count; third++)
            above += p[third] > p[other] || (p[third] == p[other] && third < other);
        if (k > 0 && above >= k) continue;
        total += p[other];
        if (p[other] > p[row] || (p[other] == p[row] && other < row)) before += p[other];
    }
    for (int other = 0; other < count; other++)
        rank += p[other] > p[row] || (p[other] == p[row] && other < row);
    return (k == 0 || rank < k) && (share == 0 || before < share * total);
}

static void cuts_leave_the_most_probable(void **state)
{
    enum { COUNT = 12, DRAWS = 400 };
    static const struct {
        int64_t k;
        double p, temperature;
        int kept; /* of the logits below; counted by hand with the temperature 1 */
    } cases[] = {{0, 0, 1, 12},  {1, 0, 1, 1},   {3, 0, 1, 3},   {100, 0, 1, 12},  {0, 1e-9, 1, 1},  {0, 0.5, 1, 0},
                 {0, 0.9, 1, 0}, {4, 0.9, 1, 0}, {2, 0.2, 1, 0}, {6, 0.7, 0.3, 0}, {6, 0.7, 3.0, 0}, {5, 0.999, 1, 5}};
    static const float logits[COUNT] = {0.5f, 2,     -1, 2,     0, 1.5f,
                                        -3,   0.25f, 1,  -0.5f, 2, -2}; /* three equal ones at the top */
    hn_context *context = NULL;
    (void)state;
    assert_int_equal(hn_context_create(NULL, &context), HN_OK);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        hni_text_drawer drawer = {.context = context,
                                  .count = COUNT,
                                  .temperature = cases[c].temperature,
                                  .top_k = cases[c].k,
                                  .top_p = cases[c].p};
        double p[COUNT], sum = 0;
        int kept = 0;
        bool drawn[COUNT] = {false};
        assert_int_equal(hni_text_drawer_open(&drawer), HN_OK);
        for (int row = 0; row < COUNT; row++)
            p[row] = exp((double)logits[row] / cases[c].temperature);
        for (int row = 0; row < COUNT; row++) {
            const bool left = is_kept(p, COUNT, row, cases[c].k, cases[c].p);
            kept += left;
            if (left) sum += p[row];
        }
        if (cases[c].kept > 0) assert_int_equal(kept, cases[c].kept);
        for (int i = 0; i < DRAWS; i++) {
            const double uniform = ((double)i + 0.5) / DRAWS;
            double left = uniform * sum;
            int row = -1, expected = -1;
            assert_int_equal(hni_text_draw(&drawer, logits, uniform, &row), HN_OK);
            for (int r = 0; r < COUNT && expected < 0; r++) {
                if (!is_kept(p, COUNT, r, cases[c].k, cases[c].p)) continue;
                left -= p[r];
                if (left < 0) expected = r;
            }
            assert_int_equal(row, expected);
            drawn[row] = true;
        }
        for (int row = 0, seen = 0; row < COUNT; row++) {
            seen += drawn[row];
            if (row == COUNT - 1 && cases[c].temperature == 1 && kept < COUNT) assert_int_equal(seen, kept);
        }
        hni_text_drawer_close(&drawer);
    }
    assert_int_equal(hn_context_memory(context), 0);
    hn_context_destroy(context);
}

/* The options reach the draw: texts of one candidate are those of temperature 0. */
static void cuts_reach_the_text(void **state)
{
    test_task t;
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    const sample most = take_sample(&t, "the ", 0, 1), plain = take_sample(&t, "the ", 2, 3);
    const struct {
        int64_t k;
        double p;
        bool same_as_most, same_as_plain;
    } cases[] = {{1, 0, true, false},  {0, 1e-6, true, false}, {0, 1, false, true},
                 {30, 0, false, true}, {3, 0, false, false},   {0, 0.3, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sample s = {.size = 0};
        const hni_sample_options options = {.prime = "the ",
                                            .length = 100,
                                            .temperature = 2,
                                            .seed = 3,
                                            .write = keep_text,
                                            .user = &s,
                                            .top_k = cases[i].k,
                                            .top_p = cases[i].p};
        test_task_ok(&t, t.task->sample(t.work, &options));
        assert_int_equal(memcmp(s.text, most.text, 100) == 0, cases[i].same_as_most);
        assert_int_equal(memcmp(s.text, plain.text, 100) == 0, cases[i].same_as_plain);
    }
    test_task_close(&t);
}

/* ---- many texts ---- */

enum { MOST_TEXTS = 19 };

typedef struct shelf {
    sample texts[MOST_TEXTS];
    int64_t stopped; /* this text says no after 10 bytes; -1: none */
} shelf;

static bool keep_one(void *user, int64_t text, const char *bytes, size_t size)
{
    shelf *all = user;
    keep_text(&all->texts[text], bytes, size);
    return text != all->stopped || all->texts[text].size < 10;
}

static void each_text_is_the_same_alone(void **state)
{
    static const hn_backend backends[] = {HN_BACKEND_GENERIC, HN_BACKEND_BEST};
    static const uint64_t seeds[] = {5, UINT64_MAX -
                                            3}; /* not at the start of a block of lanes; over the end of the numbers */
    (void)state;
    for (int i = 0; i < 4; i++) {
        test_task t;
        shelf all = {.stopped = i == 1 ? 7 : -1};
        test_task_prepare(&t, 500);
        t.backend = backends[i % 2];
        t.model.cell.units = 37;
        test_task_open(&t, 4);
        const hni_sample_options options = {.prime = "the ",
                                            .length = 100,
                                            .temperature = 2,
                                            .seed = seeds[i / 2],
                                            .user = &all,
                                            .texts = MOST_TEXTS,
                                            .write_text = keep_one};
        test_task_ok(&t, t.task->sample(t.work, &options));
        for (int text = 0; text < MOST_TEXTS; text++) {
            const sample alone = take_sample(&t, "the ", 2, seeds[i / 2] + (uint64_t)text);
            assert_int_equal(all.texts[text].size, text == all.stopped ? 10 : 100);
            assert_memory_equal(all.texts[text].text, alone.text, all.texts[text].size);
            if (text > 0) assert_memory_not_equal(alone.text, all.texts[text - 1].text, 100);
        }
        test_task_close(&t);
    }
}

static void assert_refused(const test_task *t, const hni_sample_options *options, const char *words)
{
    assert_int_not_equal(t->task->sample(t->work, options), HN_OK);
    if (strstr(hn_context_error(t->context)->text, words) == NULL) {
        fail_msg("'%s' is not in: %s", words, hn_context_error(t->context)->text);
    }
    hn_context_clear(t->context);
}

static void see_nothing(void *user, const hni_task_observation *seen) { (void)user, (void)seen; }

static void refuses_what_it_cannot_do(void **state)
{
    test_task t;
    sample s = {.size = 0};
    (void)state;
    test_task_prepare(&t, 500);
    test_task_open(&t, 4);
    hni_sample_options options = {.prime = "the\xE2", .length = 3, .temperature = 1, .write = keep_text, .user = &s};
    assert_refused(&t, &options, "byte 0xE2 at position 4");
    options.prime = "X";
    assert_refused(&t, &options, "'X' at position 1");
    options.prime = "the";
    options.temperature = -1;
    assert_refused(&t, &options, "temperature");
    options.temperature = 1;
    options.temperature = (double)NAN;
    assert_refused(&t, &options, "temperature");
    options.temperature = 1;
    options.length = -1;
    assert_refused(&t, &options, "length -1");
    options.length = 3;
    options.top_k = -1;
    assert_refused(&t, &options, "top_k -1");
    options.top_k = 0;
    options.top_p = 1.5;
    assert_refused(&t, &options, "top_p 1.5");
    options.top_p = (double)NAN;
    assert_refused(&t, &options, "top_p");
    options.top_p = 0;
    options.texts = HNI_SAMPLE_MOST_TEXTS + 1;
    assert_refused(&t, &options, "1025 texts");
    options.texts = 2;
    options.observe = see_nothing;
    assert_refused(&t, &options, "one text can be observed, not 2");
    options.texts = 1;
    options.observe_layer = 1;
    assert_refused(&t, &options, "layer 1 of 1");
    options.observe_layer = -1;
    assert_refused(&t, &options, "layer -1 of 1");
    assert_int_equal(s.size, 0);
    test_task_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_sequences_stay_whole),
        cmocka_unit_test(a_text_may_end_at_any_byte),
        cmocka_unit_test(broken_sequences_come_byte_by_byte),
        cmocka_unit_test(a_reader_can_say_no),
        cmocka_unit_test(the_same_seed_gives_the_same_text),
        cmocka_unit_test(draws_follow_the_softmax),
        cmocka_unit_test(temperature_zero_takes_the_most_probable),
        cmocka_unit_test(cuts_leave_the_most_probable),
        cmocka_unit_test(cuts_reach_the_text),
        cmocka_unit_test(each_text_is_the_same_alone),
        cmocka_unit_test(refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
