"""Keys and tokens of providers: each a literal beginning, looked for as one, and the pattern of the rest.

Providers give their keys a prefix so that they can be found; a table holds them, and a pattern is compiled
at its first use.  Every repeat is bounded.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from chatlog.redaction.checks import jwt, mixed
from chatlog.redaction.text import Found, Rule, Text, pattern

_W = r"[A-Za-z0-9_-]"
_A = "[A-Za-z0-9]"
_HEX = "[0-9a-f]"
_B64 = "[A-Za-z0-9+/]"
#: The alphabet of crypt(3), which is another base64.
_CRYPT = "[A-Za-z0-9./]"


class Token(NamedTuple):
    """A token's kind, the literal it begins with, the pattern of what follows."""

    kind: str
    hint: str
    rest: str


#: Beginnings that are no word's: what follows needs no other sign of being random.
DISTINCT = (
    Token("anthropic_key", "sk-ant-", _W + "{20,250}"),
    Token("openai_key", "sk-proj-", _W + "{20,250}"),
    Token("openai_key", "sk-svcacct-", _W + "{20,250}"),
    Token("openai_key", "sk-admin-", _W + "{20,250}"),
    Token("openrouter_key", "sk-or-v1-", _HEX + "{32,64}"),
    Token("github_token", "ghp_", _A + "{30,255}"),
    Token("github_token", "gho_", _A + "{30,255}"),
    Token("github_token", "ghu_", _A + "{30,255}"),
    Token("github_token", "ghs_", r"(?:\w{1,40}eyJ[\w.-]{30,3000}\w|[A-Za-z0-9]{30,255})"),
    Token("github_token", "ghr_", _A + "{30,255}"),
    Token("github_token", "github_pat_", r"\w{22,255}"),
    *(
        Token("gitlab_token", f"gl{what}-", _W + r"{20,300}(?:\.[0-9a-z]{2}\.?[0-9a-z]{7,9})?")
        for what in (
            *("pat", "dt", "rt", "rtr", "ptt", "cbt", "oas", "soat"),
            *("ft", "imt", "agent", "wt", "ffct"),
        )
    ),
    Token("gitlab_token", "GR1348941", _W + "{20}"),
    Token("slack_token", "xoxb-", _W + "{10,250}"),
    Token("slack_token", "xoxp-", _W + "{10,250}"),
    Token("slack_token", "xoxa-", _W + "{10,250}"),
    Token("slack_token", "xoxe", r"[.-][A-Za-z0-9.-]{10,250}"),
    Token("slack_token", "xoxs-", _W + "{10,250}"),
    Token("slack_token", "xoxc-", _W + "{10,250}"),
    Token("slack_token", "xoxd-", r"[A-Za-z0-9%+/=_-]{10,250}"),
    Token("slack_token", "xoxr-", _W + "{10,250}"),
    Token("slack_token", "xapp-", r"\d-[A-Za-z0-9-]{10,250}"),
    Token("slack_webhook", "hooks.slack.com/", r"(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,200}"),
    *(
        Token("discord_webhook", f"{host}.com/api/webhooks/", r"\d{10,25}/" + _W + "{20,100}")
        for host in ("discord", "discordapp")
    ),
    Token(
        "teams_webhook",
        "webhook.office.com/webhookb2/",
        r"[0-9a-f@-]{70,80}/IncomingWebhook/[0-9a-f]{32}/[\w-]{36,100}",
    ),
    Token("zapier_webhook", "hooks.zapier.com/hooks/catch/", r"\d{4,12}/[a-z0-9]{5,20}"),
    Token("google_key", "AIza", _W + "{35}"),
    Token("google_key", "AQ.Ab", _W + "{40,80}"),
    Token("google_token", "ya29.", _W + "{20,1000}"),
    Token("google_token", "1//0", _W + "{60,200}"),
    Token("google_secret", "GOCSPX-", _W + "{20,40}"),
    Token("huggingface_token", "hf_", _A + "{30,60}"),
    Token("huggingface_token", "api_org_", _A + "{30,60}"),
    Token("groq_key", "gsk_", _A + "{40,80}"),
    Token("xai_key", "xai-", _A + "{40,120}"),
    Token("perplexity_key", "pplx-", _A + "{40,80}"),
    Token("replicate_token", "r8_", _A + "{37,40}"),
    Token("fireworks_key", "fw_", _A + "{22,40}"),
    Token("tavily_key", "tvly-", _W + "{20,60}"),
    Token("nvidia_key", "nvapi-", _W + "{40,100}"),
    Token("pinecone_key", "pcsk_", r"\w{30,100}"),
    Token("langsmith_key", "lsv2_", r"(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}"),
    Token("jina_key", "jina_", _W + "{30,80}"),
    Token("cerebras_key", "csk-", _A + "{40,60}"),
    Token("together_key", "tgp_v1_", _W + "{30,60}"),
    Token("wandb_key", "wandb_v1_", r"\w{40,120}"),
    Token("runpod_key", "rpa_", "[A-Z0-9]{36,60}[a-z0-9]{0,8}"),
    Token("e2b_key", "e2b_", _HEX + "{40}"),
    Token("context7_key", "ctx7sk-", "[0-9a-f-]{32,40}"),
    Token("anyscale_key", "esecret_", _A + "{20,60}"),
    Token("coze_token", "pat_", _A + "{64}"),
    Token("yandex_key", "AQVN", _W + "{35,38}"),
    Token("stripe_key", "sk_live_", _A + "{16,250}"),
    Token("stripe_key", "sk_test_", _A + "{16,250}"),
    Token("stripe_key", "sk_prod_", _W + "{16,250}"),
    Token("stripe_key", "sk_org_live_", _A + "{16,250}"),
    Token("stripe_key", "sk_org_test_", _A + "{16,250}"),
    Token("stripe_key", "rk_live_", _A + "{16,250}"),
    Token("stripe_key", "rk_test_", _A + "{16,250}"),
    Token("webhook_secret", "whsec_", r"[A-Za-z0-9+/=]{24,100}"),
    Token("sendgrid_key", "SG.", _W + r"{16,32}\.[A-Za-z0-9_-]{30,64}"),
    Token("brevo_key", "xkeysib-", r"[0-9a-f]{64}-[A-Za-z0-9]{16}"),
    Token("npm_token", "npm_", _A + "{36}"),
    Token("pypi_token", "pypi-", _W + "{50,1000}"),
    Token("rubygems_key", "rubygems_", _HEX + "{48}"),
    Token("docker_token", "dckr_pat_", _W + "{24,40}"),
    Token("docker_token", "dckr_oat_", _W + "{24,40}"),
    Token("digitalocean_token", "dop_v1_", _HEX + "{64}"),
    Token("digitalocean_token", "doo_v1_", _HEX + "{64}"),
    Token("digitalocean_token", "dor_v1_", _HEX + "{64}"),
    Token("fly_token", "fo1_", _W + "{40,60}"),
    *(Token("fly_token", f"fm1{what}_", r"[A-Za-z0-9+/]{100,2000}={0,3}") for what in "ar"),
    Token("fly_token", "fm2_", r"[A-Za-z0-9+/=_,-]{60,2000}"),
    Token("heroku_key", "HRKU-", _W + "{30,80}"),
    Token("netlify_token", "nfp_", _A + "{36,44}"),
    *(Token("vercel_token", f"vc{what}_", _A + "{24,80}") for what in "piark"),
    Token("vercel_token", "vercel_blob_rw_", r"\w{30,80}"),
    *(Token("cloudflare_token", f"cf{what}_", _A + "{40,60}") for what in ("k", "ut", "at")),
    Token("cloudflare_token", "v1.0-", _HEX + "{24}-" + _HEX + "{146}"),
    Token("render_key", "rnd_", _A + "{28,40}"),
    Token("neon_key", "napi_", _A + "{40,80}"),
    Token("supabase_key", "sbp_", _HEX + "{40}"),
    Token("supabase_key", "sb_secret_", _W + "{20,60}"),
    Token("planetscale_token", "pscale_", r"(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{30,64}"),
    Token("databricks_token", "dapi", _HEX + r"{32}(?:-\d)?"),
    Token("linear_key", "lin_api_", _A + "{32,48}"),
    Token("linear_key", "lin_oauth_", _A + "{32,80}"),
    Token("postman_key", "PMAK-", _HEX + "{24}-" + _HEX + "{34}"),
    Token("artifactory_token", "cmVmdGtu", _A + "{50,64}"),
    Token("artifactory_token", "AKCp", _A + "{60,80}"),
    Token("braintree_token", "access_token$production$", r"[0-9a-z]{16}\$[0-9a-f]{32}"),
    Token("plaid_token", "access-", "(?:sandbox|development|production)-[0-9a-f-]{36}"),
    Token("meta_token", "EAA", _A + "{80,400}"),
    Token("linkedin_secret", "WPL_AP", r"\d\.[\w.=]{20,60}"),
    Token("dropbox_token", "sl.", r"(?:u\.)?[\w-]{100,1500}"),
    *(Token("sonar_token", f"sq{what}_", _HEX + "{40}") for what in "pua"),
    Token("circleci_token", "CCIPAT_", r"\w{22}_[0-9a-f]{40}"),
    Token("circleci_token", "CCIPRJ_", r"\w{22}_[0-9a-f]{40}"),
    Token("buildkite_token", "bkua_", _HEX + "{40}"),
    Token("flutterwave_key", "FLWSECK", "(?:_TEST)?-[0-9a-f]{12,32}(?:-X)?"),
    Token("mapbox_token", "sk.eyJ", r"[\w-]{40,300}\.[\w-]{20,40}"),
    Token("alchemy_key", "alchemy.com/v2/", _W + "{20,40}"),
    Token("infura_key", "infura.io/v3/", _HEX + "{32}"),
    Token("llamacloud_key", "llx-", _W + "{40,60}"),
    Token("apify_token", "apify_api_", _A + "{30,44}"),
    Token("cursor_key", "crsr_", _W + "{40,80}"),
    Token("sourcegraph_token", "sgp_", "(?:(?:[0-9a-fA-F]{16}|local)_)?[0-9a-fA-F]{40}"),
    Token("browserbase_key", "bb_live_", _W + "{20,40}"),
    Token("friendli_token", "flp_", _A + "{30,60}"),
    Token("hubspot_token", "pat-", r"(?:na|eu|ap)\d-[0-9a-f]{8}-[0-9a-f-]{27}"),
    Token("mailersend_token", "mlsn.", "[0-9a-z]{60,80}"),
    Token("brevo_key", "xsmtpsib-", _HEX + "{64}-" + _A + "{16}"),
    Token("bitbucket_token", "ATBB", _A + "{32}(?![A-Za-z0-9])"),
    Token("asana_token", "1/", r"\d{16}:[0-9a-f]{32}"),
    Token("asana_token", "2/", r"\d{16}/\d{16}:[0-9a-f]{32}"),
    Token("x_token", "A" * 21, "[A-Za-z0-9]{10,60}%[23][A-F][A-Za-z0-9%]{20,100}"),
    Token("trello_token", "ATTA", "[0-9a-fA-F]{64,72}"),
    Token("clickup_token", "pk_", r"\d{6,10}_[A-Z0-9]{32}"),
    Token("newrelic_key", "NRII-", _W + "{32}"),
    Token("grafana_token", "eyJrIjoi", r"[A-Za-z0-9+/]{60,400}={0,2}(?![A-Za-z0-9_.-])"),
    Token("1password_key", "A3-", "[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    Token("infisical_token", "st.", r"[0-9a-f-]{24,36}\.[0-9a-f]{32}\.[0-9a-f]{32}"),
    Token("paddle_key", "pdl_", r"(?:live|sdbx)_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}"),
    Token("polar_token", "polar_", r"(?:oat|pat|at)_[A-Za-z0-9_-]{30,100}"),
    Token("easypost_key", "EZAK", _A + "{54}"),
    Token("easypost_key", "EZTK", _A + "{54}"),
    Token("duffel_token", "duffel_", r"(?:test|live)_[A-Za-z0-9_=-]{43}"),
    Token("shippo_token", "shippo_", "(?:test|live)_[0-9a-fA-F]{40}"),
    Token("prefect_key", "pnu_", _A + "{36}"),
    Token("readme_key", "rdme_", "[a-z0-9]{70}"),
    Token("openshift_token", "sha256~", _W + "{43}"),
    Token("clojars_token", "CLOJARS_", "[0-9a-z]{60}"),
    Token("typeform_token", "tfp_", r"[\w.=-]{40,80}"),
    Token("frameio_token", "fio-u-", r"[\w=-]{64}"),
    Token("adobe_secret", "p8e-", "[A-Za-z0-9]{32}"),
    Token("contentful_token", "CFPAT-", _W + "{43}"),
    Token("buildkite_token", "bkct_", _W + "{36,60}"),
    Token("inngest_key", "signkey-", r"[a-z]{3,20}-[0-9a-f]{64}"),
    Token("snyk_token", "snyk_", r"(?:uat|sat)\.[0-9a-f]{8}\.eyJ[\w-]{20,2000}(?:\.[\w-]{20,400}){0,2}"),
    Token("baidu_key", "bce-v3/ALTAK-", r"[A-Za-z0-9]{21}/[0-9a-f]{40}"),
    Token("harness_key", "pat.", r"[\w-]{22}\.[0-9a-zA-Z]{24}\.[0-9a-zA-Z]{20}"),
    Token("yandex_token", "t1.", r"[\w-]{20,300}={0,2}\.[\w-]{86}={0,2}"),
    Token("notion_token", "ntn_", _A + "{40,60}"),
    Token("notion_token", "secret_", _A + "{43}"),
    Token("atlassian_token", "ATATT3", r"[A-Za-z0-9_=-]{100,300}"),
    Token("atlassian_token", "ATCTT3", r"[A-Za-z0-9_=-]{100,300}"),
    Token("figma_token", "figd_", _W + "{36,60}"),
    Token("airtable_token", "pat", _A + r"{14}\.[0-9a-f]{64}"),
    Token("shopify_token", "shpat_", "[0-9a-fA-F]{32}"),
    Token("shopify_token", "shpca_", "[0-9a-fA-F]{32}"),
    Token("shopify_token", "shppa_", "[0-9a-fA-F]{32}"),
    Token("shopify_token", "shpss_", "[0-9a-fA-F]{32}"),
    Token("square_token", "sq0", r"(?:atp|csp|idp)-[A-Za-z0-9_-]{22,50}"),
    Token("grafana_token", "glsa_", r"\w{32}_[0-9a-fA-F]{8}"),
    Token("grafana_token", "glc_", r"[A-Za-z0-9+/=]{32,400}"),
    Token("vault_token", "hvs.", _W + "{24,300}"),
    Token("vault_token", "hvb.", _W + "{24,300}"),
    Token("pulumi_token", "pul-", _HEX + "{40}"),
    Token("doppler_token", "dp.", r"(?:pt|ct|sa|scim|audit|st(?:\.[a-z0-9_-]{2,35})?)\.[A-Za-z0-9]{40,44}"),
    Token("newrelic_key", "NRAK-", "[A-Z0-9]{27}"),
    Token("sentry_token", "sntrys_", r"[A-Za-z0-9+/=_]{40,500}"),
    Token("sentry_token", "sntryu_", _HEX + "{64}"),
    Token("posthog_key", "phx_", _A + "{40,60}"),
    Token("dynatrace_token", "dt0c01.", r"[A-Z0-9]{24}\.[A-Z0-9]{64}"),
    Token("tailscale_key", "tskey-", r"[a-z]{2,12}-[A-Za-z0-9]{5,40}-[A-Za-z0-9]{10,60}"),
    Token("1password_token", "ops_eyJ", r"[A-Za-z0-9+/=_-]{100,2000}"),
    Token("age_key", "AGE-SECRET-KEY-1", "[0-9A-Z]{58}"),
    Token("aws_key", "bedrock-api-key-", r"[A-Za-z0-9+/]{60,4000}={0,2}"),
    Token("aws_key", "ABSK", r"[A-Za-z0-9+/]{60,269}={0,2}"),
    Token("azure_key", "AccountKey=", r"[A-Za-z0-9+/]{40,88}={0,2}"),
    Token("azure_key", "sig=", r"[A-Za-z0-9%+/]{40,70}(?:%3[Dd]|=)"),
    Token("azure_key", "SharedAccessKey=", r"[A-Za-z0-9+/]{30,88}={0,2}"),
    *(Token("aws_key", prefix, "[A-Z2-7]{16}(?![A-Za-z0-9])") for prefix in ("AKIA", "ASIA", "ABIA", "ACCA")),
)
#: Passwords as they are kept, which are guessed at leisure by whoever has them: crypt(3)'s, those of frameworks, of
#: directories, of databases.
HASHED = (
    *(Token("password_hash", f"$2{what}$", rf"\d\d\${_CRYPT}{{53}}") for what in "aby"),
    *(
        Token("password_hash", f"$argon2{what}$", rf"[a-z0-9=,$]{{5,80}}\${_B64}{{8,100}}\${_B64}{{16,200}}")
        for what in ("id", "i", "d")
    ),
    *(
        Token("password_hash", sign, rf"(?:rounds=\d{{1,9}}\$)?{_CRYPT}{{1,16}}\${_CRYPT}{{{size}}}(?![A-Za-z0-9./])")
        for sign, size in (("$1$", 22), ("$apr1$", 22), ("$5$", 43), ("$6$", 86))
    ),
    *(Token("password_hash", sign, rf"{_CRYPT}{{1,20}}\${_CRYPT}{{1,86}}\${_CRYPT}{{43}}") for sign in ("$y$", "$gy$")),
    *(Token("password_hash", sign, _CRYPT + "{31}(?![A-Za-z0-9./])") for sign in ("$P$", "$H$")),
    Token("password_hash", "$S$", _CRYPT + "{52}(?![A-Za-z0-9./])"),
    Token("password_hash", "$scrypt$", rf"ln=\d{{1,2}},r=\d{{1,3}},p=\d{{1,3}}\${_B64}{{8,100}}\${_B64}{{20,200}}"),
    Token("password_hash", "$pbkdf2", rf"(?:-sha\d{{1,3}})?\$\d{{1,8}}\${_CRYPT}{{6,100}}\${_CRYPT}{{20,100}}"),
    Token("password_hash", "pbkdf2_sha", rf"\d{{1,3}}\$\d{{1,8}}\$[\w.+/-]{{4,64}}\${_B64}{{27,90}}={{0,2}}"),
    Token("password_hash", "pbkdf2:sha", r"\d{1,3}(?::\d{1,8})?\$[A-Za-z0-9]{4,32}\$[0-9a-f]{40,128}"),
    Token("password_hash", "scrypt:", r"\d{1,8}:\d{1,3}:\d{1,3}\$[A-Za-z0-9]{4,32}\$[0-9a-f]{128}"),
    Token("password_hash", "{SSHA", rf"(?:256|384|512)?\}}{_B64}{{30,140}}={{0,2}}"),
    Token(
        "password_hash",
        "SCRAM-SHA-256$",
        rf"\d{{1,8}}:{_B64}{{8,100}}={{0,2}}\${_B64}{{40,64}}={{0,2}}:{_B64}{{40,64}}={{0,2}}",
    ),
)
#: What makes an address of a bucket one that anybody may read; SAS's stands among the keys of Azure.
SIGNED = (
    Token("signed_url", "X-Amz-Signature=", _HEX + "{64}"),
    Token("signed_url", "X-Amz-Security-Token=", r"[\w%+/-]{50,4000}={0,2}"),
    Token("signed_url", "X-Goog-Signature=", _HEX + "{64,1024}"),
    Token("signed_url", "Signature=", r"[\w%+/~-]{24,700}={0,2}"),
)
#: Beginnings that words have too: what follows must be as random as a key.
COMMON = (
    Token("openai_key", "sk-", "(?!or-v1-)" + _W + "{20,250}"),
    Token("elevenlabs_key", "sk_", "[0-9a-f]{40,64}"),
    Token("mailgun_key", "key-", _HEX + "{32}"),
    Token("resend_key", "re_", r"[A-Za-z0-9]{8}_[A-Za-z0-9]{20,30}"),
    Token("firecrawl_key", "fc-", _HEX + "{32}"),
    Token("square_token", "EAAA", _W + "{58,64}(?![A-Za-z0-9_-])"),
    Token("voyage_key", "pa-", _W + "{40,50}(?![A-Za-z0-9_-])"),
    Token("modal_token", "ak-", _A + "{22}(?![A-Za-z0-9_-])"),
    Token("modal_token", "as-", _A + "{22}(?![A-Za-z0-9_-])"),
    Token("cursor_key", "key_", _HEX + "{64}"),
    Token("brave_key", "BSA", _W + "{27,29}(?![A-Za-z0-9_-])"),
    Token("crates_token", "cio", _A + "{32}(?![A-Za-z0-9_-])"),
    Token("nuget_key", "oy2", "[a-z0-9]{43}(?![A-Za-z0-9_-])"),
    Token("alibaba_key", "LTAI", _A + "{16,24}(?![A-Za-z0-9_-])"),
    Token("tencent_key", "AKID", _A + "{32}(?![A-Za-z0-9_-])"),
    Token("openai_key", "sess-", _A + "{40}"),
    Token("novita_key", "sk_", _W + "{43}(?![A-Za-z0-9_-])"),
    Token("infracost_key", "ico-", _A + "{32}"),
    Token("octopus_key", "API-", "[A-Z0-9]{26}(?![A-Z0-9])"),
    Token("launchdarkly_key", "sdk-", "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
    Token("confluent_key", "cflt", "[A-Za-z0-9+/]{60}(?![A-Za-z0-9])"),
    Token("stytch_secret", "secret-", r"(?:live|test)-[\w-]{32,40}={0,2}"),
    Token("lambda_key", "secret_", r"[0-9a-z_-]{8,40}_[0-9a-f]{32}\.[A-Za-z0-9]{32}"),
    Token("twilio_key", "SK", _HEX + "{32}(?![A-Za-z0-9])"),
)
JWT = Token("jwt", "eyJ", r"[A-Za-z0-9_-]{8,4000}\.[A-Za-z0-9_-]{4,16000}\.[A-Za-z0-9_-]{0,2000}")
#: Where the literal is in the middle: (kind, literal, how far before it to begin, pattern).
_INNER = (
    ("telegram_token", ":AA", (10, 9, 8), r"\d{8,10}:AA[A-Za-z0-9_-]{33}(?![A-Za-z0-9_-])"),
    ("terraform_token", ".atlasv1.", (14,), r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    ("azure_key", "JQQJ99", (52,), r"[A-Za-z0-9]{52}JQQJ99[A-Za-z0-9]{26}"),
    ("azure_key", "Q~", (4,), r"[A-Za-z0-9_~.]{3}\dQ~[A-Za-z0-9_~.-]{31,34}"),
    ("azure_key", "AZDO", (76, 75), r"[A-Za-z0-9]{75,76}AZDO[A-Za-z0-9]{4,5}"),
    *(
        ("azure_key", sign, (76,), rf"[A-Za-z0-9+/]{{76}}{re.escape(sign)}[A-Za-z0-9+/]{{5,6}}==")
        for sign in ("+ASt", "ACDb")
    ),
    ("azure_key", "AzFu", (44,), r"[\w-]{44}AzFu[\w-]{6}=="),
    ("azure_key", "+ACR", (42,), r"[A-Za-z0-9+/]{42}\+ACR[A-Za-z0-9]{6}"),
    ("azure_key", "AzSe", (42,), r"[A-Za-z0-9]{42}AzSe[A-Za-z0-9]{6}"),
    ("meta_token", "|", (16, 15), r"\d{15,16}\|[\w-]{27}(?![\w-])"),
    ("newrelic_key", "FFFFNRAL", (32,), r"[0-9a-f]{32}FFFFNRAL"),
    ("maxmind_key", "_mmk", (36,), r"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk"),
    ("mailchimp_key", "-us", (32,), r"[0-9a-f]{32}-us\d{1,2}(?!\d)"),
)
_RUN = "[A-Za-z0-9_-]*"
#: A bot's token: its id, a time, a signature.
_DISCORD = r"[MNO][A-Za-z0-9_-]{23,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}(?![A-Za-z0-9_-])"


def rules() -> tuple[Rule, ...]:
    """Return a rule for each token."""
    return (
        *(Rule(token.kind, "secrets", _finder(token), token.hint) for token in (*DISTINCT, *HASHED)),
        *(Rule(token.kind, "secrets", _finder(token, random=True), token.hint) for token in (*COMMON, *SIGNED)),
        Rule(JWT.kind, "secrets", _jwts, JWT.hint),
        *(Rule(kind, "secrets", _inner(hint, before, rest), hint) for kind, hint, before, rest in _INNER),
        Rule("discord_token", "secrets", _discord, "."),
    )


class _finder:  # noqa: N801  a function with something to remember
    """Finds a token by its literal beginning."""

    def __init__(self, token: Token, *, random: bool = False) -> None:
        self.hint = token.hint
        self.source = token.rest
        self.random = random

    def __call__(self, text: Text) -> Found:
        rest = pattern(self.source)
        past = 0
        for at in text.places(self.hint):
            if at < past or not text.begins(at):
                continue
            match = rest.match(text.raw, at + len(self.hint))
            past = match.end() if match else past
            if match and (mixed(match[0]) if self.random else len(set(match[0])) > 3):
                yield at, past


def _jwts(text: Text) -> Found:
    rest = pattern(JWT.rest)
    past = 0
    for at in text.places("eyJ"):
        if at < past or not text.begins(at):
            continue
        match = rest.match(text.raw, at + 3)
        if match is None:
            past = pattern(_RUN).match(text.raw, at).end()  # type: ignore[union-attr]  # it always matches
        elif jwt("eyJ" + match[0]):
            past = match.end()
            yield at, past


class _inner:  # noqa: N801
    """Finds a token by a literal in its middle."""

    def __init__(self, hint: str, before: tuple[int, ...], source: str) -> None:
        self.hint = hint
        self.before = before
        self.source = source

    def __call__(self, text: Text) -> Found:
        whole = pattern(self.source)
        for at in text.places(self.hint):
            for start in (at - size for size in self.before if size <= at):
                match = whole.match(text.raw, start)
                if match and text.begins(start):
                    yield match.span()
                    break


def _discord(text: Text) -> Found:
    """Yield bot tokens by their second dot, seven characters behind the first."""
    raw = text.raw
    whole = pattern(_DISCORD)
    for dots in pattern(r"\.(?=[A-Za-z0-9_-]{6}\.)").finditer(raw):
        at = dots.start()
        for size in range(24, 29):
            start = at - size
            if start >= 0 and raw[start] in "MNO" and text.begins(start) and (match := whole.match(raw, start)):
                yield match.span()
                break
