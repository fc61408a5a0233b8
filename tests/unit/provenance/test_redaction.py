"""Secrets of many kinds are planted wherever text is recorded; ordinary scientific code must come through untouched."""

from __future__ import annotations

import ast
import os
import random
import string
from pathlib import Path

import numpy as np
import pytest

from isfdb.provenance.redaction import redact, redact_arguments, redact_url

_LETTERS = string.ascii_letters + string.digits
_HEX = "0123456789abcdef"
_random = random.Random(20)


def _chars(count: int, alphabet: str = _LETTERS) -> str:
    """Random characters; the first few make sure that small letters, capitals and digits are mixed."""
    return "".join(_random.choice(alphabet) for _ in range(count - 3)) + ("aB3" if alphabet == _LETTERS else alphabet[:3])


# No secret stands here as it is: scanners of repositories would ring, and rightly.
TOKENS = {
    "aws access key id": "AKIA" + _chars(16, string.ascii_uppercase + string.digits),
    "aws temporary key id": "ASIA" + _chars(16, string.ascii_uppercase + string.digits),
    "gcp api key": "AIza" + _chars(35),
    "google oauth": "ya29." + _chars(60),
    "google client secret": "GOCSPX-" + _chars(28),
    "azure client secret": _chars(3) + "8Q~" + _chars(33),
    "digitalocean": "dop_v1_" + _chars(64, _HEX),
    "databricks": "dapi" + _chars(32, _HEX),
    "vault": "hvs." + _chars(90),
    "terraform": _chars(14) + ".atlasv1." + _chars(60),
    "doppler": "dp.pt." + _chars(43),
    "github classic": "ghp_" + _chars(36),
    "github oauth": "gho_" + _chars(36),
    "github fine grained": "github_pat_" + _chars(22) + "_" + _chars(59),
    "gitlab": "glpat-" + _chars(20),
    "gitlab deploy": "gldt-" + _chars(20),
    "bitbucket": "ATBB" + _chars(32),
    "atlassian": "ATATT3" + _chars(180),
    "npm": "npm_" + _chars(36),
    "pypi": "pypi-AgEIcHlwaS5vcmc" + _chars(120),
    "rubygems": "rubygems_" + _chars(48, _HEX),
    "docker": "dckr_pat_" + _chars(27),
    "sentry": "sntrys_" + _chars(100),
    "postman": "PMAK-" + _chars(24, _HEX) + "-" + _chars(34, _HEX),
    "anthropic": "sk-ant-api03-" + _chars(90),
    "openai": "sk-" + _chars(48),
    "openai project": "sk-proj-" + _chars(60),
    "huggingface": "hf_" + _chars(34),
    "replicate": "r8_" + _chars(37),
    "groq": "gsk_" + _chars(52),
    "perplexity": "pplx-" + _chars(48),
    "slack bot": "xoxb-" + _chars(12, string.digits) + "-" + _chars(24),
    "slack app": "xapp-1-" + _chars(40),
    "stripe live": "sk_live_" + _chars(24),
    "stripe webhook": "whsec_" + _chars(32),
    "telegram": _chars(9, string.digits) + ":AA" + _chars(33),
    "discord": "M" + _chars(25) + "." + _chars(6) + "." + _chars(38),
    "twilio": "SK" + _chars(32, _HEX),
    "sendgrid": "SG." + _chars(22) + "." + _chars(43),
    "mailgun": "key-" + _chars(32, _HEX),
    "mailchimp": _chars(32, _HEX) + "-us12",
    "shopify": "shpat_" + _chars(32, _HEX),
    "square": "sq0atp-" + _chars(22),
    "new relic": "NRAK-" + _chars(27, string.ascii_uppercase + string.digits),
    "grafana": "glsa_" + _chars(32) + "_" + _chars(8, _HEX),
    "linear": "lin_api_" + _chars(40),
    "notion": "ntn_" + _chars(46),
    "airtable": "pat" + _chars(14) + "." + _chars(64, _HEX),
    "figma": "figd_" + _chars(40),
    "json web token": "eyJ" + _chars(30) + "." + "eyJ" + _chars(60) + "." + _chars(43),
    "age": "AGE-SECRET-KEY-1" + _chars(58, string.ascii_uppercase + string.digits),
    "bcrypt hash": "$2b$12$" + _chars(53),
    "argon2 hash": "$argon2id$v=19$m=10240,t=10,p=8$" + _chars(22) + "$" + _chars(32),
}

# In each of these the word HERE stands for a secret that carries no mark of its own.
PLACES = {
    "python string": 'password = "HERE"',
    "python single quotes": "db_password='HERE'",
    "annotated": 'api_key: str = "HERE"',
    "keyword argument": 'connect(host="db", user="me", passwd="HERE")',
    "attribute": 'client.secret_key = "HERE"',
    "camel case": 'clientSecret = "HERE"',
    "dict entry": '{"user": "me", "password": "HERE"}',
    "json": '{"access_token": "HERE", "expires_in": 3600}',
    "notebook source": '"source": ["api_key = \\"HERE\\"\\n"]',
    "environment in python": 'os.environ["WANDB_API_KEY"] = "HERE"',
    "setdefault": 'os.environ.setdefault("WANDB_API_KEY", "HERE")',
    "tuple": 'payload = [("password", "HERE")]',
    "bytes": 'secret = b"HERE"',
    "shell export": "export DB_PASSWORD=HERE",
    "env magic": "%env API_TOKEN=HERE",
    "dotenv line": "SECRET_KEY=HERE",
    "ini line": "[db]\nuser = me\npassword = HERE\n",
    "yaml line": "db:\n  user: me\n  password: HERE\n",
    "aws credentials": "aws_secret_access_key = HERE",
    "url": "https://me:HERE@example.org/data",
    "database url": "postgresql+psycopg2://me:HERE@db.example.org:5432/lab",
    "mongo url": "mongodb+srv://me:HERE@cluster.example.org/?retryWrites=true",
    "query": "https://example.org/api?x=1&access_token=HERE&y=2",
    "azure query": "https://a.blob.core.windows.net/c?sv=2022&sig=HERE&se=x",
    "connection string": "Server=db;Database=lab;User Id=me;Password=HERE;Encrypt=yes",
    "azure connection string": "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=HEREHERE==;EndpointSuffix=x",
    "command option": "tool --user me --password HERE --verbose",
    "command option with sign": "tool --api-key=HERE input.csv",
    "list of arguments": 'run(["tool", "--token", "HERE"])',
    "curl": "curl -s -u me:HERE https://example.org",
    "sshpass": "sshpass -p HERE ssh host",
    "mysql": "mysql -u root -pHERE lab",
    "authorization header": "Authorization: Bearer HERE",
    "basic authorization": "headers = {'Authorization': 'Basic HERE'}",
    "api key header": "-H 'X-Api-Key: HERE'",
    "requests auth": 'requests.get(url, auth=("me", "HERE"))',
    "netrc": "machine example.org login me password HERE",
    "pgpass": "db.example.org:5432:lab:me:HERE",
    "slack webhook": "https://hooks.slack.com/services/T000/B000/HEREHERE",
    "conda channel": "https://conda.example.org/t/ab-HEREHERE/channel",
    "cookie": "Cookie: sid=HERE; theme=dark",
    "kaggle": '{"username":"me","key":"HEX"}',
}


def _planted() -> list[tuple[str, str, str]]:
    planted = [
        (f"{name} in {place}", frame.replace("TOKEN", token), token) for name, token in TOKENS.items() for place, frame in FRAMES.items()
    ]
    for name, text in PLACES.items():
        secret = _chars(20)
        hexes = _chars(32, _HEX)
        planted.append((name, text.replace("HERE", secret).replace("HEX", hexes), hexes if "HEX" in text else secret))
    return planted


FRAMES = {
    "a cell": "client = Client('TOKEN')\nclient.run()",
    "a comment": "# use TOKEN for now",
    "a url": "https://example.org/x?a=TOKEN&b=1",
    "a patch": "@@ -1,2 +1,2 @@\n-old = 1\n+key = 'TOKEN'\n x = 2",
    "a command line": "upload data.csv TOKEN",
    "json": '{"value": "TOKEN"}',
}


def test_at_least_45_kinds_are_planted() -> None:
    assert len(TOKENS) + len(PLACES) >= 45


def test_99_of_100_planted_secrets_are_gone() -> None:
    planted = _planted()
    missed = [name for name, text, secret in planted if secret in redact(text)[0]]
    assert len(planted) > 200
    assert missed == []


@pytest.mark.parametrize("name", PLACES)
def test_a_secret_without_a_mark_is_found_where_it_stands(name: str) -> None:
    secret = _chars(24)
    hexes = _chars(32, _HEX)
    text, count = redact(PLACES[name].replace("HERE", secret).replace("HEX", hexes))
    assert secret not in text
    assert hexes not in text
    assert count >= 1
    assert "<redacted:" in text


def test_private_keys_go_and_the_number_of_lines_stays() -> None:
    key = "\n".join(
        ["-----BEGIN OPENSSH PRIVATE " + "KEY-----", *[_chars(70) for _ in range(20)], "-----END OPENSSH PRIVATE " + "KEY-----"]
    )
    text, count = redact(f"key = '''{key}'''\nx = 1\n")
    assert count == 1
    assert text.count("\n") == key.count("\n") + 2
    assert ast.parse(text)
    assert "KEY" not in text


def test_a_private_key_on_one_line_of_json_goes() -> None:
    key = "-----BEGIN PRIVATE " + "KEY-----\\n" + _chars(60) + "\\n-----END PRIVATE " + "KEY-----\\n"
    text, _ = redact('{"type": "service_account", "private_key": "' + key + '"}')
    assert "BEGIN" not in text
    assert ast.literal_eval(text)["type"] == "service_account"


def test_a_private_key_without_its_end_goes() -> None:
    body = _chars(64)
    assert body not in redact("-----BEGIN RSA PRIVATE " + f"KEY-----\n{body}\n{body}\n")[0]


def test_a_private_key_in_a_patch_leaves_the_hunk_its_length() -> None:
    lines = ["-----BEGIN RSA PRIVATE " + "KEY-----", _chars(64), "-----END RSA PRIVATE " + "KEY-----"]
    patch = "@@ -0,0 +1,3 @@\n" + "".join(f"+{line}\n" for line in lines) + " x\n"
    text = redact(patch)[0]
    assert [line[:1] for line in text.splitlines()] == ["@", "+", "+", "+", " "]


def test_values_of_secret_environment_variables_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_SECRET", "correct horse battery")
    monkeypatch.setenv("LAB_FOLDER", "plain horse battery")
    text, count = redact("print('correct horse battery', 'plain horse battery')")
    assert text == "print('<redacted:environment-variable>', 'plain horse battery')"
    assert count == 1


def test_redacting_twice_changes_nothing_more() -> None:
    for _, text, _ in _planted():
        once, _ = redact(text)
        assert redact(once) == (once, 0)


ORDINARY = """
password = getpass.getpass("password: ")
token = next(tokens)
token_type = "NAME"
api_key = os.environ["API_KEY"]
def connect(user: str, password: str | None = None, token: bytes = b"") -> None: ...
connect(user, password=password, token=self.token)
host, port, access_key, secret_key = s3_example_simple
TOKEN_ADJUST_PRIVILEGES = 0x00000020
pad_token = "<pad>"
secret_name = "database"
parser.add_argument("--password", "-p", help="password of the account")
parser.add_argument("--token", help="the --token option is required")
url = f"https://{user}:{password}@{host}/"
url = "https://user:%s@host" % password
headers = {"Authorization": f"Bearer {token}"}
key = "rates"; db["key"] = value; sort(key="t1")
keys = ["password", "passwd", "token"]
window_ms: 100
dtype: float64
tokens = np.zeros(10, dtype="float64")
sha = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
commit = "d53d628c4e7fd1a8b7f1a9d2d3a5b6c7d8e9f0a1"
passed = "all 20 tests"
assert tests_passed == "20"
x = {"tokenizer": "bert-base-uncased"}
<div class="sk-toggleable__label-arrow sk-estimator-doc-link-1">
data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk
ssh://git@example.org/lab/code.git
git@example.org:lab/code.git
"""


@pytest.mark.parametrize("line", [line for line in ORDINARY.splitlines() if line])
def test_ordinary_code_is_untouched(line: str) -> None:
    assert redact(line) == (line, 0)


@pytest.mark.parametrize("folder", [Path(os.__file__).parent, Path(np.__file__).parent])
def test_hardly_a_line_of_published_code_is_touched_and_it_still_parses(folder: Path) -> None:
    """Measured: 0.003 % of the standard library's lines, 0.001 % of numpy's."""
    paths = [path for path in sorted(folder.rglob("*.py")) if not {"site-packages", "test"} & set(path.relative_to(folder).parts)][::4]
    lines = touched = 0
    for path in paths:
        source = path.read_text(encoding="utf-8", errors="replace")
        text, count = redact(source)
        before, after = source.split("\n"), text.split("\n")
        assert len(before) == len(after)
        lines += len(before)
        if count:
            touched += sum(one != other for one, other in zip(before, after, strict=True))
            ast.parse(text)
    assert lines > 10_000
    assert touched / lines < 0.01


_HOSTILE = [
    "password" * 40_000,
    'password="' + "\\" * 300_000,
    "password: " + "a " * 150_000,
    "-----BEGIN PRIVATE " + "KEY-----\n" + "A" * 300_000,
    ("-----BEGIN PRIVATE " + "KEY-----") * 8_000,
    "https://" + "a" * 300_000,
    "://" * 100_000,
    "https://a:" * 30_000,
    "eyJ" + "a" * 300_000,
    "eyJ" * 100_000,
    "sk-" * 100_000,
    "machine login " * 20_000,
    "curl " * 60_000,
    "mysql " * 50_000,
    "Authorization: Bearer " * 14_000,
    "auth=(" * 50_000,
    "Cookie: a=" * 30_000,
    "--password " * 27_000,
    "token_" * 50_000,
    "M" * 300_000,
    "a.b:5432:" * 33_000,
    "password:" + " " * 300_000,
    "password[" + "x." * 150_000,
    "secret" + "-" * 300_000,
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", _HOSTILE, ids=[text[:12].strip() for text in _HOSTILE])
def test_hostile_text_takes_linear_time(text: str) -> None:
    """300 kB of what makes careless patterns explode; careless ones take minutes to years."""
    assert isinstance(redact(text)[0], str)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://me:pw@example.org/a.git", "https://example.org/a.git"),
        ("https://ghx@example.org/a.git", "https://example.org/a.git"),
        ("ssh://git:pw@example.org:22/a.git", "ssh://git@example.org:22/a.git"),
        ("git@example.org:lab/a.git", "git@example.org:lab/a.git"),
        ("https://example.org/a@b", "https://example.org/a@b"),
        ("/srv/git/a.git", "/srv/git/a.git"),
    ],
)
def test_urls_lose_who_and_keep_where(url: str, clean: str) -> None:
    assert redact_url(url) == clean


def test_url_query_secrets_go() -> None:
    assert "abcdef1234" not in redact_url("https://example.org/a?token=abcdef1234&x=1")


def test_arguments_after_secret_options_go() -> None:
    arguments = ["run.py", "--password", "hunter2", "--seed", "7", "--api-key=abc123def", "--token-file", "t.txt", "--fast"]
    assert redact_arguments(arguments) == [
        "run.py", "--password", "<redacted:option>", "--seed", "7", "--api-key=<redacted:api-key>", "--token-file", "t.txt", "--fast",
    ]  # fmt: skip


def test_a_password_of_digits_in_a_shell_goes() -> None:
    assert redact("PGPASSWORD=12345678 psql lab") == ("PGPASSWORD=<redacted:password> psql lab", 1)


def test_letters_that_grow_when_lowered_do_not_shift_the_cut() -> None:
    text, _ = redact('name = "İİİ"\npassword = "hunter2hunter2"\n')
    assert text == 'name = "İİİ"\npassword = "<redacted:password>"\n'
