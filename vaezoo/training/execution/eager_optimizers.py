"""Use PyTorch's optimizers without loading its compiler.

Optimizer methods import the compiler, which takes a second, only to exclude themselves from
tracing. An eager run does not trace, and a compiled run does not trace optimizers.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import set_grad_enabled
from torch.optim import Optimizer
from torch.optim import optimizer as optimizer_module

#: Methods that get an untraced version of themselves from the compiler, and the attribute that
#: caches it.
_UNTRACED_METHODS = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
_CACHE_ATTRIBUTE = "__dynamo_disable"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Create, save and restore optimizers without loading the compiler."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    methods = [inspect.unwrap(getattr(Optimizer, name)) for name in _UNTRACED_METHODS]
    for method in methods:
        setattr(method, _CACHE_ATTRIBUTE, method)
    try:
        yield
    finally:
        for method in methods:
            vars(method).pop(_CACHE_ATTRIBUTE, None)  # another thread's run may have removed it


def step_function(optimizer: Optimizer) -> Callable[[], object]:
    """``optimizer.step``, without loading the compiler where the step has no hooks."""
    if not _is_unmodified(optimizer):
        return optimizer.step
    step = inspect.unwrap(type(optimizer).step, stop=_is_foreign_wrapper)
    differentiable = bool(optimizer.defaults.get("differentiable"))
    return set_grad_enabled(differentiable)(functools.partial(step, optimizer))


def _is_unmodified(optimizer: Optimizer) -> bool:
    """Whether it is an optimizer of PyTorch's with its own step and no hooks on the step."""
    own = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    of_all = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")
    return (
        type(optimizer).__module__.startswith("torch.optim.")
        and "step" not in vars(optimizer)
        and not any(getattr(optimizer, name, True) for name in own)
        and not any(getattr(optimizer_module, name, True) for name in of_all)
    )


def _is_foreign_wrapper(step: Callable[..., object]) -> bool:
    """Whether a wrapper of the step is not PyTorch's, and so must be called."""
    return getattr(step, "__globals__", {}).get("__name__") != optimizer_module.__name__
