"""The threads that run programs: a pool of the process, compiled once.

Between two programs a thread waits busily for a moment, then gives its turn away, then sleeps. A
program that is started while another runs waits for it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from functools import cache, partial
from typing import Any

from .blas import blas
from .toolchain import library

MOST = 64  # threads
SOURCE = """
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define PAUSE() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define PAUSE() __asm__ volatile("yield")
#else
#define PAUSE() ((void)0)
#endif
#define LOAD(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define STORE(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELEASE)
#define BUSY 4000    /* turns of waiting before a thread gives its turn away */
#define AWAKE 20000  /* and before it sleeps */
#define STACK (8 << 20)  /* bytes, for what rows keep: systems give 128 KB to 8 MB */

typedef void (*program_t)(int64_t thread, int64_t threads, void **table);

static pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t sleeping = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int64_t made = 1, asleep, round_, waiting, generation, done, born[%d];
static program_t program;
static void (*set_blas)(int);
static int (*get_blas)(void);
static void **table;
static int64_t threads;

void setup(void *set, void *get)
{
    set_blas = (void (*)(int))set;
    get_blas = (int (*)(void))get;
}

void barrier(int64_t n)
{
    const int64_t mine = LOAD(generation);
    if (__atomic_add_fetch(&waiting, 1, __ATOMIC_ACQ_REL) == n) {
        STORE(waiting, 0);
        STORE(generation, mine + 1);
        return;
    }
    for (int64_t turn = 0; LOAD(generation) == mine; turn++) {
        PAUSE();
        if (turn > BUSY) sched_yield();
    }
}

/* the time since the last stamp, at[0], added to an entry; to none if that is negative */
void stamp(int64_t *at, int64_t entry)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t nanoseconds = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (entry >= 0) at[1 + entry] += nanoseconds - at[0];
    at[0] = nanoseconds;
}

static void await_round(int64_t seen)
{
    for (int64_t turn = 0; LOAD(round_) == seen; turn++) {
        PAUSE();
        if (turn > BUSY) sched_yield();
        if (turn < AWAKE) continue;
        pthread_mutex_lock(&sleeping);
        __atomic_add_fetch(&asleep, 1, __ATOMIC_SEQ_CST);
        while (__atomic_load_n(&round_, __ATOMIC_SEQ_CST) == seen)
            pthread_cond_wait(&wake, &sleeping);
        __atomic_add_fetch(&asleep, -1, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&sleeping);
    }
}

static void *worker(void *argument)
{
    const int64_t me = (int64_t)(intptr_t)argument;
    for (int64_t seen = born[me];; seen++) {
        await_round(seen);
        if (me < threads) program(me, threads, table);
        __atomic_add_fetch(&done, 1, __ATOMIC_ACQ_REL);
    }
    return 0;
}

/* a child process has none of its parent's threads */
static void forget(void)
{
    made = 1;
    asleep = waiting = done = 0;
    pthread_mutex_init(&running, 0);
    pthread_mutex_init(&sleeping, 0);
    pthread_cond_init(&wake, 0);
}

static void grow(int64_t n)
{
    static int registered;
    if (!registered) pthread_atfork(0, 0, forget);
    registered = 1;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    for (; made < n; made++) {
        pthread_t thread;
        born[made] = round_;
        if (pthread_create(&thread, &attributes, worker, (void *)(intptr_t)made)) break;
    }
    pthread_attr_destroy(&attributes);
}

static void together(program_t what, void **with, int64_t n)
{
    pthread_mutex_lock(&running);
    grow(n);
    program = what;
    table = with;
    threads = n < made ? n : made;
    STORE(done, 0);
    __atomic_add_fetch(&round_, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&asleep, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&sleeping);
        pthread_cond_broadcast(&wake);
        pthread_mutex_unlock(&sleeping);
    }
    what(0, threads, with);
    for (int64_t turn = 0; LOAD(done) < made - 1; turn++) {
        PAUSE();
        if (turn > BUSY) sched_yield();
    }
    pthread_mutex_unlock(&running);
}

/* a program, its table, and how many threads are to run it */
struct job { program_t program; void **table; int64_t threads; };

void run(const struct job *job)
{
    const int blas = get_blas ? get_blas() : 0;
    if (blas > 1) set_blas(1);
    if (job->threads == 1) job->program(0, 1, job->table);
    else together(job->program, job->table, job->threads);
    if (blas > 1) set_blas(blas);
}
"""


UNIT = SOURCE % MOST, ("-pthread",)


class Job(ctypes.Structure):
    """What `run` takes."""

    _fields_ = (
        ("program", ctypes.c_void_p),
        ("table", ctypes.c_void_p),
        ("threads", ctypes.c_int64),
    )


class Runtime:
    """The pool, and what it lends to programs."""

    def __init__(self) -> None:
        self.library = library(*UNIT)
        found = blas()
        if found is not None:
            self.library.setup(*map(ctypes.c_void_p, found.threads))
        # this one keeps the GIL: to get it back takes longer than many a program
        self.brief = ctypes.PyDLL(self.library._name, handle=self.library._handle)
        self.library.run.restype = self.brief.run.restype = None
        self.barrier_at = address(self.library.barrier)
        self.stamp_at = address(self.library.stamp)

    def job(self, program: Any, table: Any, threads: int, brief: bool) -> Callable[[], None]:
        """A call of a program as a function without arguments.

        Args:
            program: The function of a library.
            table: The addresses that it works with.
            threads: How many are to run it.
            brief: Whether Python's other threads may wait until it is done.
        """
        job = Job(address(program), ctypes.addressof(table), threads)
        run = self.brief.run if brief else self.library.run
        return partial(run, ctypes.byref(job))  # ctypes takes long over each argument


@cache
def runtime() -> Runtime:
    """The runtime of this process.

    Raises:
        NoCompiler: There is no C compiler that works.
    """
    return Runtime()


def address(function: Any) -> int:
    """Where a function is."""
    return ctypes.cast(function, ctypes.c_void_p).value or 0


def most_threads() -> int:
    """How many threads may work at once: as OMP_NUM_THREADS says, or one for each processor."""
    return min(MOST, allowed())


def allowed() -> int:
    """How many threads this process may use."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        asked = os.environ.get(name, "").split(",")[0]
        if asked.isdigit() and int(asked):
            return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
