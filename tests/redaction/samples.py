"""What redaction must find, what it must leave alone, and what must not keep it busy.

Every secret is made up; those that a scanner of repositories would take for real are put together when read.
"""

from __future__ import annotations

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA7bq\nq9Gm+/w==\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

HASH = "3f786850e387550fdab836ed7e6dc881"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzX4q9LmT2v"
SEED = "abandon ability able about above absent absorb abstract absurd abuse access accident"

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
    (
        "client-key-data: LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFb3dJQkFBS0NBUUVB",
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt",
        "private_key",
    ),
    (f'{{"Authorization": "Basic {HASH}"}}', HASH, "bearer_token"),
    (f"headers = {{'Authorization': 'token {HASH}'}}", HASH, "bearer_token"),
    (f"Authorization: {HASH}", HASH, "bearer_token"),
    (f"Cookie: theme=dark; session={HASH}; a=b", HASH, "cookie"),
    (f"Set-Cookie: sid=s%3A{HASH}.abc%2FDEF; HttpOnly", HASH, "cookie"),
    (f"curl 'https://x.example' -b 'theme=dark; session={HASH}'", HASH, "cookie"),
    (f"JSESSIONID={HASH}", HASH, "password"),
    ("postgresql://u:p@ss@w0rd@localhost/x", "ss@w0rd", "url_credentials"),
    (f"git clone https://{HASH}@github.com/a/b", HASH, "url_credentials"),
    (f"AWS Secret Access Key [None]: {AWS_SECRET}", AWS_SECRET, "password"),
    ("AKIA" + f"Z5NKIEM6OJW25SI6,{AWS_SECRET}\n", AWS_SECRET, "aws_key"),
    ("name: DB_PASSWORD\n  value: hunter22", "hunter22", "password"),
    (f'{{"name": "API_TOKEN", "value": "{HASH}"}}', HASH, "password"),
    (r'"password": "hunt\"er2x9"', "er2x9", "password"),
    ("password='hun\"ter2x9'", "ter2x9", "password"),
    ('password="it\'s hunt 9x"', "hunt 9x", "password"),
    ("DB_PASSWORD=hunter,2x;9y\nA=b", ",2x;9y", "password"),
    ("export API_PASS=a;b9xyz", "b9xyz", "password"),
    ("os.environ['DB_PASSWORD'] = 'hunter2x9'", "hunter2x9", "password"),
    ("$config['db']['pass'] = 'hunter2x9';", "hunter2x9", "password"),
    (f"os.environ.setdefault('SOME_TOKEN', '{HASH}')", HASH, "password"),
    ('{"auths":{"ghcr.io":{"auth":"Ym9iOmdocF9hYmNkZWZnMTIz"}}}', "Ym9iOmdocF9hYmNkZWZnMTIz", "password"),
    ("_auth=Ym9iOmdocF9hYmNkZWZnMTIz", "Ym9iOmdocF9hYmNkZWZnMTIz", "password"),
    ("**Password:**\n```\nhunter2x9\n```", "hunter2x9", "password"),
    (f"the api key {HASH} does not work", HASH, "password"),
    ("| Password | `hunter2x` |", "hunter2x", "password"),
    ("mysqldump -u root -phunter2x9 db", "hunter2x9", "password"),
    ("docker login -u bob -p hunter2x9", "hunter2x9", "password"),
    ("redis-cli -h db -a hunter2x9 ping", "hunter2x9", "password"),
    ("wget --http-password hunter2x9", "hunter2x9", "password"),
    ("curl -ubob:hunter2x9 https://x", "hunter2x9", "password"),
    ("curl --user=bob:hunter2x9 https://x", "hunter2x9", "password"),
    ("curl -u 'bob:hun ter2x9' https://x", "ter2x9", "password"),
    ("set the password to 'hunter2x9'", "hunter2x9", "password"),
    ("the password for root is hunter2x9", "hunter2x9", "password"),
    ("[Interface]\nPrivateKey = yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=", "yAnz5TF+lXXJte14", "password"),
    (f"seed phrase: {SEED}", SEED, "password"),
    ("Tél : 01 42 68 53 00", "01 42 68 53 00", "phone"),
    ("+1\u00a0415\u00a0555\u00a02671", "2671", "phone"),
    ("+1 (415) 555\u20112671", "2671", "phone"),
    ("DE89\u00a03704\u00a00044\u00a00532\u00a00130\u00a000", "0532", "iban"),
    ("DE89-3704-0044-0532-0130-00", "0532", "iban"),
    ("4111\u00a01111\u00a01111\u00a01111", "1111", "card"),
    ("fe80::1%eth0", "fe80::1", "ip_address"),
)

#: What may stand right before and behind a secret: escapes, colours of a terminal, emphasis.
AROUND = (
    "\x1b[32m{}\x1b[0m", r"\x1b[1;31m{}\x1b[0m", r"\u001b[32m{}\u001b[0m", "%22{}%22", "token%3D{}", r"\u0022{}\u0022",
    r"\u003d{}", "_{}_", "__{}__", r"\t{}\n", "*{}*", "\u300c{}\u300d",
)  # fmt: skip

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
    "redis://:{}@cache:6379/0", "DB_PASS={}", "SMTP_PASS: '{}'", "spring.mail.pass={}", "'pass' => '{}',",
    '{{"user": "bob", "pass": "{}"}}', "ansible_ssh_pass: {}", "user: bob\npass: {}", "wpa_psk={}", "$db_pass = '{}';",
    "Mein Passwort lautet {}", "**password**: {}", "password -> {}",
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
    "password:\n  secretKeyRef: name1\npassword: \nsecond2line here; 'password=' + quote(x1, 'y') + ', z'",
    "Merge commit 9fceb02d0ae598e95dc970b74767f19372d61af8",
    'last_name: Patel, "dob": "1959-11-15"; a hotel in Paris from 2022-05-01; approximately 314.0185',
    "s/(a)(b)/$1$2/; cost $2 to $6$; {SSHA} and pbkdf2_sha256$600000 are schemes; &Signature=sign_all(body)",
    "1.2.3 Law\n1.2.3.1 History\n1.2.3.2 Practice; ask 8.8.8.8",
    "--- PASS: TestFoo2 (0.00s)\nstatus: 'pass' | 'investigate'; compass=north21; pass 12, passed: 12/14",
    '"uz": 3363, "pass": 3364, "Pass": 7129; "token_str": "\\u0430\\u043d"',
    'sessionID := "2025-01-15-attrs-test"; "sessionId":"c3963346-fb25-48cc-9483-a83787234a06"',
    "authorization = base64.b64encode(x1); Cookie: theme=dark; lang=en",
    "ICS-DA\\_FBF\\_3.6.0.0-100-d49cb9231.zip and x_203.0.113.77_y",
    "commit " + "AKIA" + " 3f786850e387550fdab836ed7e6dc881de23001b; the password for the account is wrong",
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSUMrekNDQWVPZ0F3SUJBZ0lKQUo=",
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
        "ssn 1 ", "passport 1 ", "cookie: a=", "cookie: a=b; ", "authorization: a", "LS0tLS1CRUdJTi",
        "://a:b@", "pass=",
        "| password | ", "password value ", "password [", "mysql -u ", "docker login ", "seed phrase abc ", "x|",
        "\x1b[",
        "password for ", "password:\n1a", "A_PASSWORD=a,", "'pass'] = '",
        "api key a1", "mnemonic", "AKIA" + "Z" * 16 + " ", " -b '", "_", "%3D", "AAAA",
        "ABCPD1234", "\n", "a_", "[12",
    )
)  # fmt: skip
