"""Programs in C that run on another processor, in an emulator, with copies of all their memory.

A program finds everything by its table of addresses. What these point to is written to a file;
a process that has been compiled for the other processor reads it, runs the program and writes
back what memory looks like then. Products that are BLAS's are plain loops there.
"""

import ctypes
import subprocess
import tempfile
from functools import cache, partial
from pathlib import Path

import numpy as np

from dezero.compiler.executors.c import gemm, runtime
from dezero.compiler.executors.c.executor import CExecutor
from dezero.compiler.executors.c.toolchain import FLAGS, WANTED, digest
from dezero.compiler.executors.c.vectors import FLAGS as KERNEL_FLAGS
from dezero.compiler.planning.layout import node_bytes

DRIVER = """
#include <stdio.h>
#include <stdlib.h>
typedef int{bits}_t I;
void link_program(void *, void *, void *, void *, void *);
{declarations}
static void *const functions[] = {{ {functions} }};
{gemm}
static void touch(size_t done) {{ if (!done) exit(3); }}

/* IN OUT FUNCTION THREADS; of a file: how many entries, the size of each or ~ its function */
int main(int count, char **args)
{{
    FILE *in = fopen(args[1], "rb"), *out = fopen(args[2], "wb");
    int64_t n;
    touch(fread(&n, sizeof n, 1, in));
    int64_t *sizes = malloc(n * sizeof *sizes);
    void **table = malloc(n * sizeof *table);
    touch(fread(sizes, sizeof *sizes, n, in));
    for (int64_t k = 0; k < n; k++)
        if (sizes[k] < 0) table[k] = functions[~sizes[k]];
        else {{
            if (posix_memalign(&table[k], 64, sizes[k])) exit(4);
            if (sizes[k]) touch(fread(table[k], sizes[k], 1, in));
        }}
    link_program(gemm_float, gemm_double, {multiply}, barrier);
    run(&(struct job){{(program_t)functions[atoi(args[3])], table, atoi(args[4])}});
    for (int64_t k = 0; k < n; k++)
        if (sizes[k] > 0) touch(fwrite(table[k], sizes[k], 1, out));
    return fclose(out);
}}
"""
GEMM = """
static void gemm_{0}(int order, int a_is, int b_is, I m, I n, I k, {0} alpha,
    const {0} *a, I lda, const {0} *b, I ldb, {0} beta, {0} *c, I ldc)
{{
    for (I i = 0; i < m; i++)
        for (I j = 0; j < n; j++) {{
            double sum = 0;
            for (I t = 0; t < k; t++)
                sum += (double)(a_is == 111 ? a[i * lda + t] : a[t * lda + i])
                    * (b_is == 111 ? b[t * ldb + j] : b[j * ldb + t]);
            c[i * ldc + j] = ({0})(alpha * sum + (beta ? beta * c[i * ldc + j] : 0));
        }}
}}
"""


@cache
def directory():
    """Where everything is compiled."""
    return tempfile.TemporaryDirectory(prefix="dezero-emulated-")


def path_of(name):
    """The path of a file."""
    return Path(directory().name) / name


@cache
def compiled(compiler, source, *flags):
    """The object file of a source."""
    common = [flag for flag in FLAGS if flag not in ("-shared", "-fPIC")]
    command = [*compiler, *common, *WANTED, *flags]
    path = path_of(f"{digest(*command, source)}.o")
    path.with_suffix(".c").write_text(source)
    subprocess.run([*command, "-c", path.with_suffix(".c"), "-o", path], check=True)
    return path


class Emulated(CExecutor):
    """Runs its C on another processor.

    Attributes:
        compiler: The command of its C compiler.
        emulator: The command that runs a program.
    """

    compiler = ()
    emulator = ()

    def build(self):
        """Make the program for the other processor as well."""
        super().build()
        stages = [name for kernel in self.kernels.found.values() for name in kernel.stages]
        bodies = [call for call in self.calls_in_order if isinstance(call, str)]
        self.functions = list(dict.fromkeys([*bodies, *stages]))
        self.program = self.made() if bodies else None

    def linked(self, table):
        """The calls as functions without arguments."""
        stages = []
        for call in self.calls_in_order:
            if isinstance(call, str):
                stages.append(partial(self.emulate, table, call))
            else:
                stages += [partial(f, *args, out=out) for f, args, out in self.nest_steps(call)]
        return stages

    def made(self):
        """The path of the program."""
        products = sorted(self.writer.multiplied)
        names = [*self.functions, *[f"multiply_{kind}" for kind in products]]
        own = [f"multiply_{kind}" if kind in products else "0" for kind in ("float", "double")]
        driver = DRIVER.format(
            bits=self.blas.bits if self.blas else 64,
            declarations="".join(f"void {name}();\n" for name in names),
            functions=", ".join(self.functions),
            gemm=GEMM.format("float") + GEMM.format("double"),
            multiply=", ".join(own),
        )
        units = [(runtime.SOURCE % runtime.MOST + driver,)]
        units += [(self.source, *self.kernels.flags(), "-Dsetup=link_program")]
        units += [(text, *KERNEL_FLAGS) for text in map(gemm.source, products)]
        units += [(text, *KERNEL_FLAGS) for text in self.kernels.sources()]
        objects = [compiled(self.compiler, *unit) for unit in units]
        path = path_of(digest(*self.compiler, *map(str, objects)))
        link = [*self.compiler, "-static", "-pthread", *objects, "-lm", "-o", path]
        subprocess.run(link, check=True)
        return path

    def emulate(self, table, name):
        """Run one of the functions."""
        entries = self.entries(table)
        memory = [entry for entry in entries if not isinstance(entry, str)]
        sizes = [~self.functions.index(e) if isinstance(e, str) else e.size for e in entries]
        function = self.functions.index(name)
        given, got = path_of("in"), path_of("out")
        numbers = np.array([len(sizes), *sizes], np.int64)
        given.write_bytes(b"".join([numbers.tobytes(), *[block.tobytes() for block in memory]]))
        call = [*self.emulator, self.program, given, got, str(function), str(self.threads)]
        subprocess.run(call, check=True)
        content = np.frombuffer(got.read_bytes(), np.uint8)
        ends = np.cumsum([block.size for block in memory])
        for block, new in zip(memory, np.split(content, ends[:-1]), strict=True):
            if not np.array_equal(block, new):  # what is not written may not be writable
                block[:] = new

    def entries(self, table):
        """What the table points to: memory, as arrays of bytes, and functions, by name."""
        found = [block(table[0], self.schedule.memory.arena), block(table[1], 16)]
        for k, key in enumerate(self.writer.table, start=len(found)):
            if isinstance(key, str):
                found.append(key if key in self.functions else block(table[k], 8))
            else:
                node = self.nodes[key if key >= 0 else self.guards[-1 - key].node]
                found.append(block(table[k], node_bytes(node)))
        return found


def block(start, size):
    """The memory from an address on."""
    memory = (ctypes.c_uint8 * size).from_address(start) if size else np.empty(0)
    return np.frombuffer(memory, np.uint8)
