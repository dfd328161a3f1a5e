"""Export a module of PyTorch as an ``ArrayGraph``, through ``torch.export``."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.export import ExportedProgram, export
from torch.export.graph_signature import ConstantArgument, InputKind
from torch.fx.node import map_aggregate, map_arg

from vaezoo.explorer.convert_operators import CONVERTERS, operator_name
from vaezoo.explorer.graph import ArrayGraph
from vaezoo.explorer.operator_converter import Converter, Live, NotExportable


def export_graph(module: nn.Module, inputs: Mapping[str, Tensor]) -> ArrayGraph:
    """The graph of a module in evaluation mode, for inputs of these shapes.

    ``module`` takes the inputs in this order and returns a dictionary of tensors. What does not
    depend on the inputs is computed now. Raises NotExportable with the operator that has no
    counterpart, or with the reason of ``torch.export``.
    """
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of the exporter, about its own ways
            program = export(module, tuple(inputs.values()), strict=False).run_decompositions()
    except Exception as error:  # whatever a module of a plugin does while it is traced
        first = next((line for line in str(error).splitlines() if line.strip()), "")
        raise NotExportable(f"torch.export: {type(error).__name__}: {first.strip()}") from error
    with torch.no_grad():
        return _Walk(program, tuple(inputs)).graph()


class _Walk:
    """One pass over the exported operators. ``known`` holds tensors, else numbers of values."""

    def __init__(self, program: ExportedProgram, names: tuple[str, ...]) -> None:
        self.program = program
        self.names = iter(names)
        self.result = ArrayGraph()
        self.values: dict[fx.Node, Any] = {}
        self.given = {spec.arg.name: spec for spec in program.graph_signature.input_specs}

    def graph(self) -> ArrayGraph:
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = self._placeholder(node)
            elif node.op == "call_function":
                self.values[node] = self._call(node)
            elif node.op == "output":
                self._finish(node)
        return self.result.without_unused()

    def _placeholder(self, node: fx.Node) -> Any:
        spec = self.given[node.name]
        if isinstance(spec.arg, ConstantArgument):
            return spec.arg.value
        if spec.kind == InputKind.USER_INPUT:
            number = self.result.value(tuple(node.meta["val"].shape))
            self.result.inputs[next(self.names)] = number
            return Live(number, node.meta["val"])
        if spec.target is None:
            raise NotExportable(f"an operator has effects, which need a {spec.kind.name} input")
        target = spec.target
        state: Mapping[str, Any] = self.program.state_dict
        return state[target] if target in state else self.program.constants[target]

    def _call(self, node: fx.Node) -> Any:
        arguments, options = map_arg((node.args, node.kwargs), lambda one: self.values[one])
        target = node.target
        tags = getattr(target, "tags", ())
        if torch.Tag.nondeterministic_seeded in tags:
            raise NotExportable(f"{operator_name(target)} draws random numbers")
        if not _has_live((arguments, options)):
            return target(*arguments, **options)  # type: ignore[operator]
        converter = Converter(self.result, node.meta.get("val"))
        name = operator_name(target)
        convert = CONVERTERS.get(name) or CONVERTERS.get(name.partition(".")[0])
        if convert is None:
            raise NotExportable(f"{name} has no counterpart in the page")
        try:
            return convert(converter, target, arguments, options)
        except NotExportable:
            raise
        except Exception as error:  # forms of an operator that the converter does not know
            raise NotExportable(f"{name} in this form: {type(error).__name__}: {error}") from error

    def _finish(self, node: fx.Node) -> None:
        tree: Any = self.program.call_spec.out_spec
        flat = [self.values[one] if isinstance(one, fx.Node) else one for one in node.args[0]]  # type: ignore[union-attr]
        found = tree.unflatten(flat)
        for name, value in found.items():
            number = value.number if isinstance(value, Live) else self.result.constant(value)
            self.result.outputs[name] = number


def _has_live(tree: Any) -> bool:
    leaves: list[Any] = []
    map_aggregate(tree, leaves.append)
    return any(isinstance(one, Live) for one in leaves)
