import gc
import os
import signal
import subprocess
import sys
import threading
import time
import weakref

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from nnlite import config
from nnlite.kernels import parallel

BIG = 1e6  # microseconds of work: enough to be worth threads


@pytest.fixture(autouse=True)
def two_threads():
    config.set_num_threads(2)
    yield
    config.set_num_threads(None)


def blas_threads():
    return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]


def test_parts_cover_the_range_in_order():
    for n in (0, 1, 2, 3, 7, 100):
        for align in (1, 4):
            parts = parallel.parts(n, BIG, align)
            assert [i for start, stop in parts for i in range(start, stop)] == list(range(n))
            assert all(start % align == 0 for start, _ in parts)
    assert parallel.parts(10, BIG) == [(0, 5), (5, 10)]
    assert parallel.parts(10, 1.0) == [(0, 10)]


def test_the_caller_may_have_a_little_more_to_do():
    assert parallel.parts(1000, 1000.0, lead=80.0) == [(0, 540), (540, 1000)]
    assert parallel.parts(1000, 600.0, lead=80.0) == [(0, 562), (562, 1000)]
    config.set_num_threads(4)
    assert [stop - start for start, stop in parallel.parts(1000, 1000.0, lead=80.0)] == [310, 230, 230, 230]
    for threads in range(1, 40):  # none is empty
        config.set_num_threads(threads)
        for n in range(1, 80):
            parts = parallel.parts(n, 501.0, lead=80.0)
            assert [i for start, stop in parts for i in range(start, stop)] == list(range(n))
            assert all(start < stop for start, stop in parts)


def test_results_come_in_order_and_both_threads_work():
    names = set()

    def task(start, stop):
        names.add(threading.current_thread().name)
        time.sleep(0.02)
        return start, stop

    assert parallel.run(task, 10, BIG) == [(0, 5), (5, 10)]
    assert len(names) == 2


def test_nested_runs_stay_on_their_thread():
    def inner(start, stop):
        return threading.current_thread().name, stop - start

    def outer(start, stop):
        return parallel.run(inner, 8, BIG)

    for result in parallel.run(outer, 2, BIG):
        assert len(result) == 1 and result[0][1] == 8
    assert parallel.threads() == 2


def test_all_parts_finish_before_an_exception_leaves():
    finished = []

    def task(start, stop):
        if start == 0:
            raise ValueError("first")
        time.sleep(0.05)
        finished.append(start)

    with pytest.raises(ValueError, match="first"):
        parallel.run(task, 2, BIG)
    assert finished == [1]
    assert parallel.run(lambda a, b: b, 2, BIG) == [1, 2]


def test_the_caller_does_what_no_worker_is_free_for():
    """Two user threads share the one worker: neither waits for the other's long part."""
    started, release = threading.Event(), threading.Event()

    def long(start, stop):
        if start == 0:
            started.wait(10)
        else:
            started.set()
            release.wait(10)

    other = threading.Thread(target=lambda: parallel.run(long, 2, BIG))
    other.start()
    assert started.wait(10)  # the worker is busy until released
    assert parallel.run(lambda start, stop: start, 2, BIG) == [0, 1]
    assert other.is_alive()
    release.set()
    other.join(10)
    assert not other.is_alive()


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs timers of the system")
def test_an_interrupt_waits_for_the_other_parts():
    finished, started = [], threading.Event()

    def task(start, stop):
        if start == 0:
            started.wait(10)
            return
        started.set()
        time.sleep(0.2)
        finished.append(start)

    before = signal.signal(signal.SIGALRM, lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(KeyboardInterrupt):
            parallel.run(task, 2, BIG)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert finished == [1]


def test_finished_work_is_not_kept_alive():
    array = np.zeros(3)
    kept = weakref.ref(array)
    parallel.run(lambda start, stop, array=array: array[start:stop], 2, BIG)
    del array
    parallel.run(lambda start, stop: None, 2, BIG)
    gc.collect()
    assert kept() is None


def test_blas_is_pinned_inside_and_given_back():
    before = blas_threads()
    with parallel.blas_pinned():
        assert set(blas_threads()) == {1}
        with parallel.blas_pinned():
            assert set(blas_threads()) == {1}
        assert set(blas_threads()) == {1}
    assert blas_threads() == before


def test_the_users_own_limit_is_given_back():
    with threadpool_limits(2, user_api="blas"):
        with parallel.blas_pinned():
            pass
        assert set(blas_threads()) == {2}


def test_the_guard_is_counted_over_threads():
    before, seen = blas_threads(), []
    entered, leave = threading.Event(), threading.Event()

    def other():
        with parallel.blas_pinned():
            entered.set()
            leave.wait()
            seen.append(blas_threads())

    worker = threading.Thread(target=other)
    with parallel.blas_pinned():
        worker.start()
        entered.wait()
    assert set(blas_threads()) == {1}, "still pinned for the other thread"
    leave.set()
    worker.join()
    assert set(seen[0]) == {1} and blas_threads() == before


def test_libraries_loaded_later_are_found():
    code = (
        "import numpy as np; from nnlite.kernels import parallel;"
        "from threadpoolctl import threadpool_info as info\n"
        "with parallel.blas_pinned(): pass\n"
        "import scipy.linalg\n"
        "with parallel.blas_pinned():\n"
        "    n = [i['num_threads'] for i in info() if i['user_api'] == 'blas']\n"
        "assert len(n) >= 2 and set(n) == {1}, n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is not there on this system")
def test_the_pool_survives_a_fork():
    code = """
import os, warnings
warnings.simplefilter("ignore")
from nnlite import config
from nnlite.kernels import parallel
config.set_num_threads(2)
assert parallel.run(lambda a, b: (a, b), 4, 1e6) == [(0, 2), (2, 4)]
pid = os.fork()
if pid == 0:
    ok = parallel.run(lambda a, b: (a, b), 4, 1e6) == [(0, 2), (2, 4)]
    os._exit(0 if ok else 3)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_user_threads_may_run_at_the_same_time():
    results = []

    def work():
        a = np.random.default_rng(0).random((200, 100))
        for _ in range(20):
            out = np.empty((200, 200))
            parallel.run(lambda s, e, out=out: np.matmul(a[s:e], a.T, out=out[s:e]), 200, BIG)
            results.append(np.allclose(out, a @ a.T))

    workers = [threading.Thread(target=work) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(results) == 120 and all(results)


def test_number_of_threads():
    assert config.get_num_threads() == 2
    with pytest.raises(ValueError, match="at least 1"):
        config.set_num_threads(0)
    config.set_num_threads(None)
    assert 1 <= config.get_num_threads() <= (os.cpu_count() or 1)
    code = "from nnlite import config; print(config.get_num_threads())"
    for value, expected in (("3", "3"), ("", str(config.get_num_threads()))):
        env = {**os.environ, "NNLITE_NUM_THREADS": value}
        out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        assert out.stdout.strip() == expected
    env = {**os.environ, "NNLITE_NUM_THREADS": "many"}
    failed = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert "NNLITE_NUM_THREADS: got 'many'" in failed.stderr


def test_affinity_counts():
    if not hasattr(os, "sched_setaffinity"):
        return
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from nnlite import config; print(config.get_num_threads())"
    )
    env = {k: v for k, v in os.environ.items() if k != "NNLITE_NUM_THREADS"}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "1"
