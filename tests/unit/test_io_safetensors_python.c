/* The Python package safetensors opens what is written here, and what it writes opens here. Left out, loudly, where there is no
 * Python with safetensors and NumPy. */
#include <sys/wait.h>

#include "hypernet/io.h"
#include "test_support.h"

static const char check_script[] =
    "import sys, numpy as np\n"
    "from safetensors import safe_open\n"
    "from safetensors.numpy import save_file\n"
    "with safe_open(sys.argv[1], framework='numpy') as file:\n"
    "    t = {name: file.get_tensor(name) for name in file.keys()}\n"
    "    assert file.metadata() == {'step': '12', 'text': 'caf\\u00e9 \"x\"\\n'}, file.metadata()\n"
    "assert sorted(t) == ['blob', 'layers.0.weight', 'scale', 'steps'], sorted(t)\n"
    "assert t['layers.0.weight'].dtype == np.float32 and t['scale'].dtype == np.float64\n"
    "assert t['steps'].dtype == np.int32 and t['blob'].dtype == np.uint8\n"
    "assert t['layers.0.weight'].tolist() == [[1.0, -2.5, 3.0], [0.0, 0.5, 7.0]]\n"
    "assert t['scale'].shape == () and float(t['scale']) == 0.1\n"
    "assert t['steps'].tolist() == [[-1], [2147483647]] and t['blob'].tolist() == [9, 8, 7]\n"
    "save_file({'b': np.arange(3, dtype=np.uint8), 'a': np.array([[1.5, -2.0]]),\n"
    "           'h': np.array([1.0], dtype=np.float16)}, sys.argv[2], metadata={'key': 'value'})\n";

/* Runs Python on a script; -1 if it could not be started. */
static int run_python(const char *script, const char *arguments)
{
    const char *python = getenv("HYPERNET_PYTHON");
    size_t size = strlen(script) + strlen(arguments) + 512;
    char *command = malloc(size);
    assert_non_null(command);
    (void)snprintf(command, size, "'%s' '%s' %s", python != NULL && python[0] != 0 ? python : "python3", script,
                   arguments);
    int result = system(command);
    free(command);
    return WIFEXITED(result) ? WEXITSTATUS(result) : -1;
}

static void write_ours(hn_context *context, const char *path)
{
    static const float weights[6] = {1.0f, -2.5f, 3.0f, 0.0f, 0.5f, 7.0f};
    static const double scale = 0.1;
    static const int32_t steps[2] = {-1, 2147483647};
    static const unsigned char blob[3] = {9, 8, 7};
    const hn_file_tensor tensors[] = {
        {"scale", HN_DTYPE_F64, HN_SCALAR(), &scale},
        {"layers.0.weight", HN_DTYPE_F32, HN_SHAPE2(2, 3), weights},
        {"steps", HN_DTYPE_I32, HN_SHAPE2(2, 1), steps},
        {"blob", HN_DTYPE_U8, HN_SHAPE1(3), blob},
    };
    const hn_file_text texts[] = {{"step", "12"}, {"text", "caf\xc3\xa9 \"x\"\n"}};
    const hn_safetensors_content content = {tensors, 4, texts, 2};
    assert_int_equal(hn_safetensors_write(context, path, &content), HN_OK);
}

static void check_theirs(hn_context *context, const char *path)
{
    hn_safetensors *file;
    if (hn_safetensors_open(context, path, &file) != HN_OK) fail_msg("%s", hn_context_error(context)->text);
    assert_int_equal(hn_safetensors_count(file), 3);
    const double *values = hn_safetensors_find(file, "a")->data;
    assert_true(hn_shape_equal(hn_safetensors_find(file, "a")->shape, HN_SHAPE2(1, 2)));
    assert_close(values[0], 1.5, 0, 0);
    assert_close(values[1], -2.0, 0, 0);
    assert_memory_equal(hn_safetensors_find(file, "b")->data, "\0\1\2", 3);
    assert_int_equal(hn_safetensors_find(file, "h")->dtype, HN_DTYPE_F16);
    assert_string_equal(hn_safetensors_text(file, "key"), "value");
    hn_safetensors_close(file);
}

static bool is_left_out;

static void python_reads_ours_and_we_read_its(void **state)
{
    (void)state;
    hn_context *context;
    char *folder = test_folder_create(), arguments[600];
    char *ours = test_path_join(folder, "ours.safetensors"), *theirs = test_path_join(folder, "theirs.safetensors");
    char *probe = test_path_join(folder, "probe.py"), *script = test_path_join(folder, "check.py");
    static const char probe_script[] = "import safetensors, numpy\n";
    test_file_write(probe, probe_script, sizeof probe_script - 1);
    test_file_write(script, check_script, sizeof check_script - 1);
    bool is_there = run_python(probe, "2>/dev/null") == 0;
    if (is_there) {
        assert_int_equal(hn_context_create(NULL, &context), HN_OK);
        write_ours(context, ours);
        (void)snprintf(arguments, sizeof arguments, "'%s' '%s'", ours, theirs);
        assert_int_equal(run_python(script, arguments), 0);
        check_theirs(context, theirs);
        assert_int_equal(hn_context_memory(context), 0);
        hn_context_destroy(context);
    }
    free(ours);
    free(theirs);
    free(probe);
    free(script);
    test_folder_remove(folder);
    is_left_out = !is_there;
    if (!is_there) {
        (void)fprintf(stderr, "SKIPPED: this test needs Python with the packages safetensors and numpy\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(python_reads_ours_and_we_read_its)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    return is_left_out ? 77 : failures != 0; /* 77: ctest lists it as left out */
}
