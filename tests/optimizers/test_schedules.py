"""Schedules: the learning rate of each update."""

import numpy as np
import pytest

import dezero.optimizers as O
from dezero import Parameter, Variable
from dezero.errors import DTypeError, ShapeError


class Target:
    """One Parameter whose gradient is 1."""

    def __init__(self):
        self.p = Parameter(np.zeros(()))
        self.p.grad = Variable(np.ones(()))

    def params(self):
        return [self.p]


def test_warmup_and_cosine():
    rate = O.WarmupCosine(O.SGD(), peak=2.0, warmup=4, total=12, floor=0.1).rate
    assert [rate(t) for t in range(5)] == pytest.approx([0.5, 1.0, 1.5, 2.0, 2.0])
    t = np.arange(4, 13)
    cosine = 0.2 + 1.8 * (1 + np.cos(np.pi * (t - 4) / 8)) / 2
    assert [rate(int(i)) for i in t] == pytest.approx(cosine)
    assert rate(12) == rate(1000) == pytest.approx(0.2)


def test_without_warmup():
    rate = O.WarmupCosine(O.SGD(), peak=1.0, warmup=0, total=2).rate
    assert [rate(0), rate(1), rate(2)] == pytest.approx([1.0, 0.5, 0.0])


def test_step_decay():
    rate = O.StepDecay(O.SGD(), peak=1.0, every=3, decay=0.5).rate
    assert [rate(t) for t in range(7)] == [1, 1, 1, 0.5, 0.5, 0.5, 0.25]


@pytest.mark.parametrize("kind, name", [(O.SGD, "lr"), (O.Adam, "alpha"), (O.AdaGrad, "lr")])
def test_the_rate_is_set_before_each_update(kind, name):
    optimizer = kind().setup(Target())
    schedule = O.StepDecay(optimizer, peak=0.5, every=1, decay=0.5)
    optimizer.add_hook(schedule)
    seen = []
    for _ in range(3):
        optimizer.update()
        seen.append(getattr(optimizer, name))
    assert seen == [0.5, 0.25, 0.125]


def test_the_path_under_a_schedule():
    target = Target()
    optimizer = O.SGD().setup(target)
    optimizer.add_hook(O.StepDecay(optimizer, peak=1.0, every=1, decay=0.5))
    for _ in range(3):
        optimizer.update()
    assert target.p.data == -1.75


def test_a_loaded_optimizer_goes_on_in_its_schedule():
    optimizer = O.SGD().setup(Target())
    for _ in range(5):
        optimizer.update()
    again = O.SGD().setup(Target())
    again.add_hook(O.StepDecay(again, peak=1.0, every=1, decay=0.5))
    again.load_state_dict(optimizer.state_dict())
    again.update()
    assert again.lr == 0.5**5


def test_what_has_no_learning_rate():
    with pytest.raises(DTypeError, match="StepDecay: AdaDelta has no learning rate"):
        O.StepDecay(O.AdaDelta(), peak=1.0, every=1)


def test_a_schedule_of_ones_own_needs_factor():
    with pytest.raises(NotImplementedError, match="Schedule has no factor"):
        O.Schedule(O.SGD(), 1.0).rate(0)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda o: O.WarmupCosine(o, 1.0, 5, 5), "warmup is 5 and total is 5"),
        (lambda o: O.WarmupCosine(o, 1.0, -1, 5), "warmup is -1"),
        (lambda o: O.WarmupCosine(o, 1.0, 1, 5, floor=2.0), "floor is 2.0"),
        (lambda o: O.WarmupCosine(o, -1.0, 1, 5), "WarmupCosine: peak is -1.0"),
        (lambda o: O.StepDecay(o, 1.0, every=0), "every is 0"),
        (lambda o: O.StepDecay(o, 1.0, every=1, decay=1.5), "decay is 1.5"),
    ],
)
def test_bad_settings(make, message):
    with pytest.raises(ShapeError, match=message):
        make(O.SGD())
