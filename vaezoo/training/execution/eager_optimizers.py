"""PyTorch's optimizers without its compiler.

Their methods load it, which takes a second, only to tell it to leave them alone should it ever
trace them. A run that compiles nothing can do without, and one that does traces no optimizer.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import set_grad_enabled
from torch.optim import Optimizer
from torch.optim import optimizer as pytorchs

#: Methods that ask the compiler for a version of themselves, and remember it by this name.
_ASKING = ("add_param_group", "zero_grad", "state_dict", "load_state_dict")
_REMEMBERED = "__dynamo_disable"


@contextmanager
def without_compiler() -> Iterator[None]:
    """Inside, optimizers are made, saved and restored without loading the compiler."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    own = [inspect.unwrap(getattr(Optimizer, name)) for name in _ASKING]
    for method in own:
        setattr(method, _REMEMBERED, method)
    try:
        yield
    finally:
        for method in own:
            vars(method).pop(_REMEMBERED, None)  # another thread's run may have ended before


def step_of(optimizer: Optimizer) -> Callable[[], object]:
    """``optimizer.step``, without loading the compiler if nothing is hooked to the step."""
    if not _as_pytorch_made_it(optimizer):
        return optimizer.step
    step = inspect.unwrap(type(optimizer).step, stop=_is_of_others)
    differentiable = bool(optimizer.defaults.get("differentiable"))
    return set_grad_enabled(differentiable)(functools.partial(step, optimizer))


def _as_pytorch_made_it(optimizer: Optimizer) -> bool:
    """Whether its step is its class's, that class is PyTorch's, and nobody waits for the step."""
    own = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    of_all = ("_global_optimizer_pre_hooks", "_global_optimizer_post_hooks")
    return (
        type(optimizer).__module__.startswith("torch.optim.")
        and "step" not in vars(optimizer)
        and not any(getattr(optimizer, name, True) for name in own)
        and not any(getattr(pytorchs, name, True) for name in of_all)
    )


def _is_of_others(step: Callable[..., object]) -> bool:
    """Whether somebody else than PyTorch wrapped the step, and so is to be called."""
    return getattr(step, "__globals__", {}).get("__name__") != pytorchs.__name__
