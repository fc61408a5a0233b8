"""Secrets never reach the disk: everything textual passes here before it is recorded. It removes; it never encrypts or keeps.

Four searches, none of which backtracks: secrets that carry their own mark (:mod:`isfdb.provenance.secret_kinds`), private key blocks,
values given to a name that says it is secret (``password="..."``, ``--token x``, ``API_KEY=x``), and the values of this process's
environment variables with such names. A secret becomes ``<redacted:kind>``; the number of lines stays, so patches and tracebacks fit.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from isfdb.provenance.secret_kinds import SECRET_KINDS, compiled, is_mixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Span = tuple[int, int, str]

#: A name with one of these words holds a secret. The second part says how sure we are: the surer, the shorter the value may be.
_WORDS: Mapping[str, int] = {
    "password": 3, "passwd": 3, "passwort": 3, "passphrase": 4, "passcode": 4, "pwd": 4, "_pass": 3, "userpass": 3,
    "secret": 6, "credential": 6, "connection_string": 12, "connectionstring": 12,
    "api_key": 6, "apikey": 6, "api-key": 6, "access_key": 8, "accesskey": 8, "access-key": 8, "auth_key": 8, "authkey": 8, "auth-key": 8,
    "private_key": 8, "private-key": 8, "privatekey": 8, "account_key": 8, "accountkey": 8, "signing_key": 8, "encryption_key": 8,
    "encryption-key": 8, "master_key": 8, "license_key": 8, "token": 8,
}  # fmt: skip

# After one of these words the name is about the secret, not the secret: token_type, password_file, secret_name.
_ABOUT = (
    "type|types|url|uri|urls|name|names|file|files|path|field|id|ids|expires|expiry|expiration|len|length|count|class|ttl|limit|regex|"
    "pattern|re|format|prompt|hint|label|env|envvar|var|dir|policy|error|msg|message|kind|list|index|idx|pos|position|start|end|size|"
    "max|min|map|usage|arn|version|required|help|text|endpoint|manager|provider|scope|mode|input|column"
)
_REST_OF_NAME = (
    rf"(?!(?:[_-]|(?<=[a-z])(?=[A-Z]))(?i:{_ABOUT})(?![A-Za-z]))"
    r"(?:s(?![a-z])|[0-9]{1,3})?+(?:[_-]?[A-Z0-9_][A-Za-z0-9_-]{0,24}+|[_-][A-Za-z0-9_-]{1,24}+)?+(?![A-Za-z0-9_])"
)
_SEPARATOR = (
    r"(?:(?P<closing>\\?[\"'])\s{0,3}\]?\s{0,4}(?P<comma>,)?|"  # "password": x   environ["PASSWORD"] = x   ("password", x)
    r"\s{0,4}:\s{0,4}[A-Za-z_][\w.\[\]| ]{0,40}?(?=\s{0,4}=)|)"  # password: str = x
    r"(?P<before>\s{0,4})(?P<sign>:=|=>|==|=|:|(?<=,))(?P<after>\s{0,40}\(?\s{0,4})"
)
_VALUE = (
    r"(?:(?P<prefix>[rRbBuUfF]{0,2})(?:"
    r'"""(?P<long>[^"\n]{1,2000}+)"""|'
    r'"(?P<double>(?:[^"\\\n]|\\.)*+)"|'
    r"'(?P<single>(?:[^'\\\n]|\\.)*+)'|"
    r"\\\"(?P<escaped>[^\"\\\n]{1,500}+)\\\"|"
    r"\\'(?P<escaped_single>[^'\\\n]{1,500}+)\\')|"
    r"(?P<bare>[^\s\"'`,;&()\[\]{}<>\\]{3,300}+)(?P<next>[^\s]?))"
)
_ASSIGNMENT = _REST_OF_NAME + _SEPARATOR + _VALUE
_OPTION = _REST_OF_NAME + r"(?:=|[ \t]{1,4})(?:\"(?P<double>[^\"\n]*+)\"|'(?P<single>[^'\n]*+)'|(?P<bare>[^\s\"'`,;()\[\]{}<>\\]{3,300}+))"
_VALUE_GROUPS = ("long", "double", "single", "escaped", "escaped_single", "bare")

_TEMPLATE = (
    r"(?:<.*|\$.*|\{.*\}|%\(?\w*\)?[sdr]?|\*+|\.+|x+|X+|-+|\[.*\]"
    r"|None|null|true|false|True|False|str|int|bytes|bool|float|object|Any|Optional)"
)
_PLAIN_TYPE = r"(?:u?int|float|complex|bytes|str|datetime)[0-9]{1,3}"
_NUMBER = r"0[xX][0-9A-Fa-f]++|[0-9.]++"
_SNAKE_NAME = r"_?[A-Za-z]+[0-9]{0,3}(?:_[A-Za-z]*[0-9]{0,3})++"
_DOTTED_NAME = r"[A-Za-z_]\w*+(?:\.[A-Za-z_]\w*+)++"
_PROSE = frozenset({
    "is", "the", "to", "of", "a", "an", "and", "or", "for", "from", "with", "in", "on", "if", "can", "must", "may", "was", "has", "have",
    "option", "options", "argument", "flag", "file", "value", "string", "not", "when", "this", "that", "will", "should", "which", "as",
    "are", "be", "used", "using",
})  # fmt: skip

_KEY_BEGIN = r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|PuTTY-User-Key-File-[0-9]:"
_KEY_END = r"-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|Private-MAC: [0-9a-f]{40,64}"
_KEY_LONGEST = 16_384

_VARIABLE_NAME = r"(?i)passw|passphrase|secret|token|credential|(?:api|access|private|auth)_?key|_(?:key|pwd|pass)$"


def redact(text: str) -> tuple[str, int]:
    """Remove secrets from `text`.

    Parameters
    ----------
    text : str
        Source code, a patch, a command line, a record: anything that is about to be kept.

    Returns
    -------
    text : str
        The same with each secret replaced by ``<redacted:kind>``; as many lines as before.
    count : int
        How many were replaced.
    """
    spans = _merged(_find(text))
    if not spans:
        return text, 0
    pieces, position = [], 0
    for start, end, kind in spans:
        pieces += [text[position:start], _replacement(text[start:end], kind)]
        position = end
    pieces.append(text[position:])
    return "".join(pieces), len(spans)


def redact_url(url: str) -> str:
    """Remove user names, passwords and secret query values from a URL; ``git@host:path`` stays, it names no secret."""
    without_user = re.sub(r"^([A-Za-z][A-Za-z0-9+.-]{0,30}://)[^/?#\s]{1,500}@", _without_userinfo, url)
    return redact(without_user)[0]


def _without_userinfo(match: re.Match[str]) -> str:
    scheme, userinfo = match[1], match[0][len(match[1]) : -1]
    if scheme.startswith(("ssh", "git+ssh")):  # the user name of ssh is part of the address
        return f"{scheme}{userinfo.split(':')[0]}@"
    return scheme


def redact_arguments(arguments: Iterable[str]) -> list[str]:
    """Remove secrets from a command line given as a list, also those that follow their option as the next argument."""
    cleaned: list[str] = []
    expects_secret = False
    for argument in arguments:
        if expects_secret and not argument.startswith("-"):
            cleaned.append("<redacted:option>")
        else:
            cleaned.append(redact(argument)[0])
        expects_secret = _is_secret_option(argument)
    return cleaned


def _is_secret_option(argument: str) -> bool:
    if not argument.startswith("-") or "=" in argument or " " in argument:
        return False
    name = argument.lstrip("-").replace("-", "_").lower()
    return any(re.search(f"{word.strip('_')}(?!_?(?:{_ABOUT})$)", name) for word in _WORDS)


def _find(text: str) -> Iterator[Span]:
    for kind in SECRET_KINDS:
        if any(mark in text for mark in kind.marks):
            yield from _find_kind(text, kind.name, kind.pattern, kind.accept)
    if "PRIVATE KEY" in text or "PuTTY-User-Key" in text:
        yield from _find_private_keys(text)
    yield from _find_named(text)
    yield from _find_environment(text, os.environ)


def _find_kind(text: str, name: str, pattern: str, accept: Callable[[str], bool] | None) -> Iterator[Span]:
    expression = compiled(pattern)
    group = "secret" if "secret" in expression.groupindex else 0
    for match in expression.finditer(text):
        secret = match[group]
        if not secret.startswith("<redacted:") and (accept is None or accept(secret)):
            yield *match.span(group), name


def _find_private_keys(text: str) -> Iterator[Span]:
    position = 0
    begin, end = compiled(_KEY_BEGIN), compiled(_KEY_END)
    while found := begin.search(text, position):
        # A window, not the whole rest: a thousand beginnings without an end must not cost a thousand passes.
        closing = end.search(text, found.end(), found.end() + _KEY_LONGEST)
        position = closing.end() if closing else _end_of_base64(text, found.end())
        yield found.start(), position, "private-key"


def _end_of_base64(text: str, position: int) -> int:
    body = compiled(r"(?:[\s\"'+\-A-Za-z0-9/=]|\\n){0,16384}+").match(text, position)
    return body.end() if body else position


def _find_named(text: str) -> Iterator[Span]:
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters grow when lowered; positions would be off
        lowered = re.sub("[A-Z]+", lambda match: match[0].lower(), text)
    for word, shortest in _WORDS.items():
        position = lowered.find(word)
        while position >= 0:
            yield from _find_value(text, position, position + len(word), word, shortest)
            position = lowered.find(word, position + len(word))


def _find_value(text: str, start: int, end: int, word: str, shortest: int) -> Iterator[Span]:
    while start > 0 and end - start < 60 and (text[start - 1].isalnum() or text[start - 1] in "_-"):
        start -= 1
    name = text[start:end]
    pattern = _OPTION if name.startswith("--") and end < len(text) and text[end] not in "\"'" else _ASSIGNMENT
    match = compiled(pattern).match(text, end)
    if match is None or (match.groupdict().get("comma") and not _is_first_of_pair(text, start)):
        return
    group = next(group for group in _VALUE_GROUPS if group in match.re.groupindex and match[group] is not None)
    value = match[group]
    if group != "bare":
        accepted = _accepts_quoted(match, value, word, shortest)
    elif pattern is _OPTION:
        accepted = value.lower() not in _PROSE and value != value.upper().replace("-", "_").strip("0123456789") and not _is_template(value)
    else:
        accepted = _accepts_bare(text, start, match, value, word, shortest)
    if accepted:
        yield *match.span(group), word.strip("_").replace("_", "-")


def _is_first_of_pair(text: str, start: int) -> bool:
    # ("password", "hunter2") and "--password", "hunter2" but not a list of names
    return text.startswith("-", start) or (start >= 2 and text[start - 1] in "\"'" and text[start - 2] == "(")


def _is_template(value: str) -> bool:
    return compiled(_TEMPLATE).fullmatch(value) is not None


def _accepts_quoted(match: re.Match[str], value: str, word: str, shortest: int) -> bool:
    prefix = match.groupdict().get("prefix") or ""
    if len(value) < shortest or _is_template(value) or ("f" in prefix.lower() and "{" in value):
        return False
    if word in ("password", "passwd", "passwort", "_pass", "userpass", "passphrase", "passcode"):
        return value.lower() != word and not (" " in value and match.groupdict().get("comma"))
    if " " in value or (word == "pwd" and value.startswith(("/", "~", "."))):
        return word == "connection_string"
    if word == "token":
        return is_mixed(value) or len(value) >= 20
    # "aws_secret_access_key" as a value is the name of a variable
    return is_mixed(value) or not (value.replace("_", "").replace("-", "").isalpha() and any(w in value.lower() for w in _WORDS))


def _accepts_bare(text: str, start: int, match: re.Match[str], value: str, word: str, shortest: int) -> bool:
    if len(value) < shortest or _is_template(value) or match["next"] in ("(", "[", "{") or word in value.lower() or match["closing"]:
        return False
    if compiled(f"{_PLAIN_TYPE}|{_DOTTED_NAME}").fullmatch(value) or value.startswith(("$", "@", "=", "#", ":")):
        return False
    spaced = bool(match["before"] or match["after"].strip("\t\n ") or match["after"])
    previous = text[start - 1] if start else "\n"
    if previous in "?&;" or match["next"] in (";", "&"):  # a query, a connection string
        return not spaced
    name = text[start : match.start()]
    if match["sign"] == "=" and not spaced and name == name.upper():  # API_KEY=abcdef in a shell or an .env file
        return match["next"] not in (",", ")")
    if match["next"] in (",", ")") or match["sign"] == "==" or "\n" in match["after"]:
        return False
    if spaced and compiled(f"{_SNAKE_NAME}|{_NUMBER}").fullmatch(value):  # secret_key = connection_of_s3 is code
        return False
    if value.isidentifier() and (word == "token" or len(value) < 7):
        return is_mixed(value) and len(value) >= 16
    return is_mixed(value) or re.search(r"[!#$%^&*+~]", value) is not None


def _find_environment(text: str, variables: Mapping[str, str]) -> Iterator[Span]:
    secret_name = compiled(_VARIABLE_NAME)
    for name, value in variables.items():
        if len(value) < 8 or value not in text or not secret_name.search(name) or value.startswith(("/", "~", "./")):
            continue
        position = text.find(value)
        while position >= 0:
            yield position, position + len(value), "environment-variable"
            position = text.find(value, position + len(value))


def _merged(spans: Iterable[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end, kind in sorted(spans, key=lambda span: (span[0], -span[1])):
        if merged and start < merged[-1][1]:
            first, last, name = merged[-1]
            merged[-1] = (first, max(last, end), name)
        else:
            merged.append((start, end, kind))
    return merged


def _replacement(secret: str, kind: str) -> str:
    # The lines stay, with the first sign a patch gives each, so that hunks keep their length.
    rest = [line[0] if line[:1] in ("+", "-", " ") else "" for line in secret.split("\n")[1:]]
    return "\n".join([f"<redacted:{kind}>", *rest])
