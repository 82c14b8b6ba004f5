"""Imports that are put off until they are needed: what takes a third of a second or more, and most runs never use."""

import importlib
import importlib.util
import sys
import types


def import_later(name: str) -> None:
    """Let `import name` give a module that imports the real one when it is first asked for a function or class.

    Nothing changes where `name` is imported already. Not for a module that threads may ask first at the same time.
    importlib.util.LazyLoader does not do it: of its module any attribute is enough, and `import name` itself asks for
    `__spec__` (Python 3.11), so img2dataset's own `import pandas` would import pandas at once.
    """
    if name in sys.modules:
        return
    module = types.ModuleType(name)
    module.__spec__ = importlib.util.find_spec(name)

    def ask(attribute: str):
        if attribute.startswith("__"):  # `inspect` asks every module for its __file__
            raise AttributeError(attribute)
        if sys.modules[name] is module:
            del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    module.__getattr__ = ask
    sys.modules[name] = module


def keep_pandas_from_pyarrow() -> None:
    """pyarrow imports pandas at its first value, to ask whether that is one of pandas's. If it cannot, it never tries
    again (but for `to_pandas`). Here no value is."""
    import pyarrow

    if "pandas" in sys.modules:
        return

    def refuse(name: str, path=None, target=None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name=name)

    finder = types.SimpleNamespace(find_spec=refuse)
    sys.meta_path.insert(0, finder)
    pyarrow.array([0])
    sys.meta_path.remove(finder)
