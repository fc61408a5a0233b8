"""Notes the use of what lies in no variable: files, random states, plots, the environment, settings of libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from isfdb.provenance.slicing import effects, state_tables
from isfdb.provenance.slicing.call_arguments import Given
from isfdb.provenance.slicing.world import NOTHING, Value

if TYPE_CHECKING:
    from isfdb.provenance.slicing.interpreter import Interpreter

ENVIRON: Final = "<environ>"
#: Filters of warnings that let nothing fail.
_QUIET_FILTERS: Final = frozenset({"ignore", "default", "always", "once", "module", "all"})
_RAISES: Final = "<what raises>"
_DISPLAY: Final = "<display>"


def read_library(run: Interpreter, name: str, key: Value = NOTHING) -> None:
    """Note the hidden state that reading a name of a library, or an item of it, sees."""
    for module, state in state_tables.STATEFUL_MODULES.items():
        if _is_in(name, module):
            run.see(state)
    if _is_in(name, "os.environ") or (name == "os.getenv" and key):
        run.see_named(ENVIRON, _text(run, key))
    run.see(settings_of(name))
    if name in state_tables.CLOCKS:
        run.step.touched.add("<clock>")


def settings_of(name: str) -> str:
    """Return the hidden state that the settings of a library are."""
    return f"<settings>{name.partition('.')[0]}"


def store_into_library(run: Interpreter, name: str, attribute: str, key: Value, value: Value) -> None:
    """Note that something of a library is set, or deleted."""
    whole = f"{name}.{attribute}" if attribute else name
    states = [state for module, state in state_tables.STATEFUL_MODULES.items() if _is_in(whole, module)]
    for state in states:
        run.touch(state)
    if _is_in(name, "os.environ"):
        run.touch_named(ENVIRON, _text(run, key))
    elif whole.startswith("pandas.options.display."):
        run.touch(_DISPLAY)
    elif _is_plot_settings(name):
        run.touch("<plot settings>")
    elif not states:
        parts = name.split(".")
        run.change(NOTHING.union(*[run.world.library(".".join(parts[:count])) for count in range(1, len(parts) + 1)]))
        _touch_settings(run, name)
    if attribute and (parts_of_class(name) or name == "builtins"):
        run.world.patched[attribute] = run.world.patched.get(attribute, NOTHING) | value
        run.touch(f"<attribute>{attribute}")


def parts_of_class(name: str) -> bool:
    """Say whether a library's name is, by its spelling, that of a class."""
    return name.rpartition(".")[2][:1].isupper()


def _touch_settings(run: Interpreter, name: str) -> None:
    state = settings_of(name)
    run.world.settings.add(state)
    run.touch(state)


def see_all_settings(run: Interpreter) -> None:
    """Note that settings of libraries are seen, of whichever."""
    for state in run.world.settings:
        run.see(state)


def _is_plot_settings(name: str) -> bool:
    return name.startswith(("matplotlib.", "seaborn.")) and ("rcParams" in name or ".style" in name)


def _is_in(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _text(run: Interpreter, key: Value) -> str | None:
    """Return the text that a value is; None where it is not known."""
    names = [run.world.things[one].name for one in key]
    return names[0] if len(names) == 1 and names[0] and "text" in run.world.kinds(key) else None


# Functions of libraries ----------------------------------------------------------------------------------------------------------------


def note_hidden_state(run: Interpreter, name: str, given: Given) -> None:
    """Note random states, files, plots, settings and the like that a function of a library uses or changes."""
    read_library(run, name, given.first() if _is_in(name, "os.environ") or name in ("os.getenv", "os.putenv", "os.unsetenv") else NOTHING)
    _note_random(run, name, given)
    _note_files(run, name, given)
    _note_settings(run, name, given)
    if any(_is_in(name, module) for module in state_tables.NETWORK):
        run.step.touched.add("<network>")
    last = name.rpartition(".")[2]
    if (_is_in(name, "os.environ") and last not in effects.QUIET_METHODS) or name in ("os.putenv", "os.unsetenv"):
        run.touch_named(ENVIRON, _text(run, given.first()))
    for module, state in state_tables.CHANGED_BY_CALLS.items():
        if _is_in(name, module) and last not in effects.QUIET_METHODS:
            run.touch(state)


def _note_random(run: Interpreter, name: str, given: Given) -> None:
    if name in state_tables.SEEDS:
        if given.has():
            run.set_state(state_tables.SEEDS[name])
        else:
            run.touch(state_tables.SEEDS[name])
        return
    if name in state_tables.SHOWS_STATE:
        run.see(state_tables.SHOWS_STATE[name])
    for module, state in state_tables.RANDOM_STATES.items():
        if name.startswith(f"{module}.") and name not in state_tables.DRAWS_NOT and (module != "torch" or _torch_draws(name)):
            draw(run, state)
    if _draws_from_numpy(name) and "random_state" not in given.named:
        draw(run, "<numpy.random>")
    if name in ("numpy.random.default_rng", "numpy.random.RandomState", "random.Random") and not given.has():
        run.step.draws.add("unseeded generator")


def draw(run: Interpreter, state: str) -> None:
    """Note that random numbers are drawn from a hidden state."""
    run.touch(state)
    run.step.draws.add(state)


def _torch_draws(name: str) -> bool:
    parts = name.split(".")
    if parts[1] == "nn":
        return (
            "init" in parts
            or "dropout" in parts[-1].lower()
            or (parts[-1][:1].isupper() and parts[-1] not in state_tables.TORCH_LAYERS_WITHOUT_WEIGHTS)
        )
    return parts[1] in state_tables.TORCH_DRAWS


def _draws_from_numpy(name: str) -> bool:
    last = name.rpartition(".")[2]
    if name.startswith("scipy.stats."):
        return last in state_tables.SCIPY_DRAWS
    if name.startswith("sklearn."):
        return last[:1].islower() and any(name.startswith(f"sklearn.{part}.") for part in state_tables.SKLEARN_DRAWS)
    return any(name.startswith(f"{package}.") for package in ("umap", "hdbscan")) and last[:1].islower()


def _note_files(run: Interpreter, name: str, given: Given) -> None:
    if name.startswith("subprocess.") or name in ("os.system", "os.popen"):
        _note_shell(run, given)
    elif name == "os.chdir":
        run.see_file(None)
    elif name in state_tables.MAKES_FOLDER:
        path = given.path(run.world)
        run.see_file(path)
        run.touch_named("<folders>", (path or "").replace("\\", "/").rstrip("/").rpartition("/")[2] or None)
    elif name in state_tables.LISTS_FOLDER:
        run.see_file(None)
    elif name in state_tables.WRITES_FOLDER:
        run.touch_file(None)
    elif name in state_tables.FROM_FILE_TO_FILE:
        run.see_file(given.path(run.world, 0))
        run.touch_file(given.path(run.world, 1))
        if state_tables.FROM_FILE_TO_FILE[name]:
            run.touch_file(given.path(run.world, 0))
    elif name in state_tables.OPENS_FILE:
        path = given.path(run.world)
        if given.opens_for_writing() or name in state_tables.OPENS_FOR_WRITING:
            run.touch_file(path, whole=given.opens_anew())
        else:
            run.see_file(path)
    elif name in state_tables.WRITES_FILE:
        run.touch_file(given.path(run.world, state_tables.PATH_IS_SECOND.get(name, 0)), whole=name in state_tables.WRITES_WHOLE_FILE)
    elif name in state_tables.READS_FILE:
        run.see_file(given.path(run.world))


def _note_shell(run: Interpreter, given: Given) -> None:
    run.see_named(ENVIRON, None)
    command = given.constant("args", 0)
    words = command.split() if isinstance(command, str) else []
    if words and words[0] in state_tables.QUIET_COMMANDS and not set(str(command)) & set("><|;&`$("):
        run.see_file(None)
    else:
        run.touch_file(None)


def _note_settings(run: Interpreter, name: str, given: Given) -> None:
    last = name.rpartition(".")[2]
    if name in ("warnings.filterwarnings", "warnings.simplefilter", "numpy.seterr"):
        values = [given.constant("action", 0)] if name != "numpy.seterr" else [given.constant(one) for one in ("all", *given.named)]
        run.touch("<warnings>")
        raises = any(value in ("error", "raise", "call", ...) for value in values)
        if raises or run.world.definers.get(_RAISES):
            run.touch(_RAISES)
    elif name in state_tables.DISPLAY_SETTERS or (name in ("pandas.set_option", "pandas.reset_option") and _is_display(given)):
        run.touch(_DISPLAY)
    elif name in state_tables.DISPLAYS:
        run.see(_DISPLAY)
    elif name in state_tables.PLOT_SETTERS or _is_plot_settings(name):
        run.touch("<plot settings>")
    elif name in state_tables.SETTERS or (
        given.is_statement and last.startswith(state_tables.SETTING_PREFIXES) and name not in state_tables.SEEDS
    ):
        _touch_settings(run, name)


def _is_display(given: Given) -> bool:
    option = given.constant("pat", 0)
    return isinstance(option, str) and option.startswith("display.")


# Plots -----------------------------------------------------------------------------------------------------------------------------------


def plotted(run: Interpreter, name: str, given: Given) -> Value | None:
    """Return what a function of pyplot or seaborn gives: the figure it draws into; None where it draws nothing."""
    package, _, last = name.rpartition(".")
    if package not in ("matplotlib.pyplot", "seaborn", "pylab") or last in state_tables.DRAWS_NOTHING or last[:1].isupper():
        return None
    world = run.world
    run.use(given.everything)
    run.see("<plot settings>")
    axes = world.of_kind(NOTHING.union(*[given.named.get(one, NOTHING) for one in ("ax", "axes", "fig")]), "plot")
    if package == "seaborn" and axes:
        run.change(axes)
        return axes
    if last in state_tables.MAKES_FIGURE:
        return _new_figure(run, is_new=(not given.arguments and "num" not in given.named) or last != "figure")
    current = world.names.get("<plot>", NOTHING)
    if last == "close":
        run.set_state("<plot>") if given.constant("fig", 0) == "all" else run.touch("<plot>")
        return world.plain("none")
    if last in state_tables.SHOWS_FIGURE:
        run.see("<plot>")
        run.use(current)
        return world.plain("none")
    run.touch("<plot>")
    if not current:
        current = world.names["<plot>"] = world.new("plot")
    if not last.startswith("gc"):
        run.change(current | axes)
    return current


def _new_figure(run: Interpreter, *, is_new: bool) -> Value:
    made = run.world.new("plot")
    if is_new and not run.weak:
        run.set_state("<plot>")
        run.world.names["<plot>"] = made
    else:
        run.touch("<plot>")
        run.world.names["<plot>"] = made | run.world.names.get("<plot>", NOTHING)
    return made


def drawn_by_method(run: Interpreter, given: Given) -> Value:
    """Return the figure that a table's method draws into."""
    run.see("<plot settings>")
    axes = given.named.get("ax", NOTHING)
    run.touch("<plot>")
    current = axes or run.world.names.get("<plot>", NOTHING) | run.world.new("plot")
    run.change(current)
    if not axes:
        run.world.names["<plot>"] = current
    return current
