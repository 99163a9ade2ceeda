"""Configuration: blocks, defaults, threads."""

import threading

import numpy as np
import pytest

import dezero
from dezero import Config, Variable, no_grad, using_config


def test_no_grad():
    x = Variable(np.ones(3))
    with no_grad():
        assert not Config.enable_backprop
        assert (x * 2).creator is None
    assert Config.enable_backprop
    assert (x * 2).creator is not None


def test_test_mode():
    with dezero.test_mode():
        assert not Config.train
    assert Config.train


def test_setting_by_hand():
    Config.train = False
    try:
        assert not Config.train
    finally:
        Config.train = True


def test_restored_after_an_error():
    with pytest.raises(KeyError), using_config("train", False):
        raise KeyError
    assert Config.train


def test_as_a_decorator():
    @no_grad()
    def predict(x):
        return x * 2

    x = Variable(np.ones(3))
    assert predict(x).creator is None
    assert predict(x).creator is None


@pytest.mark.parametrize("use", [lambda: Config.typo, lambda: using_config("typo", 1).__enter__()])
def test_unknown_setting(use):
    with pytest.raises(AttributeError, match=r"'typo'.*enable_backprop"):
        use()


def test_threads_do_not_disturb_each_other():
    barrier = threading.Barrier(2)
    results = {}

    def train(name, record):
        x = Variable(np.ones(3))
        with using_config("enable_backprop", record), using_config("train", record):
            for _ in range(200):
                barrier.wait()
                y = x * 2
                x.data = x.data + 0.0
                barrier.wait()
                results.setdefault(name, set()).add((y.creator is not None, Config.train))

    threads = [threading.Thread(target=train, args=a) for a in (("on", True), ("off", False))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"on": {(True, True)}, "off": {(False, False)}}


def test_new_threads_start_from_the_defaults():
    seen = []
    with no_grad():
        thread = threading.Thread(target=lambda: seen.append(Config.enable_backprop))
        thread.start()
        thread.join()
    assert seen == [True]
