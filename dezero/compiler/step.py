"""The compiled step: when it runs eagerly, when it is traced, and when a path is replayed."""

from __future__ import annotations

import functools
import sys
import warnings
from collections.abc import Callable
from copy import deepcopy
from threading import RLock
from types import MethodType
from typing import Any

from ..arrays import random
from ..core.config import SETTINGS
from ..errors import CompileError
from .executors.numpy import Executor
from .outline import Outline, outline
from .path import FAILED, CompileWarning, Path, confirmed, key_of
from .profile import Profile
from .profiling import profiled
from .report import report
from .state.places import Place, lift, walk
from .state.snapshot import Snapshot
from .trace import Trace, trace, tracing

ONCE = 2  # traces in a row may draw other random numbers: layers that make their weights
LIMIT = 32  # paths that are kept; traces in a row that no second one confirms
recording, training = SETTINGS["enable_backprop"].get, SETTINGS["train"].get


def numbers_in(places: list[Place]) -> dict[str, Any]:
    """Every number among places, by its path."""
    return {p.label: p.value for p in places if type(p.value) in (int, float)}


def method_of(instance: Any, name: str) -> Any:
    """A method of an object that may not have its attributes yet."""
    return getattr(type(instance), name).__get__(instance, type(instance))


class Step:
    """What `dezero.compile` returns: called as the function is, it means the same.

    Attributes:
        function: What was compiled.
        paths: The compiled ways through it.
        refused: Why it runs eagerly for good, or None.
    """

    _followed = ("function",)  # where another step that calls this one finds its state

    def __init__(self, function: Callable[..., Any], kind: type[Executor]) -> None:
        functools.update_wrapper(self, function)
        self.function = function
        self.kind = kind
        self.paths: dict[tuple[bool, bool], list[Path]] = {}  # by the configuration
        self.waiting: dict[Any, Trace] = {}  # traces that have not been confirmed
        self.lifted: set[str] = set()
        self.numbers: dict[str, Any] | None = None  # as the last call left them
        self.refused: str | None = None
        self.attempts = 0
        self.foreign = 0  # traces in a row that drew random numbers which are not ours
        self.beyond = 0  # calls that went other ways than those that are kept
        self.renewed = 0
        self.replaced: dict[Any, set[int]] = {}  # by key: places where others have been seen
        self.lock = RLock()

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """A compiled method: one step for each object, also for one that is copied."""
        if instance is None:
            return self
        held = vars(instance).get(self.function.__name__)
        method = getattr(held, "function", None)
        ours = isinstance(method, MethodType) and method.__func__ is self.function
        if held is None or (ours and getattr(method, "__self__", None) is not instance):
            held = Step(self.function.__get__(instance, owner), self.kind)
            vars(instance)[self.function.__name__] = held
        return held

    def __set__(self, instance: Any, value: Any) -> None:
        """Replace the method of one object."""
        vars(instance)[self.function.__name__] = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Step:
        """A step that learns its paths anew."""
        return Step(deepcopy(self.function, memo), self.kind)

    def __reduce__(self) -> Any:
        """A step is pickled as its function is, which has to be found by its name."""
        if isinstance(self.function, MethodType):
            return method_of, (self.function.__self__, self.function.__name__)
        name = getattr(self.function, "__name__", "")
        module = sys.modules.get(getattr(self.function, "__module__", ""))
        if getattr(module, name, None) is self:
            return name
        return Step, (self.function, self.kind)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result, and its effects."""
        if self.refused is not None or tracing.get():  # a step inside a traced one is part of it
            return self.function(*args, **kwargs)
        with self.lock:
            failed: tuple[Path, ...] = ()
            for path in self.paths.get((recording(), training()), ()):
                values = path.fetch(args, kwargs)
                if values is not None:
                    result = path.run(values)
                    if result is not FAILED:
                        if failed:
                            self.prefer(path)
                        return result
                    failed += (path,)
            return self.learn(args, kwargs, failed)

    def prefer(self, path: Path) -> None:
        """Try a path first: each that was tried before it has cost a whole run."""
        for paths in self.paths.values():
            if path in paths:
                paths.remove(path)
                paths.insert(0, path)

    def learn(self, args: Any, kwargs: Any, failed: tuple[Path, ...]) -> Any:
        """A call that no path stands for: eager if it is the first one, else traced.

        Args:
            args: Of the call.
            kwargs: Of the call.
            failed: The paths that have been tried.
        """
        if len(self.all_paths()) >= LIMIT:
            if not self.beyond:
                self.warn(f"it goes more than {LIMIT} ways; those beyond run eagerly")
            self.beyond += 1
            return self.function(*args, **kwargs)
        places = walk(self.function, args, kwargs)
        before = numbers_in(places)
        if self.numbers is None:
            self.kind.expect()
            result = self.eager(places)
        else:
            self.note_changes(self.numbers, before)
            result = self.traced(places, failed)
        self.numbers = numbers_in(walk(self.function, args, kwargs))
        self.note_changes(before, self.numbers)
        return result

    def note_changes(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """A number that changes from step to step is state."""
        for name, value in after.items():
            old = before.get(name, value)
            if type(old) is type(value) and old != value and value == value:
                if name not in self.lifted:
                    self.waiting.clear()  # they took it for a constant
                self.lifted.add(name)

    def eager(self, places: list[Place]) -> Any:
        """The function itself; when it raises, everything is as it was before the call."""
        args, kwargs = places[1].value, places[2].value
        snapshot = Snapshot(places, arrays=True)
        state = random.get_state()
        try:
            return self.function(*args, **kwargs)
        except BaseException:
            snapshot.restore()
            random.set_state(state)
            raise

    def traced(self, places: list[Place], failed: tuple[Path, ...]) -> Any:
        """A real step, traced; where it can't be, this call and all after it run eagerly."""
        lift(places, self.lifted)
        try:
            result, done, reason = trace(self.function, places)
        except Exception as error:
            again = walk(self.function, places[1].value, places[2].value)
            result = self.eager(again)  # raises if the error is the program's own
            self.refuse(f"{type(error).__name__}: {error}")
            return result
        self.foreign = self.foreign + 1 if done.foreign else 0
        if self.foreign > ONCE:
            reason = "it draws random numbers of NumPy or Python: pass them to it, or use F.dropout"
        elif reason is None and not done.foreign:
            reason = self.learned(done, failed)
        if reason is not None:
            self.refuse(reason)
        return result

    def learned(self, done: Trace, failed: tuple[Path, ...]) -> str | None:
        """Keep a trace until a second one confirms it. Why the step can't be compiled, or None."""
        self.attempts += 1
        key = (recording(), training(), key_of(done))
        for path in list(self.paths.get(key[:2], ())):
            if path.key == key[2]:
                if path in failed:
                    return f"a replay did not end as the step did: {path.error}"
                self.paths[key[:2]].remove(path)  # of objects that have been replaced
                self.replaced.setdefault(key, set()).update(path.others(done))
                self.renewed += 1
                if self.renewed > LIMIT:
                    return "its objects are replaced by new ones all the time"
        earlier = self.waiting.pop(key, None)
        if earlier is None:
            self.waiting[key] = done
            if self.attempts > LIMIT:
                return self.unsteady(done)
            return None
        try:
            path = confirmed(done, earlier, self.kind, self.replaced.get(key, set()))
        except CompileError as error:
            if self.numbers is not None and not self.retried(done):
                return str(error)
            return None
        except Exception as error:  # the step has been taken: it must not fail now
            return f"it can't be planned: {type(error).__name__}: {error}"
        self.attempts = 0
        self.paths.setdefault(key[:2], []).insert(0, path)
        return None

    def unsteady(self, done: Trace) -> str:
        """Why no two calls went the same way."""
        never = f"no two of {LIMIT} calls went the same way: "
        structures = {key[2][0] for key in self.waiting}
        if len(structures) == len(self.waiting):
            return never + "what the step reaches is different in each (a list that grows?)"
        lines = ", ".join(sorted({guard.line for guard in [*done.tape.guards, *done.tape.judged]}))
        return f"{never}it looks at values that change ({lines}): return arrays, not numbers"

    def retried(self, done: Trace) -> bool:
        """Whether numbers have begun to change since a trace: then it is to be made again."""
        constants = {p.label for p in done.places if p.kind == "constant"}
        return bool(constants & self.lifted)

    def all_paths(self) -> list[Path]:
        """The compiled ways through the function, of every configuration."""
        return [path for paths in self.paths.values() for path in paths]

    def wait(self) -> None:
        """Return when no path waits for the C compiler any more; never needed for the results.

        >>> import numpy as np
        >>> from dezero.compiler import compile
        >>> step = compile(np.tanh)
        >>> for _ in range(3):
        ...     y = step(np.ones(3))
        >>> step.wait()  # the next call does not run in NumPy if there is a C compiler
        """
        while pending := [job for path in self.all_paths() for job in path.pending]:
            for job in pending:
                job.join()
            with self.lock:
                for path in self.all_paths():
                    path.settle()

    def report(self) -> str:
        """What was compiled, and what was not and why, as text.

        >>> import numpy as np
        >>> from dezero.compiler import compile
        >>> step = compile(np.tanh, executor="numpy")
        >>> for _ in range(4):
        ...     y = step(np.ones(3))
        >>> print(step.report().splitlines()[0])
        tanh: 1 path
        """
        return report(self)

    def outline(self, path: int = 0) -> Outline:
        """What a path is made of: its tape, kernels and memory, as `dezero.viz` draws them.

        It waits for the C compiler if that is at work: NumPy's kernels are others.

        Args:
            path: Its number in the report.

        Raises:
            CompileError: There is no such path (yet).

        >>> import numpy as np
        >>> from dezero.compiler import compile
        >>> step = compile(lambda x: np.tanh(x) * 2, executor="numpy")
        >>> for _ in range(3):
        ...     y = step(np.ones(3))
        >>> [operation.name for operation in step.outline().tape]
        ['x', 'tanh', '2', 'multiply']
        """
        self.wait()
        return outline(self, path)

    def profile(self, *args: Any, **kwargs: Any) -> Profile:
        """Where the time of a call goes: printed, tables of its kernels, lines and kinds of work.

        The call's program runs for half a second, five times at least, with a clock around every
        kernel, on copies of what it would change: parameters, optimizer state, gradients and
        random streams are afterwards what they were. The first profile of a path compiles the
        program once more.

        Args:
            *args: Of a call that is replayed, as it would be made now.
            **kwargs: Of the same call.

        Raises:
            CompileError: The call is not replayed (yet).

        >>> import numpy as np
        >>> from dezero.compiler import compile
        >>> step = compile(lambda x: np.tanh(x @ x) * 2, executor="numpy")
        >>> for _ in range(3):
        ...     y = step(np.ones((3, 3)))
        >>> profile = step.profile(np.ones((3, 3)))
        >>> [(kernel.kind, kernel.operations) for kernel in profile.kernels]
        [('matrix product', ('matmul',)), ('loop nest', ('tanh',)), ('loop nest', ('multiply',))]
        """
        self.wait()
        with self.lock:
            return profiled(self, self.paths.get((recording(), training()), []), args, kwargs)

    def source(self) -> str:
        """The C of every path, with the lines of the program it came from; empty without C."""
        texts = [getattr(path.executor, "source", "") for path in self.all_paths()]
        return "\n".join(texts)

    def refuse(self, reason: str) -> None:
        """Run eagerly from now on, and say so once."""
        self.refused = reason
        self.paths.clear()
        self.waiting.clear()
        self.warn(f"it runs eagerly: {reason}")

    def warn(self, what: str) -> None:
        """Say what became of the step."""
        name = getattr(self.function, "__name__", "the function")
        warnings.warn(f"{name}: {what}", CompileWarning, stacklevel=5)
