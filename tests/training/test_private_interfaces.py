"""Private PyTorch interfaces are used in one folder, and its README lists them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import vaezoo

PACKAGE = Path(vaezoo.__file__).parent
EXECUTION = PACKAGE / "training" / "execution"
#: A private name in text: an attribute that is looked up, or a module that may be loaded.
PRIVATE_TEXT = re.compile(r"_{1,2}[a-z]+(?:_[a-z0-9]+)+|torch\._\w+")


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """The full name of an attribute such as ``nn.modules.batchnorm._BatchNorm``, or ''."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value, names)
        return f"{owner}.{node.attr}" if owner else ""
    return ""


def torch_names(tree: ast.Module) -> Iterator[str]:
    """The full names of everything that a module uses from torch."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "torch":
                    yield alias.name
                    names[alias.asname or "torch"] = alias.name if alias.asname else "torch"
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            for alias in node.names:
                yield f"{node.module}.{alias.name}"
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    yield from (dotted(node, names) for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def private_uses(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {
        name
        for name in torch_names(tree)
        if any(re.match(r"_[^_]", part) for part in name.split("."))
        or name.startswith("torch.fx.experimental")
    }


def private_texts(path: Path) -> set[str]:
    """Private names in string constants, which ``getattr`` or ``sys.modules`` take."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return {text for text in texts if isinstance(text, str) and PRIVATE_TEXT.fullmatch(text)}


def test_private_interfaces_of_pytorch_are_used_in_one_folder() -> None:
    elsewhere = {
        str(path.relative_to(PACKAGE)): uses
        for path in PACKAGE.rglob("*.py")
        if path.parent != EXECUTION and (uses := private_uses(path))
    }
    assert elsewhere == {}


def test_the_readme_lists_every_private_interface() -> None:
    words = set(re.findall(r"\w+", (EXECUTION / "README.md").read_text(encoding="utf-8")))
    used = set[str]().union(
        *(private_uses(path) | private_texts(path) for path in EXECUTION.glob("*.py"))
    )
    assert used
    assert {name for name in used if not words.issuperset(name.split("."))} == set()


def test_private_uses_are_found(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "import torch\n"
        "from torch import nn\n"
        "from torch._inductor import compile\n"
        "from torch.fx.experimental import proxy_tensor\n"
        "torch._C._dispatch_keys, nn.modules.batchnorm._BatchNorm, torch.__version__\n"
    )
    assert private_uses(module) == {
        "torch._inductor.compile",
        "torch.fx.experimental.proxy_tensor",
        "torch._C",
        "torch._C._dispatch_keys",
        "torch.nn.modules.batchnorm._BatchNorm",
    }
