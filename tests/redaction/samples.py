"""What redaction must find, what it must leave alone, and what must not keep it busy.

Every secret is made up; those that a scanner of repositories would take for real are put together when read.
"""

from __future__ import annotations

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nq9Gm+/w==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

#: Eighteen kinds: what is said, the stretch that must go, its kind.  Nobody finds a name without a model.
KINDS: tuple[tuple[str, str, str | None], ...] = (
    ("write to jane.doe@example.com, please", "jane.doe@example.com", "email"),
    ("ring me at +44 20 7946 0958 tonight", "+44 20 7946 0958", "phone"),
    ("my number is (555) 123-4567.", "(555) 123-4567", "phone"),
    ("card 4111 1111 1111 1111, exp 12/27", "4111 1111 1111 1111", "card"),
    ("SSN 123-45-6789 on file", "123-45-6789", "national_id"),
    ("wire it to DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00", "iban"),
    ("login from 203.0.113.77 failed", "203.0.113.77", "ip_address"),
    ("aws " + "AKIA" + "IOSFODNN7EXAMPLE", "AKIA" + "IOSFODNN7EXAMPLE", "aws_key"),
    (
        "push with " + "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
        "github_token",
    ),
    ("bot " + "xoxb-" + "123456789012-1234567890123-AbCdEfGhIjKlMnOp", "1234567890123-AbCdEfGhIjKlMnOp", "slack_token"),
    (f"token {JWT}", JWT, "jwt"),
    (f"here it is:\n{PEM}\nkeep it", PEM, "private_key"),
    ("clone https://admin:s3cr3t@db.example.com/x", "s3cr3t", "url_credentials"),
    (
        "use " + "sk-proj-" + "abcDEF123456abcDEF123456abcDEF123456",
        "abcDEF123456abcDEF123456abcDEF123456",
        "openai_key",
    ),
    (
        "use " + "sk-ant-" + "api03-abcDEF123456_abcDEF-123456abcAA",
        "api03-abcDEF123456_abcDEF-123456abcAA",
        "anthropic_key",
    ),
    ("my password: hunter2!", "hunter2", "password"),
    ("from 2001:db8:85a3::8a2e:370:7334 again", "2001:db8:85a3::8a2e:370:7334", "ip_address"),
    ("ask Margaret Oyelaran about it", "Margaret Oyelaran", None),
)

MORE: tuple[tuple[str, str, str], ...] = (
    ("+4915112345678", "+4915112345678", "phone"),
    ("202.555.0143", "202.555.0143", "phone"),
    ("Tel.: 030 1234567", "030 1234567", "phone"),
    ("手机：13812345678", "13812345678", "phone"),
    ("FR1420041010050500013M02606", "FR1420041010050500013M02606", "iban"),
    ("3782 822463 10005", "3782 822463 10005", "card"),
    ("5105-1051-0510-5100 123", "5105-1051-0510-5100", "card"),
    ("DB_PASSWORD=abc123!x", "abc123!x", "password"),
    ("password = correcthorse", "correcthorse", "password"),
    ("the password is Tr0ub4dor&3", "Tr0ub4dor&3", "password"),
    ('{"api_key": "a8f5f167f44f4964e6c998dee827110c"}', "a8f5f167f44f4964e6c998dee827110c", "password"),
    (r'"{\"password\": \"hunter2\"}"', "hunter2", "password"),
    ("curl --password hunter22 https://x.y", "hunter22", "password"),
    ("Passwort: geheim123", "geheim123", "password"),
    ("密码：abc12345", "abc12345", "password"),
    ("Authorization: Bearer abcdef0123456789abcdef", "abcdef0123456789abcdef", "bearer_token"),
    ("postgres://u:p4ss@localhost:5432/db", "u:p4ss", "url_credentials"),
    ("QQ123456C", "QQ123456C", "national_id"),
    ("12345678Z", "12345678Z", "national_id"),
    ("RSSMRA85T10A562S", "RSSMRA85T10A562S", "national_id"),
    ("1 85 05 78 006 084 91", "1 85 05 78 006 084 91", "national_id"),
    ("123.456.789-09", "123.456.789-09", "national_id"),
    ("11010519491231002X", "11010519491231002X", "national_id"),
    ("2341 2341 2346", "2341 2341 2346", "national_id"),
    ("811218-9876", "811218-9876", "national_id"),
    ("my SIN: 046 454 286", "046 454 286", "national_id"),
    ("PESEL 44051401359", "44051401359", "national_id"),
    ("Steuer-ID 86 095 742 719", "86 095 742 719", "national_id"),
    ("BSN 111222333", "111222333", "national_id"),
    ("passport: X1234567", "X1234567", "national_id"),
    (r"key:\nghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "github_token"),
    (
        "bot 123456789:" + "AA" + "Hdqtcvch1vGWJxfSeofSAs0K5PALDsaw0",
        "Hdqtcvch1vGWJxfSeofSAs0K5PALDsaw0",
        "telegram_token",
    ),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\ncut off", "b3BlbnNzaC1rZXk", "private_key"),
)

#: How a password is told in code, settings, commands and talk; {} stands for it.
WAYS = (
    "DB_PASSWORD={}", 'export PGPASSWORD="{}"', "database:\n  password: {}\n", '"password": "{}"',
    '\\"password\\": \\"{}\\"',
    "connect(user='a', password='{}')", "const password = `{}`;", "mysql -u root --password={} db",
    "tool --password {} run",
    "my password is {}", "<password>{}</password>", '<add password="{}" />', "https://x.example/?password={}&x=1",
    "CREATE USER app WITH PASSWORD '{}';", "IDENTIFIED BY '{}'", "curl -sS -u admin:{} https://x.example",
    "sshpass -p '{}' ssh a@b", "define('DB_PASSWORD', '{}');", "'password' => '{}',", "requirepass {}",
    "machine x login a password {}", "**Password:** `{}`", "postgres://app:{}@db:5432/prod",
    "redis://:{}@cache:6379/0",
)  # fmt: skip
PASSWORDS = ("Tr0ub4dor&3", "hunter2x9!", "S3cr3t-2026", "letmein123")
#: Names of keys that have no form of their own, and values as their providers give them.
NAMED_KEYS = (
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzX4q9LmT2v"),
    ("AZURE_OPENAI_API_KEY", "3f786850e387550fdab836ed7e6dc881"),
    ("COHERE_API_KEY", "x8Jm2LqP9vRt4WzKc7Nb1YhGd5FsA3eU6oTiQpXw"),
    ("EXA_API_KEY", "550e8400-e29b-41d4-a716-446655440000"),
    ("FAL_KEY", "550e8400-e29b-41d4-a716-446655440000:3f786850e387550fdab836ed7e6dc881"),
    ("ZHIPU_API_KEY", "a5fe4cae1d8b4f6a9c27f1e0b6d93a58.Xy7TqLm2Kp9RvNw4"),
    ("aws_session_token", "IQoJb3JpZ2luX2Vj" + "a7Xq9Lm2Kp4RvNw8" * 40),
)

BENIGN = (
    "order 4111 1111 1111 1112 has shipped",
    "born 1984-03-12 in Ohio 43210",
    "it needs version 1.2.3.4, or foo==2.3.4.5",
    "commit 3f786850e387550fdab836ed7e6dc881de23001b, id 550e8400-e29b-41d4-a716-446655440000",
    "ISBN 978-3-16-148410-0, 1234567890123456, timestamp 1700000000123",
    "12/03/1985 and 2024-01-15T10:22:33.123Z, 12:34:56:78",
    "std::vector<int> a::b; self.password = password; token = get_token()",
    "password: string; api_key: str = None; password = os.environ['PW']",
    "the token is expired, max_tokens=4096, total_tokens: 1234567890",
    "The secret is to use cold butter; the password is wrong.",
    "password: $DB_PASSWORD, https://user:<password>@host/, password = 'YOUR_PASSWORD'",
    "Chrome/120.0.0.0 Safari/537.36 on 127.0.0.1:8000",
    "icon@2x.png git@github.com:foo/bar.git ssh://git@host.example/x @types/node@18.0.1",
    "call 911 now, call foo(1234567, 2), call the function 12345678 times",
    "task-force-with-a-long-name-12345-abcdefgh, sk-learn, key-value, ghp_short",
    "price $1,234,567.89, ratio 16:9, see page 123-456, 200 300 4000, 1 2 3 4 5 6 7 8 9 10 11 12 13",
    "lat 37.7749, -122.4194; 0.123456789012345; doi 10.5281/zenodo.1234567",
    "DE89 3704 0044 0532 0130 01 has a wrong check digit, as has 123.456.789-00",
    "000-12-3456 and 666-12-3456 were never given",
    "eyJ is how a token begins; eyJub3QiOi.nothing.here",
    'next_page_token: "synthetic-90964", continuation_token="dG9rX2hvcF8x1234"',
    "CACHE_KEY = 'user:profile:v2'; PRIMARY_KEY = \"users_2026_pkey_name\"; SORT_KEY=created_at_desc_v2",
    'FORCE_CHANGE_PASSWORD = "FORCE_CHANGE_PASSWORD"; if username is None and password is None:',
    "TOKEN_URL = 'https://sts.example.com/v1/token2'; docker run -u 1000:1000 image; ps -u root:wheel4",
    "password > 8 characters; <password></password>; getpass('password', 'prompt'); ['username', 'password', 'email1']",
    'integrity="sha512-Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MGFiY2RlZmdoaWprbG1ub3A=" class="pa-4 ak-btn as-12"',
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGk2T4v8Hq1Zx5bR7mYc3Wd9Ls0JfNa6Ue2PoKtVgEXi a@b".partition(" a@b")[0],
    "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "Merge commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
)

#: A hundred thousand characters that a pattern without bounds would choke on.
HOSTILE = tuple(
    (piece * 100_000)[:100_000]
    for piece in (
        "a", "a.", "a@", "@", ".a@b", "1", "1 ", "1-", "1.", "4 ", "4111 ", "+1", "+1(", "(555) ", "555-", "123-45-",
        "2001:", "::", "f", "://", "a://b:c", "DE12", "tel 1234567 ", "call 1 ", "sk-", "-eyJ", "eyJ.eyJ", "ghp_",
        "fm2_,", "xoxe.", ":AA", "-us", ".", "AKIA", "bearer ", "token: ", "secret=a", "password", "password=",
        "password is ", "--password ", "密码", "İ", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----a ",
        "_KEY=", "_KEY=a1b2c3", "curl -u ", "curl -u a:b ", "identified by '", " login ", "<password>", "password>a",
        "define('password', '", "sig=", "EAA", "1//0", "ghs_aeyJ.", "sk.eyJ", "8Q~", "token=", "2026-",
        "ssn 1 ", "passport 1 ", "ABCPD1234", "\n", "a_", "[12",
    )
)  # fmt: skip
