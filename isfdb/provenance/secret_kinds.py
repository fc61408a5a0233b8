"""What secrets look like when they carry their own mark: one row a kind. It holds the table only; redaction.py searches.

Every pattern runs in linear time: what repeats is possessive or bounded, and no two neighbours can match the same character.
A group named ``secret`` marks what is removed; without one it is the whole match.
Patterns are compiled when one of their marks is first seen, so importing this module costs next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple


class SecretKind(NamedTuple):
    """One kind of secret that can be recognised wherever it stands."""

    name: str
    marks: tuple[str, ...]  # at least one of these stands in any text that holds such a secret
    pattern: str
    accept: Callable[[str], bool] | None = None


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Compile `pattern` once."""
    return re.compile(pattern)


def is_mixed(text: str) -> bool:
    """Say whether letters and digits are mixed, as in generated secrets and hardly ever in names."""
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def is_very_mixed(text: str) -> bool:
    """Say whether digits, small and capital letters are all there."""
    return is_mixed(text) and text.lower() != text != text.upper()


def _is_no_template(text: str) -> bool:
    # https://{user}:{password}@host and ftp://user:%s@host are code, not secrets
    return not text.startswith(("{", "%s", "%(", "$", "<", "*"))


_NO_WORD_BEFORE = r"(?<![A-Za-z0-9_])"


def _token(name: str, mark: str, rest: str, accept: Callable[[str], bool] | None = None) -> SecretKind:
    return SecretKind(name, (mark,), f"{_NO_WORD_BEFORE}{re.escape(mark)}{rest}", accept)


_CLOUDS = (
    SecretKind("aws-access-key-id", ("AKIA", "ASIA", "ABIA", "ACCA"), _NO_WORD_BEFORE + r"A(?:KI|SI|BI|CC)A[A-Z0-9]{16}(?![A-Za-z0-9])"),
    _token("gcp-api-key", "AIza", r"[A-Za-z0-9_-]{35}"),
    _token("google-oauth-token", "ya29.", r"[A-Za-z0-9_-]{20,}+"),
    _token("google-refresh-token", "1//0", r"[A-Za-z0-9_-]{30,}+"),
    _token("google-client-secret", "GOCSPX-", r"[A-Za-z0-9_-]{20,}+"),
    SecretKind("azure-account-key", ("AccountKey=", "AccessKey="), r"(?:Account|SharedAccess)Key=(?P<secret>[A-Za-z0-9+/%]{16,}+=*+)"),
    SecretKind("azure-signature", ("sig=",), r"(?<=[?&;])sig=(?P<secret>[A-Za-z0-9%+/_-]{20,}+=*+)"),
    SecretKind("azure-client-secret", ("Q~",), _NO_WORD_BEFORE + r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}"),
    SecretKind("digitalocean-token", ("dop_v1_", "doo_v1_", "dor_v1_"), _NO_WORD_BEFORE + r"do[opr]_v1_[a-f0-9]{64}"),
    _token("heroku-key", "HRKU-", r"[A-Za-z0-9_-]{30,}+"),
    _token("databricks-token", "dapi", r"[a-f0-9]{32}(?:-[0-9])?"),
    _token("alibaba-key-id", "LTAI", r"[A-Za-z0-9]{16,24}+", is_mixed),
    _token("planetscale-token", "pscale_", r"[a-z]{2,6}_[A-Za-z0-9_.-]{30,}+"),
    SecretKind("vault-token", ("hvs.", "hvb."), _NO_WORD_BEFORE + r"hv[sb]\.[A-Za-z0-9_-]{20,}+"),
    SecretKind("terraform-token", (".atlasv1.",), _NO_WORD_BEFORE + r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{50,}+"),
    _token("doppler-token", "dp.", r"(?:pt|st|ct|sa|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}"),
)

_CODE_HOSTS = (
    SecretKind("github-token", ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"), _NO_WORD_BEFORE + r"gh[pousr]_[A-Za-z0-9]{30,}+"),
    _token("github-token", "github_pat_", r"[A-Za-z0-9_]{36,}+"),
    SecretKind(
        "gitlab-token",
        ("glpat-", "glptt-", "gldt-", "glrt-", "glcbt-", "glsoat-", "glagent-", "glft-", "glimt-", "GR1348941"),
        _NO_WORD_BEFORE + r"(?:gl(?:pat|ptt|dt|rt|cbt|soat|agent|ft|imt)-|GR1348941)[A-Za-z0-9_.-]{18,}+",
    ),
    _token("bitbucket-token", "ATBB", r"[A-Za-z0-9]{24,}+"),
    _token("bitbucket-token", "BBDC-", r"[A-Za-z0-9+/=]{30,}+"),
    _token("atlassian-token", "ATATT3", r"[A-Za-z0-9_=-]{40,}+"),
    _token("npm-token", "npm_", r"[A-Za-z0-9]{36}"),
    _token("pypi-token", "pypi-", r"[A-Za-z0-9_-]{50,}+"),
    _token("rubygems-token", "rubygems_", r"[a-f0-9]{48}"),
    _token("crates-token", "cio", r"[A-Za-z0-9]{32}(?![A-Za-z0-9])", is_very_mixed),
    _token("docker-token", "dckr_", r"(?:pat|oat)_[A-Za-z0-9_-]{20,}+"),
    SecretKind("conda-token", ("/t/",), r"(?<=/t/)(?P<secret>[A-Za-z]{2}-[A-Za-z0-9-]{20,}+)(?=/)"),
    SecretKind("sentry-token", ("sntrys_", "sntryu_"), _NO_WORD_BEFORE + r"sntry[su]_[A-Za-z0-9+/=_]{40,}+"),
    _token("postman-key", "PMAK-", r"[a-f0-9]{24}-[a-f0-9]{34}"),
)

_MODELS = (
    _token("anthropic-key", "sk-ant-", r"[A-Za-z0-9_-]{20,}+"),
    SecretKind("openai-key", ("sk-",), r"(?<![\w-])sk-(?!ant-)[A-Za-z0-9_-]{20,}+", is_very_mixed),
    _token("huggingface-token", "hf_", r"[A-Za-z0-9]{30,}+"),
    _token("huggingface-token", "api_org_", r"[A-Za-z0-9]{30,}+"),
    _token("replicate-token", "r8_", r"[A-Za-z0-9]{30,}+"),
    _token("groq-key", "gsk_", r"[A-Za-z0-9]{40,}+"),
    _token("perplexity-key", "pplx-", r"[A-Za-z0-9]{40,}+"),
    _token("xai-key", "xai-", r"[A-Za-z0-9]{60,}+"),
    _token("langsmith-key", "lsv2_", r"[a-z]{2}_[a-f0-9]{32}_[a-f0-9]{10}"),
    _token("wandb-key", "wandb_v1_", r"[A-Za-z0-9_]{40,}+"),
)

_SERVICES = (
    SecretKind("slack-token", ("xox", "xapp-"), _NO_WORD_BEFORE + r"(?:xox[a-z](?:\.xox[a-z])?-|xapp-)[A-Za-z0-9-]{10,}+"),
    SecretKind("slack-webhook", ("hooks.slack.com/",), r"hooks\.slack\.com/[a-z]{4,12}/(?P<secret>[A-Za-z0-9+/_-]{20,}+)"),
    SecretKind("discord-webhook", ("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/(?P<secret>[0-9]{15,22}/[A-Za-z0-9_-]{40,}+)"),
    SecretKind(
        "discord-token",
        ("M", "N", "O"),
        _NO_WORD_BEFORE + r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}(?![\w-])",
        is_very_mixed,
    ),
    SecretKind("telegram-token", (":AA",), r"(?<![0-9])[0-9]{8,10}:AA[A-Za-z0-9_-]{32,35}(?![\w-])"),
    SecretKind(
        "stripe-key",
        ("sk_live_", "rk_live_", "sk_test_", "rk_test_", "whsec_"),
        _NO_WORD_BEFORE + r"(?:[sr]k_(?:live|test)_|whsec_)[A-Za-z0-9+/=]{16,}+",
    ),
    _token("twilio-key", "SK", r"[a-f0-9]{32}(?![A-Za-z0-9])"),
    SecretKind("sendgrid-key", ("SG.",), _NO_WORD_BEFORE + r"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}+"),
    _token("mailgun-key", "key-", r"[a-f0-9]{32}(?![A-Za-z0-9])"),
    SecretKind("mailchimp-key", ("-us",), _NO_WORD_BEFORE + r"[a-f0-9]{32}-us[0-9]{1,2}(?![A-Za-z0-9])"),
    SecretKind("shopify-token", ("shpat_", "shpca_", "shppa_", "shpss_"), _NO_WORD_BEFORE + r"shp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}"),
    SecretKind("square-token", ("sq0",), _NO_WORD_BEFORE + r"sq0(?:atp|csp|idp)-[A-Za-z0-9_-]{20,}+"),
    _token("new-relic-key", "NRAK-", r"[A-Z0-9]{27}"),
    SecretKind("grafana-token", ("glsa_", "glc_"), _NO_WORD_BEFORE + r"(?:glsa|glc)_[A-Za-z0-9+/=_]{32,}+"),
    _token("linear-key", "lin_api_", r"[A-Za-z0-9]{32,}+"),
    SecretKind("notion-token", ("ntn_", "secret_"), _NO_WORD_BEFORE + r"(?:ntn_|secret_)[A-Za-z0-9]{40,}+"),
    SecretKind("airtable-token", ("pat",), _NO_WORD_BEFORE + r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    _token("facebook-token", "EAA", r"[A-Za-z0-9]{60,}+", is_very_mixed),
    _token("figma-token", "figd_", r"[A-Za-z0-9_-]{30,}+"),
    _token("dropbox-token", "sl.", r"[A-Za-z0-9_-]{100,}+"),
    _token("mapbox-token", "sk.eyJ", r"[A-Za-z0-9_.-]{40,}+"),
)

_GENERAL = (
    SecretKind("jwt", ("eyJ",), _NO_WORD_BEFORE + r"eyJ[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]{8,}+\.[A-Za-z0-9_-]*+"),
    _token("age-key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    SecretKind("url-password", ("://",), r"(?<=://)(?:[^\s/@:\"'<>\\]{0,100}+):(?P<secret>[^\s/@\"'<>\\]{1,200}+)@", _is_no_template),
    SecretKind("url-token", ("://",), r"(?<=://)(?P<secret>[A-Za-z0-9_-]{16,200}+)@", is_mixed),
    SecretKind(
        "authorization",
        ("uthorization", "UTHORIZATION"),
        r"(?i:authorization)(?:\\?[\"'])?\s{0,4}\]?\s{0,4}[:=,]\s{0,4}[fFbBrR]{0,2}(?:\\?[\"'])?"
        r"(?i:bearer|basic|token|digest|apikey|negotiate|aws4-hmac-sha256)\s{1,4}(?P<secret>[^\s\"'\\{}<>$%]{4,}+)",
    ),
    SecretKind(
        "bearer-token", ("earer ", "EARER "), r"(?<![A-Za-z0-9_])(?i:bearer)\s{1,4}(?P<secret>[A-Za-z0-9_.~+/-]{12,}+=*+)", is_mixed
    ),
    SecretKind("cookie", ("ookie:",), r"(?<![A-Za-z0-9_])(?:[Ss]et-)?[Cc]ookie:[ \t]{0,4}(?P<secret>[^\s\"']{1,80}?=[^\n\"']{6,4000}+)"),
    SecretKind(
        "netrc-password",
        ("machine", "login"),
        r"(?:machine\s{1,4}\S{1,200}\s{1,8})?login\s{1,4}\S{1,200}\s{1,8}password\s{1,4}(?P<secret>[^\s\"']{1,200}+)",
    ),
    SecretKind(
        "pgpass-line",
        (":5432:", ":*:"),
        r"(?m:^)[+-]?[A-Za-z0-9_.*-]{1,120}+:(?:[0-9]{2,5}|\*):[\w*-]{1,60}+:[\w*-]{1,60}+:(?P<secret>[^\s:\"']{3,200}+)(?m:$)",
    ),
    SecretKind(
        "password-hash",
        ("$argon2", "$2", "$6$", "$5$", "$y$"),
        r"\$(?:argon2(?:id|i|d)\$|2[abxy]?\$[0-9]{2}\$|[56]\$|y\$)[A-Za-z0-9./+=,$]{20,}+",
    ),
    SecretKind("kaggle-key", ('"key"', "'key'"), r"[\"']key[\"']\s{0,4}:\s{0,4}[\"'](?P<secret>[a-f0-9]{32})[\"']"),
    SecretKind(
        "credentials-pair",
        ("auth", "Auth", "curl", "wget"),
        r"(?:(?<![A-Za-z0-9])(?:auth|basic_auth|http_auth)\s{0,4}=\s{0,4}\(|(?:HTTPBasicAuth|HTTPDigestAuth|BasicAuth|HTTPProxyAuth)\()\s{0,4}"
        r"(?:[\"'][^\"'\n]{0,100}[\"']|[A-Za-z_][\w.]{0,60})\s{0,4},\s{0,4}[\"'](?P<secret>[^\"'\n]{1,200})[\"']",
    ),
    SecretKind(
        "command-password",
        ("curl ", "wget "),
        r"(?:curl|wget) [^\n]{0,300}?(?:-u|--user)[ =][\"']?[^\s:\"']{1,80}:(?P<secret>[^\s\"']{1,200}+)",
    ),
    SecretKind("command-password", ("sshpass",), r"sshpass\s{1,4}-p\s{0,4}[\"']?(?P<secret>[^\s\"']{1,200}+)"),
    SecretKind(
        "command-password",
        ("mysql", "mariadb"),
        r"(?:mysql\w{0,12}|mariadb) (?:[^\n\"']{0,200}? )?-p(?P<secret>[^\s\"'=-][^\s\"']{3,200}+)",
    ),
)

SECRET_KINDS: tuple[SecretKind, ...] = _CLOUDS + _CODE_HOSTS + _MODELS + _SERVICES + _GENERAL
