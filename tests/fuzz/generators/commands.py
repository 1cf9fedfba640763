"""Command lines, by what the commands themselves say that they take: a new command or option is tried without a word here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from random import Random
from typing import Any, get_args

import typer
from fuzz.case import Command, Verdict
from fuzz.generators import files, specs, texts, weightings
from fuzz.generators.texts import NASTY, Piece

from weightlab.cli.app import app

__all__ = ["command"]

_OTHERS = ("--install-completion", "--show-completion", "--help", "--debug")  # the shell's, not ours
_TRAIN = {
    "--size": "8",
    "--width": "2",
    "--dimensions": "4",
    "--steps": "1",
    "--memory": "0",
    "--batch": "4",
    "--per-class": "2",
}
_GOOD_WHOLE = {
    "size": ("8", "9", "12"), "width": ("1", "2", "3"), "dimensions": ("2", "4", "5"), "memory": ("0", "4", "64"),
    "memory_start": ("0", "1"), "steps": ("1", "2"), "batch": ("4", "6", "8"), "per_class": ("2",), "seed": ("0", "1", "7", "2147483647"),
    "positives": ("1", "2", "3", "9"), "negatives": ("1", "2", "64", "300"), "jobs": ("1", "2"), "points": ("2", "5", "41"),
    "draws": ("1", "2", "8"),
}  # fmt: skip
_AT_MOST = ("jobs",)  # more than there is to do is as good as all
_GOOD_NUMBER = {"momentum": ("0", "0.5", "0.99"), "learning_rate": ("1e-3", "0.1", "1e-9")}
_ENVIRONMENTS: tuple[dict[str, str | None], ...] = (
    *({},) * 6, {"COLUMNS": "80"}, {"COLUMNS": "1"}, {"COLUMNS": "300"}, {"COLUMNS": "x"}, {"FORCE_COLOR": "1", "TERM": "xterm"},
    {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "20"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"LANG": "C", "LC_ALL": "C"},
)  # fmt: skip
_SHELLS = (
    ("{}", {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    ("{}", {"PYTHONIOENCODING": "ascii"}),
    ("{}", {"HOME": None, "XDG_CACHE_HOME": None}),
    ("{}", {"COLUMNS": "1"}),
    ("{}", {"WEIGHTLAB_CACHE": "/dev/null/cache", "MPLCONFIGDIR": "/dev/null/mpl"}),
    ("{} >&-", {}),
    ("{} 2>&-", {}),
    ("{} >/dev/full", {}),
    ("{} <&-", {}),
    ("set -o pipefail; {} | head -c 0", {}),
)
_QUICK = ("losses", "decompose", "compare", "data list", "study status", "check", "--help")


@dataclass
class _Draft:
    """A command line in the making.

    random: what it is drawn from.
    words, files, verdicts: what it has so far.
    """

    random: Random
    words: list[str] = field(default_factory=list)
    files: dict[str, str | None] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    finished: bool = True

    def take(self, piece: Piece, *before: str) -> None:
        text, verdict = piece
        if before and (not text.startswith("-") or self.random.random() < 0.5):
            self.words += [*before, text]
        elif before:
            self.words.append(f"{before[0]}={text}")
        else:
            self.words.append(text)
        self.verdicts.append(verdict)


def command(random: Random) -> Command:
    """A command line: mostly one command with what it takes, right or wrong, and something off now and then."""
    path, params = random.choice(_weighted())
    draft = _Draft(random, list(path))
    wild = random.random()
    careful = wild < 0.25  # nothing wrong on purpose
    for parameter in params:
        _add(draft, path, parameter, careful)
    if path == ("train",):
        _keep_small(draft)
    options = {word.partition("=")[0] for word in draft.words}
    if path[0] in ("decompose", "compare") and "--out" in options and "--plot" not in options:
        draft.verdicts.append(Verdict.bad)  # it would do nothing
    if path[0] in ("embed", "neighbours"):
        draft.verdicts.append(Verdict.odd)  # they want --out, of a suffix of theirs
    if any("latex" in word for word in draft.words):
        draft.verdicts.append(Verdict.odd)  # only the built-in losses have formulas
    if wild > 0.93:
        _spoil(draft)
    shell, environment = None, random.choice(_ENVIRONMENTS)
    if random.random() < 0.012:
        shell, environment = random.choice(_SHELLS)
        draft = _quick(random)
    verdict = Verdict.of(draft.verdicts)
    words = tuple(word.replace("\0", "\ufffd") if shell else word for word in draft.words)
    return Command(words, draft.files, environment, verdict, draft.finished, shell)


def _add(draft: _Draft, path: tuple[str, ...], parameter: Any, careful: bool) -> None:
    """A parameter of the command, or none where it may be left out."""
    random, _name = draft.random, parameter.name
    is_argument = parameter.param_type_name == "argument"
    if is_argument:
        if not careful and random.random() < 0.03:
            draft.verdicts.append(Verdict.odd)
            return
        several = random.choice((2, 2, 2, 3, 1)) if parameter.nargs == -1 else 1
        for _ in range(several):
            draft.take(_piece(draft, path, parameter, careful))
        if parameter.nargs == -1 and (several == 1 or len(set(draft.words)) < len(draft.words)):
            draft.verdicts.append(Verdict.odd)
        return
    if random.random() > 0.3:
        return
    option = parameter.opts[0]
    if parameter.is_flag:
        draft.words.append(random.choice((option, *parameter.secondary_opts)))
        return
    for _ in range(2 if not careful and random.random() < 0.05 else 1):
        if not careful and random.random() < 0.02:
            draft.words.append(option)
            draft.verdicts.append(Verdict.odd)
        else:
            draft.take(_piece(draft, path, parameter, careful), option)
    if draft.words.count(option) > 1:
        draft.verdicts.append(Verdict.odd)
        draft.verdicts = [
            Verdict.odd if each is Verdict.bad else each for each in draft.verdicts
        ]  # the last one counts


def _piece(draft: _Draft, path: tuple[str, ...], parameter: Any, careful: bool) -> Piece:
    """A value of a parameter: by its name where that says what it means, else by its type."""
    if careful:
        for _ in range(20):
            made = _Draft(draft.random)
            piece = _any_piece(made, path, parameter)
            if piece[1] is Verdict.good:
                draft.files |= made.files
                draft.finished &= made.finished
                return piece
    return _any_piece(draft, path, parameter)


def _any_piece(draft: _Draft, path: tuple[str, ...], parameter: Any) -> Piece:
    make = _MEANINGS.get((path[-1], parameter.name)) or _MEANINGS.get(("", parameter.name))
    kinds = _kinds(parameter)
    for kind in kinds:
        if issubclass(kind, Enum):
            return _choice(draft, [str(each.value) for each in kind])
    if int in kinds:
        return _whole(draft, parameter.name)
    return _number(draft, parameter.name) if float in kinds else (make or _text)(draft)


def _kinds(parameter: Any) -> list[type]:
    """The Python types that a parameter is annotated with: [str] for list[str], [int, NoneType] for int | None."""
    annotation = parameter.type_descriptor.annotation
    return [each for each in (annotation, *get_args(annotation)) if isinstance(each, type)]


def _whole(draft: _Draft, name: str) -> Piece:
    if draft.random.random() < 0.6:
        known = name in _GOOD_WHOLE
        return draft.random.choice(_GOOD_WHOLE.get(name, ("1", "2", "3"))), Verdict.good if known else Verdict.odd
    text, verdict = texts.whole(draft.random)
    return text, Verdict.odd if name in _AT_MOST and text.isdecimal() else verdict


def _number(draft: _Draft, name: str) -> Piece:
    if draft.random.random() < 0.5 and name in _GOOD_NUMBER:
        return draft.random.choice(_GOOD_NUMBER[name]), Verdict.good
    return texts.number(draft.random)


def _choice(draft: _Draft, choices: list[str]) -> Piece:
    if draft.random.random() < 0.8:
        return draft.random.choice(choices), Verdict.good
    return draft.random.choice(("", "jsn", "JSON", "json ", *NASTY[:30])), Verdict.bad


def _text(draft: _Draft) -> Piece:
    return draft.random.choice((*NASTY, "a", "b", "small")), Verdict.odd


def _weighting(draft: _Draft) -> Piece:
    """A loss, a weight function, or a loss in a Python file."""
    if draft.random.random() < 0.3:
        text, made, verdict = files.python(draft.random)
        draft.files |= made
        return text, verdict
    return weightings.weighting(draft.random)


def _setting(draft: _Draft) -> Piece:
    text, verdict = weightings.setting(draft.random)
    return text, verdict


def _context(draft: _Draft) -> Piece:
    roll = draft.random.random()
    if roll < 0.3:
        return draft.random.choice(("random", "early", "trained", "random:2", "random:512")), Verdict.good
    if roll < 0.6:
        path, made, verdict = files.tables(draft.random)
        draft.files |= made
        return f"file:{path}", verdict
    if roll < 0.75:
        path, made, verdict = files.trained(draft.random)
        draft.files |= made
        return f"run:{path}", verdict
    if roll < 0.9:
        bad = ("erly", "random:1", "random:0", "random:x", "random:1e9", "random:" + "9" * 31, "run:", "file:", "run:none", "file:none.npz",
               "file:.", "run:/dev/null", "trained:3", "random:-1", "random:nan", ":", "file:a\x1b[31mb.npz", "random:2.0")  # fmt: skip
        return draft.random.choice(bad), Verdict.bad
    return _text(draft)


def _run(draft: _Draft) -> Piece:
    if draft.random.random() < 0.75:
        path, made, verdict = files.trained(draft.random)
        draft.files |= made
        return path, verdict
    draft.files |= {"empty": None, "plain": "b'x'"}
    return draft.random.choice(
        ("none", "empty", "plain", "", "/dev/null", "\x1b[31m", "a" * 300, "\udcff", ".")
    ), Verdict.bad


def _resumed(draft: _Draft) -> Piece:
    if draft.random.random() < 0.75:
        path, made, verdict = files.trained(draft.random, resumed=True)
        draft.files |= made
        return path, verdict
    return _run(draft)


def _features(draft: _Draft) -> Piece:
    """A run or a file of embeddings."""
    if draft.random.random() < 0.5:
        return _run(draft)
    path, made, verdict = files.tables(draft.random)
    draft.files |= made
    return path, verdict


def _folder(draft: _Draft) -> Piece:
    """A folder to write to."""
    roll = draft.random.random()
    if roll < 0.6:
        return draft.random.choice(("out", "a/b/c", ".", "out/", "a b", "\u00e9")), Verdict.good
    draft.files |= {"plain": "b'x'"}
    if roll < 0.9:
        return draft.random.choice(
            ("plain", "plain/x", "/dev/null", "/dev/null/x", "/proc/x", "a" * 300, "x/" * 3000)
        ), Verdict.bad
    return draft.random.choice(
        ("", "..", "../out", "$x$", "a\x1b[31mb", "\udcff", "~", "a\nb", "%s", "{}", "-", "a:b")
    ), Verdict.odd


def _read_from(draft: _Draft) -> Piece:
    """A folder that is read: one that is none may be said to hold nothing."""
    text, verdict = _folder(draft)
    return text, Verdict.odd if verdict is Verdict.bad or text != "runs" else verdict


def _study(draft: _Draft) -> Piece:
    roll = draft.random.random()
    if roll < 0.85:
        text, verdict, _same = specs.study(draft.random)
        path = draft.random.choice(("small", "studies/small.toml"))
        draft.files["studies/small.toml"] = f"{text!r}.encode(errors='surrogateescape')"
        return path, verdict
    draft.files |= {
        "studies/small.toml": repr(specs.VALID.encode()),
        "studies/dir.toml": None,
        "studies/bad.toml": "b'\\xff\\xfe'",
    }
    return draft.random.choice(
        ("smal", "none.toml", "studies", "dir", "studies/dir.toml", "bad", "", ".", "/dev/null", *NASTY)
    ), Verdict.bad


def _size(draft: _Draft) -> Piece:
    if draft.random.random() < 0.7:
        return draft.random.choice(("quick", "full")), Verdict.good
    return draft.random.choice(("quik", "", "a" * 20000, *NASTY[:20])), Verdict.bad


def _data(draft: _Draft) -> Piece:
    if draft.random.random() < 0.6:
        return "glyphs", Verdict.good
    bad = (
        "glyhps",
        "",
        "sop",
        "sop:none",
        "folder:none",
        "folder:",
        "features:none.npz",
        "table:none.csv",
        "os:system",
        "x" * 20000,
    )
    return draft.random.choice(bad), Verdict.bad


def _model(draft: _Draft) -> Piece:
    if draft.random.random() < 0.6:
        return "cnn", Verdict.good
    return draft.random.choice(("resnet", "cn", "", "timm:none", "os:system", "\x1b[31m", "x" * 20000)), Verdict.bad


def _scale(draft: _Draft) -> Piece:
    return _choice(draft, ["raw", "mean", "mass"])


def _function(draft: _Draft) -> Piece:
    return weightings.weighting(draft.random) if draft.random.random() < 0.7 else weightings.function(draft.random)


_MEANINGS: dict[tuple[str, str], Callable[[_Draft], Piece]] = {
    ("", "loss"): _weighting,
    ("", "losses"): _weighting,
    ("", "weighting"): _weighting,
    ("", "assignments"): _setting,
    ("", "context"): _context,
    ("", "context_name"): _context,
    ("", "run"): _run,
    ("", "resume"): _resumed,
    ("", "features"): _features,
    ("", "out"): _folder,
    ("", "runs"): _read_from,
    ("run", "runs"): _folder,
    ("", "figures"): _folder,
    ("", "html"): _folder,
    ("", "study"): _study,
    ("", "size"): _size,
    ("", "data"): _data,
    ("make", "name"): _data,
    ("", "model"): _model,
    ("", "scale"): _scale,
    ("", "positive"): _function,
    ("", "negative"): _function,
}


def _keep_small(draft: _Draft) -> None:
    """Settings that make a run short, unless it goes on with one."""
    if any(word.startswith("--resume") for word in draft.words):
        if len([word for word in draft.words if word.startswith("--")]) > 1:
            draft.verdicts.append(Verdict.odd)
        return
    given = {word.partition("=")[0] for word in draft.words}
    for option, value in _TRAIN.items():
        if option not in given:
            draft.words += [option, value]
    if {
        "--batch",
        "--per-class",
        "--memory",
        "--learning-rate",
        "--scale",
        "--loss",
        "--positive",
        "--negative",
    } & given:
        draft.verdicts.append(Verdict.odd)  # they have to fit one another, and a run may diverge


def _spoil(draft: _Draft) -> None:
    """Something that no command takes."""
    random = draft.random
    kind = random.randrange(5)
    at = random.randrange(len(draft.words) + 1)
    if kind == 0:
        draft.words.insert(at, random.choice(("--nope", "-x", "--fromat", "--\x1b[31m", "--" + "a" * 20000, "--=")))
    elif kind == 1:
        draft.words.insert(at, random.choice(NASTY))
    elif kind == 2:
        draft.words = [texts.mutated(random, draft.words[0]), *draft.words[1:]]
    elif kind == 3:
        draft.words.insert(at, "--help")
    else:
        draft.words = draft.words[: random.randrange(len(draft.words) + 1)]
        if draft.words[:1] == ["train"]:
            _keep_small(draft)
    draft.verdicts = [Verdict.odd]


def _quick(random: Random) -> _Draft:
    """A short command, for a process of its own."""
    draft = _Draft(random, random.choice(_QUICK).split())
    draft.files["studies/small.toml"] = repr(specs.VALID.encode())
    if draft.words[0] in ("decompose", "check", "compare"):
        names, verdict = random.choice(((["ms-loss", "triplet"], Verdict.good), (["nope\udcff", "é"], Verdict.bad)))
        draft.words += names[: 2 if draft.words[0] == "compare" else 1]
        draft.verdicts.append(verdict)
    if draft.words[0] == "study":
        draft.words.append("small")
    if random.random() < 0.3 and draft.words[0] in ("losses", "decompose"):
        draft.words += ["--format", "json"]
    return draft


@cache
def _weighted() -> list[tuple[tuple[str, ...], list[Any]]]:
    """Every command with its parameters; those with many of them more often."""
    found = list(_commands(typer.main.get_command(app), ()))
    return [each for each in found for _ in range(1 + len(each[1]) // 2)]


def _commands(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield path, [each for each in command.params if not set(each.opts) & set(_OTHERS)]
        return
    for name, each in inner.items():
        yield from _commands(each, (*path, name))
