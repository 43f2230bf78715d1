//! The words that names of secrets are made of. Data only; how they are read stands in `names`.
//!
//! They come from the deny lists of the field (the Spring Boot sanitizer, Sentry's SDKs and Relay, Rails' and
//! Django's parameter filters, the keyword rules of the scanners of repositories) and from the manuals of what one
//! finds in a container's environment.

use super::names::Family::{self, Carrier, Faint, Strong, Weak};

/// The seed's rule: a name that contains one of these, in any case and anywhere, hides its value.
pub(super) const FRAGMENTS: [&str; 3] = ["key", "pass", "token"];

/// Whole words, lower-case, sorted. A plural and trailing digits are taken off before the look-up.
#[rustfmt::skip]
pub(super) const WORDS: &[(&str, Family)] = &[
    ("access", Faint), ("adgangskode", Strong), ("api", Faint), ("apisecret", Strong), ("assertion", Weak),
    ("auth", Weak), ("authcode", Strong), ("authentication", Faint), ("authenticator", Weak),
    ("authorisation", Strong), ("authorization", Strong), ("backupcode", Strong), ("bearer", Strong),
    ("cardnumber", Strong), ("challenge", Faint), ("chave", Strong), ("clave", Strong), ("community", Faint),
    ("connectionstring", Carrier), ("connstr", Carrier), ("connstring", Carrier), ("contraseña", Strong),
    ("contribsys", Strong), ("cookie", Weak), ("cred", Strong), ("credential", Strong), ("crypt", Strong),
    ("csc", Strong), ("csrf", Strong), ("cvc", Strong), ("cvn", Strong), ("cvv", Strong), ("dek", Strong),
    ("dsn", Carrier), ("geheim", Strong), ("geheimnis", Strong), ("geslo", Strong), ("haslo", Strong),
    ("hasło", Strong), ("heslo", Strong), ("hmac", Strong), ("hotp", Strong), ("htpasswd", Strong),
    ("identity", Faint), ("iv", Faint), ("jelszo", Strong), ("jelszó", Strong), ("jwe", Strong),
    ("jwk", Strong), ("jwt", Strong), ("katasandi", Strong), ("kek", Strong), ("kennwort", Strong),
    ("kodeord", Strong), ("licence", Faint), ("license", Faint), ("llave", Strong), ("login", Faint),
    ("losenord", Strong), ("lozinka", Strong), ("lösenord", Strong), ("macaroon", Strong),
    ("matkhau", Strong), ("mdp", Strong), ("mfa", Faint), ("mima", Strong), ("mnemonic", Strong),
    ("motdepasse", Strong), ("nonce", Faint), ("nyckel", Strong), ("oauth", Weak), ("otp", Strong),
    ("otpauth", Strong), ("parol", Strong), ("parola", Strong), ("parool", Strong), ("pasahitza", Strong),
    ("paswd", Strong), ("pasword", Strong), ("paswrd", Strong), ("pat", Strong), ("pepper", Weak),
    ("phrase", Faint), ("pin", Strong), ("pincode", Strong), ("preshared", Strong), ("private", Weak),
    ("privkey", Strong), ("psk", Strong), ("psswd", Strong), ("pssword", Strong), ("psw", Strong),
    ("pswd", Strong), ("pswrd", Strong), ("puk", Strong), ("pw", Strong), ("pwd", Strong), ("pword", Strong),
    ("recovery", Faint), ("recoverycode", Strong), ("salasana", Strong), ("salt", Weak), ("saml", Faint),
    ("sas", Weak), ("schluessel", Strong), ("schlüssel", Strong), ("scrt", Strong), ("secret", Strong),
    ("secreta", Strong), ("secrète", Strong), ("seed", Weak), ("segredo", Strong), ("segreto", Strong),
    ("sekret", Strong), ("senha", Strong), ("sess", Weak), ("session", Weak), ("sid", Weak),
    ("sifre", Strong), ("sig", Weak), ("signature", Weak), ("slaptazodis", Strong), ("sleutel", Strong),
    ("ssn", Strong), ("sso", Faint), ("tajemstvo", Strong), ("ticket", Faint), ("tkn", Strong), ("tok", Weak),
    ("totp", Strong), ("unlock", Faint), ("unseal", Faint), ("verifier", Faint), ("wachtwoord", Strong),
    ("wallet", Faint), ("webhook", Faint), ("xsrf", Strong), ("şifre", Strong), ("κωδικός", Strong),
    ("пароль", Strong), ("секрет", Strong), ("סיסמה", Strong), ("パスワード", Strong), ("密码", Strong),
    ("密碼", Strong), ("暗証番号", Strong), ("비밀번호", Strong), ("암호", Strong),
];

/// Parts that give a word away wherever in it they stand.
#[rustfmt::skip]
pub(super) const PARTS: &[(&str, Family)] = &[
    ("secret", Strong), ("credential", Strong), ("sessid", Weak), ("sessionid", Weak), ("contrase", Strong),
    ("pwhash", Strong), ("пароль", Strong), ("パスワード", Strong), ("密码", Strong), ("密碼", Strong),
    ("비밀번호", Strong),
];

/// Ends of words written together (`ldapbindpw`, `REDISAUTH`).
#[rustfmt::skip]
pub(super) const ENDINGS: &[(&str, Family)] = &[
    ("auth", Weak), ("cookie", Weak), ("creds", Strong), ("cvv", Strong), ("dsn", Carrier), ("hmac", Strong),
    ("jwt", Strong), ("otp", Strong), ("psk", Strong), ("pw", Strong), ("pwd", Strong), ("salt", Weak),
    ("session", Weak), ("signature", Weak),
];

/// Words that the two tables above would take wrongly, sorted.
#[rustfmt::skip]
pub(super) const NOT_SECRET: &[&str] = &[
    "basalt", "bcrypt", "cwd", "gdmsession", "intersession", "obsession", "possession", "procession",
    "recession", "sacreds", "scrypt", "secretarial", "secretariat", "secretaries", "secretary", "secretion",
    "securitysessionid", "succession",
];

/// Two words that mean a secret together, and neither alone.
#[rustfmt::skip]
pub(super) const PAIRS: &[(&str, &str, Family)] = &[
    ("access", "code", Strong), ("access", "seed", Strong), ("account", "pw", Strong),
    ("activation", "code", Strong), ("auth", "code", Strong), ("auth", "header", Weak),
    ("backup", "code", Strong), ("backup", "codes", Strong), ("bank", "account", Strong),
    ("card", "no", Strong), ("card", "num", Strong), ("card", "number", Strong), ("card", "pan", Strong),
    ("cc", "num", Strong), ("cc", "number", Strong), ("community", "string", Strong),
    ("conn", "str", Carrier), ("conn", "string", Carrier), ("connection", "str", Carrier),
    ("connection", "string", Carrier), ("connection", "strings", Carrier), ("credit", "card", Strong),
    ("creditcard", "number", Strong), ("debit", "card", Strong), ("init", "vector", Strong),
    ("initialization", "vector", Strong), ("invite", "code", Strong), ("kerberos", "ticket", Strong),
    ("login", "code", Strong), ("magic", "link", Faint), ("master", "phrase", Strong),
    ("mfa", "code", Strong), ("mfa", "seed", Strong), ("mot", "passe", Strong), ("mật", "khẩu", Strong),
    ("one", "time", Faint), ("palabra", "secreta", Strong), ("parole", "chiave", Strong),
    ("pre", "shared", Strong), ("rails", "master", Strong), ("recovery", "code", Strong),
    ("recovery", "codes", Strong), ("recovery", "phrase", Strong), ("recovery", "words", Strong),
    ("security", "code", Strong), ("seed", "phrase", Strong), ("seed", "words", Strong),
    ("snmp", "community", Strong), ("social", "security", Strong), ("sonar", "login", Strong),
    ("two", "factor", Strong), ("unlock", "code", Strong), ("unseal", "share", Strong),
    ("verification", "code", Strong), ("wallet", "phrase", Strong), ("كلمة", "السر", Strong),
    ("كلمة", "المرور", Strong),
];

/// Two words of which the second only looks like a secret.
#[rustfmt::skip]
pub(super) const INNOCENT_PAIRS: &[(&str, &str)] = &[
    ("account", "sid"), ("board", "pin"), ("byobu", "session"), ("data", "pin"), ("desktop", "session"),
    ("gpio", "pin"), ("iterm", "session"), ("led", "pin"), ("messaging", "sid"), ("reset", "pin"),
    ("salt", "master"), ("salt", "minion"), ("salt", "stack"), ("secrets", "id"), ("service", "sid"),
    ("term", "session"), ("tmux", "session"), ("wayland", "session"), ("wt", "session"), ("x", "session"),
    ("xdg", "session"),
];

/// Last words that say the name is about a secret and not one: `SESSION_TIMEOUT`, `AUTH_URL`, `SECRETS_DIR`. Sorted.
#[rustfmt::skip]
pub(super) const QUALIFIERS: &[&str] = &[
    "accepted", "active", "adapter", "addr", "address", "affinity", "age", "agent", "alg", "algo",
    "algorithm", "algorithms", "allowed", "amount", "arn", "attempts", "audience", "available", "backend",
    "backends", "backoff", "branch", "brokers", "bus", "capacity", "chain", "check", "checks", "cidr",
    "cipher", "class", "clustering", "comment", "commit", "consent", "cost", "count", "created", "date",
    "day", "days", "debug", "delay", "description", "dir", "directory", "disable", "disabled", "dn", "dns",
    "domain", "domains", "driver", "duration", "email", "enable", "enabled", "encoding", "endpoint",
    "endpoints", "engine", "error", "errors", "exists", "expiration", "expire", "expires", "expiry",
    "failures", "field", "file", "filename", "files", "flow", "folder", "format", "found", "grace", "group",
    "groups", "handler", "handling", "hidden", "hint", "home", "host", "hostname", "hosts", "hours",
    "httponly", "image", "index", "interval", "invalid", "ip", "ips", "issuer", "jitter", "label", "lang",
    "language", "leeway", "len", "length", "level", "lifetime", "limit", "locale", "location", "locked",
    "log", "logs", "lottery", "mail", "management", "manager", "max", "maxage", "mechanism", "mechanisms",
    "method", "methods", "metrics", "middleware", "min", "minutes", "missing", "mode", "model", "modified",
    "module", "mount", "ms", "name", "names", "namespace", "network", "networks", "nodes", "note", "notes",
    "ns", "ok", "optional", "options", "origin", "origins", "owner", "param", "path", "paths", "peers",
    "period", "persistence", "pid", "plugin", "plugins", "policy", "pooling", "port", "ports", "prefix",
    "present", "project", "protocol", "provider", "providers", "public", "quota", "rate", "ready", "realm",
    "recording", "redirect", "refresh", "region", "registry", "release", "reload", "renew", "renewal",
    "replication", "repo", "repository", "request", "required", "result", "results", "retries", "revision",
    "revoked", "role", "roles", "root", "rotation", "rounds", "samesite", "schema", "scheme", "scope",
    "scopes", "seconds", "secs", "secure", "separator", "serializer", "server", "servers", "sha", "sharing",
    "since", "size", "skew", "slug", "sock", "socket", "source", "state", "status", "stickiness", "storage",
    "store", "strategy", "subnet", "subnets", "suffix", "supported", "sync", "synced", "table", "tag",
    "template", "tenant", "threshold", "time", "timeout", "timestamp", "title", "total", "trace", "tracing",
    "ttl", "type", "types", "unlocked", "until", "updated", "uri", "uris", "url", "urls", "usage", "user",
    "username", "users", "valid", "validity", "verbose", "version", "visible", "vpc", "window", "zone",
];

/// Last words that say whose secret it is, or what of it stands there: then only the value tells. Sorted.
#[rustfmt::skip]
pub(super) const THINGS: &[&str] = &[
    "account", "api", "app", "cache", "client", "cluster", "config", "connection", "db", "gateway", "header",
    "node", "pool", "profile", "proxy", "service", "string", "vault",
];

/// Qualifiers only of the weak words that name a scheme and not a thing: `OAUTH_CLIENT_ID`, but not `SESSION_ID`.
pub(super) const IDENTIFIERS: &[&str] = &["app", "id", "ids", "uid", "uuid"];

/// What may follow `private` when a private key is meant; any other follower makes it an adjective (`PRIVATE_IP`).
pub(super) const PRIVATE_THINGS: &[&str] = &[
    "blob", "d", "data", "der", "exponent", "jwks", "material", "pem", "value",
];

/// Words with a fragment of the seed that really speak of a secret, sorted: in running text only these count before
/// a colon. In names of variables, keys, headers and flags the fragments count anywhere.
#[rustfmt::skip]
pub(super) const TELLING: &[&str] = &[
    "accesskey", "accesstoken", "apikey", "appkey", "authkey", "authtoken", "bindpass", "dbpass", "idtoken",
    "key", "mypass", "pass", "passcode", "passe", "passphrase", "passphrases", "passw", "passwd", "password",
    "passwords", "passwort", "passwrd", "privatekey", "refreshtoken", "secretkey", "signingkey", "sshpass",
    "token", "userpass",
];

/// Endings of the same kind: `dbpassword`, `mytoken`.
pub(super) const TELLING_ENDINGS: &[&str] = &["apikey", "pass", "passphrase", "passwd", "password", "token"];

/// What ends alike and speaks of something else, sorted.
pub(super) const NOT_TELLING: &[&str] = &[
    "bypass",
    "compass",
    "encompass",
    "multipass",
    "overpass",
    "singlepass",
    "surpass",
    "trespass",
    "underpass",
];

/// Services whose tokens have no shape of their own, sorted: beside one of these and a word that says nothing
/// (`HEROKU_UPSTREAM`), a value that looks drawn is a token.
#[rustfmt::skip]
pub(super) const PROVIDERS: &[&str] = &[
    "adafruit", "airtable", "algolia", "alibaba", "anthropic", "artifactory", "asana", "atlassian", "aws",
    "azure", "beamer", "bitbucket", "bittrex", "cloudant", "cloudflare", "codecov", "cohere", "coinbase",
    "confluence", "confluent", "contentful", "databricks", "datadog", "digitalocean", "discord", "droneci",
    "dropbox", "etsy", "facebook", "fastly", "finicity", "finnhub", "flickr", "freshbooks", "github",
    "gitlab", "gitter", "gocardless", "grafana", "heroku", "hubspot", "ibm", "intercom", "jfrog", "jira",
    "kraken", "kucoin", "launchdarkly", "linear", "linkedin", "lob", "mailchimp", "mailgun", "mapbox",
    "mattermost", "meraki", "messagebird", "netlify", "newrelic", "npm", "nytimes", "okta", "openai", "plaid",
    "privateai", "pypi", "rapidapi", "relic", "sendbird", "sendgrid", "sentry", "shopify", "slack", "snyk",
    "softlayer", "sonar", "square", "squarespace", "stripe", "sumo", "sumologic", "telegram", "travis",
    "twilio", "twitch", "twitter", "typeform", "vault", "yandex", "zendesk",
];

/// The words that say nothing, sorted.
#[rustfmt::skip]
pub(super) const FILLERS: &[&str] = &[
    "access", "admin", "backend", "bot", "config", "data", "default", "dev", "integration", "live", "main",
    "primary", "prod", "production", "settings", "staging", "string", "test", "upstream", "value",
];
