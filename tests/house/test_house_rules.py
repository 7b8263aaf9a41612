"""Runs the checks of rules.py on this tree; each is also shown a bad tree, since a check that cannot fail is worth nothing."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).parent))
import rules

ROOT = Path(os.environ.get("HYPERNET_SOURCE_DIR", Path(__file__).parents[2]))


class ThisTree(unittest.TestCase):
    def test_every_rule(self):
        for check in rules.CHECKS:
            with self.subTest(rule=check.__doc__):
                complaints = check(ROOT)
                self.assertFalse(complaints, "\n" + "\n".join(complaints))


class MadeUpTrees(unittest.TestCase):
    """Each test writes a small tree and says which complaints it must, and must not, draw."""

    def complaints(self, check, files):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            for name, text in files.items():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).write_text(text, encoding="utf-8")
            return check(root)

    def assert_bad(self, check, name, text, **others):
        files = {name: text, **others.get("beside", {})}
        found = self.complaints(check, files)
        self.assertEqual(len(found), 1, f"{text!r} drew {found}")
        self.assertTrue(found[0].startswith(name + ":"), found[0])

    def assert_good(self, check, name, text, **others):
        self.assertEqual(self.complaints(check, {name: text, **others.get("beside", {})}), [])

    def test_includes(self):
        headers = {f"src/{m}/a.h": "" for m in rules.LIBRARY}
        headers.update({f"src/app/{m}/a.h": "" for m in ("recipe", "data", "plot", "tasks", "train", "report")})
        headers.update({f"include/hypernet/{m}.h": "" for m in ("core", "graph", "nn", "hypernet")})
        bad = [("src/core/b.c", "tensor/a.h"), ("src/ops/b.c", "graph/a.h"), ("src/kernels/cpu/b.c", "ops/a.h"),
               ("src/io/b.c", "kernels/a.h"), ("src/io/b.c", "params/a.h"), ("src/graph/b.c", "io/a.h"),
               ("src/app/recipe/b.c", "nn/a.h"), ("src/app/recipe/b.c", "tensor/a.h"),
               ("src/app/data/b.c", "app/plot/a.h"), ("src/app/plot/b.c", "app/data/a.h"),
               ("src/app/tasks/b.c", "app/train/a.h"), ("src/app/train/b.c", "app/report/a.h"),
               ("src/ops/b.c", "hypernet/graph.h"), ("src/optim/b.c", "hypernet/hypernet.h"),
               ("include/hypernet/io.h", "hypernet/graph.h"), ("src/core/b.c", "nowhere/a.h")]
        for name, header in bad:
            self.assert_bad(rules.check_includes, name, f'#include "{header}"\n', beside=headers)
        self.assert_bad(rules.check_includes, "src/ops/b.c", "#include <hypernet/nn.h>\n", beside=headers)
        self.assert_bad(rules.check_includes, "src/odd/b.c", "")
        good = [("src/tensor/b.c", "core/a.h"), ("src/params/b.c", "io/a.h"), ("src/nn/b.c", "optim/a.h"),
                ("src/io/b.c", "tensor/a.h"), ("src/app/recipe/b.c", "io/a.h"), ("src/app/data/b.c", "app/recipe/a.h"),
                ("cli/main.c", "app/report/a.h"), ("src/ops/b.c", "a.h"), ("include/hypernet/hypernet.h", "hypernet/nn.h"),
                ("src/app/train/b.c", "hypernet/hypernet.h")]
        for name, header in good:
            self.assert_good(rules.check_includes, name, f'#include "{header}"\n', beside=headers)

    def test_outside_headers(self):
        for name, header in (("src/ops/b.c", "dnnl.h"), ("src/ops/b.c", "omp.h"), ("src/kernels/generic/b.c", "immintrin.h"),
                             ("src/app/data/b.c", "yaml.h"), ("src/app/train/b.c", "cairo.h"), ("src/core/b.c", "jansson.h")):
            self.assert_bad(rules.check_outside_headers, name, f"#include <{header}>\n")
        for name, header in (("src/kernels/cpu/b.c", "dnnl.h"), ("src/core/parallel.c", "omp.h"), ("src/io/b.c", "jansson.h")):
            self.assert_good(rules.check_outside_headers, name, f"#include <{header}>\n")

    def test_allocation(self):
        for text in ("p = malloc(3);", "free(p);", "x = (T *)calloc (1, 2);", "return strdup(s);"):
            self.assert_bad(rules.check_allocation, "src/app/data/b.c", text)
            self.assert_bad(rules.check_allocation, "src/nn/b.c", text)
            self.assert_good(rules.check_allocation, "src/core/alloc.c", text)
        for text in ("/* malloc( */", "hni_free(p);", "a->free(p);", "a.free(p);", 's = "free(x)";', "// free(p)"):
            self.assert_good(rules.check_allocation, "src/nn/b.c", text)

    def test_no_printing(self):
        for text in ('printf("x");', 'fprintf(stderr, "x");', "exit(1);", "abort();", "puts(s);", "signal(2, f);"):
            self.assert_bad(rules.check_no_printing, "src/kernels/cpu/b.c", text)
        self.assert_bad(rules.check_no_printing, "src/app/train/b.c", "exit(1);")
        for text in ('snprintf(s, 3, "x");', "/* exit(1) */", "assert(x);", "vsnprintf(s, 3, f, a);", "on_exit_key(1);"):
            self.assert_good(rules.check_no_printing, "src/core/b.c", text)
        self.assert_good(rules.check_no_printing, "src/app/plot/b.c", 'fprintf(file, "x");')
        self.assert_bad(rules.check_no_printing, "src/core/b.c", "omp_set_num_threads(2);")
        self.assert_good(rules.check_no_printing, "src/kernels/cpu/b.c", "omp_set_num_threads(2);")

    def test_threads_and_intrinsics(self):
        for text in ("#pragma omp parallel for\n", "  #  pragma omp simd\n", '_Pragma("omp simd")\n',
                     "x = _mm256_add_ps(a, b);\n", 'if (__builtin_cpu_supports("avx2")) {}\n'):
            self.assert_bad(rules.check_threads_and_intrinsics, "src/kernels/generic/b.c", text)
            self.assert_good(rules.check_threads_and_intrinsics, "src/kernels/cpu/b.c", text)
        self.assert_good(rules.check_threads_and_intrinsics, "src/core/parallel.c", "#pragma omp parallel\n")

    def test_train_names_no_task(self):
        beside = {"src/app/tasks/text.c": "", "src/app/tasks/task.h": ""}
        for text in ('if (is(name, "text"))', '#include "app/tasks/text.h"', "use(&hni_text_task);", "hni_text_open(x);"):
            self.assert_bad(rules.check_train_names_no_task, "src/app/train/b.c", text, beside=beside)
        for text in ("record->text = text;", '#include "app/tasks/task.h"', "const hni_task *task;"):
            self.assert_good(rules.check_train_names_no_task, "src/app/train/b.c", text, beside=beside)

    def test_arguments_and_type_names(self):
        name = "include/hypernet/graph.h"
        self.assert_bad(rules.check_arguments, name, "HN_API int hn_f(int a, int b, int c, int d, int e, int f,\n int g);")
        self.assert_good(rules.check_arguments, name, "HN_API int hn_f(int a, int b, int c, int d, int (*e)(int, int), int f);")
        self.assert_bad(rules.check_type_names, name, "typedef struct x { int a; } x_t;")
        self.assert_bad(rules.check_type_names, name, "typedef int number_t;")
        self.assert_good(rules.check_type_names, name, "typedef struct x { int64_t a; } x; uint8_t b;")

    def test_length_and_left_overs(self):
        self.assert_bad(rules.check_length, "src/core/b.c", "int x;\n" * 501)
        self.assert_good(rules.check_length, "src/core/b.c", "int x;\n" * 500)
        for text in ("cd /ho" "me/someone/project", "see /wo" "rk/main", "int x; // TO" "DO: more", "int x; "):
            self.assert_bad(rules.check_left_overs, "src/core/b.c", text)
        for text in ("~/.local/share/x", "the work/home/root of it", "/* https://a.org/home/x */", '"/tmp/x-' + "X" * 6):
            self.assert_good(rules.check_left_overs, "src/core/b.c", text)
        for text in ("<<<<<" "<< HEAD", ">>>>>" ">> 1234 (x)"):
            self.assert_bad(rules.check_left_overs, "CHANGELOG.md", text)


if __name__ == "__main__":
    unittest.main()
