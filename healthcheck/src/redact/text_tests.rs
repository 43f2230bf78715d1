//! Tests which parts of a text are hidden, one test per rule. The authors of the rules wrote these cases.
//! `corpus_tests` has cases by other authors.

use super::redact;

/// Tests the redaction of pairs of texts. Replaces each `§` in the first text of a pair with a made-up secret. Asserts
/// that redacting the first text returns the second text.
///
/// Also asserts that redacting the second text doesn't change it.
fn assert_hidden(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        let text = text.replace('§', concat!("FAKE", "x9Lk2mQ7pR4s"));
        assert_eq!(redact(&text), *expected, "{text}");
        assert_eq!(redact(expected), *expected, "twice");
    }
}

fn assert_shown(texts: &[&str]) {
    for text in texts {
        assert_eq!(redact(text), *text);
    }
}

#[test]
fn the_value_beside_a_secret_name_goes() {
    assert_hidden(&[
        ("password=§ port=80", "password=******** port=80"),
        ("db.password: §", "db.password: ********"),
        (
            r#"{"password": 12345678, "port": 80}"#,
            r#"{"password": "********", "port": 80}"#,
        ),
        (
            r#"{"tokens": ["a", "b"], "n": 1}"#,
            r#"{"tokens": "********", "n": 1}"#,
        ),
        ("config['password'] = '§'", "config['password'] = '********'"),
        (r#"token: Some("§")"#, r#"token: Some("********")"#),
        (
            r#"["password"]=> string(12) "§""#,
            r#"["password"]=> string(12) "********""#,
        ),
        ("verification code: 493812", "verification code: ********"),
        (
            "{\"a\": \"{\\\"token\\\": \\\"§\\\"}\"}",
            "{\"a\": \"{\\\"token\\\": \\\"********\\\"}\"}",
        ),
        (
            "stockdataPRIVATE:a1b2c3d4e5f6a7b8c9d0a1b2c3d4e5f6",
            "stockdataPRIVATE:********",
        ),
        (
            r#"<setting name="Password"><value>§</value></setting>"#,
            r#"<setting name="Password"><value>********</value></setting>"#,
        ),
        (
            r#"x {"name": "DB_PASSWORD", "value": "§"}"#,
            r#"x {"name": "DB_PASSWORD", "value": "********"}"#,
        ),
        (
            "x {\\\"key\\\":\\\"a.token\\\",\\\"value\\\":\\\"§\\\"}",
            "x {\\\"key\\\":\\\"a.token\\\",\\\"value\\\":\\\"********\\\"}",
        ),
        (
            "- name: DB_PASSWORD\n  value: §\n- name: PORT\n  value: 80",
            "- name: DB_PASSWORD\n  value: ********\n- name: PORT\n  value: 80",
        ),
        (
            "env[0].name=DB_PASSWORD,env[0].value=§",
            "env[0].name=DB_PASSWORD,env[0].value=********",
        ),
    ]);
    assert_shown(&[
        "KeyguardUpdateMonitor: received broadcast",
        "max_tokens=4096",
        "installed python3-jwt:amd64 2.6.0-1",
        "tests/use-exact-key.scm: New.",
        "[pin-project-lite]: https://docs.rs/pin-project-lite",
        "interceptKeyBeforeQueueing: key 4 , result : 1",
        "keyId: -127633188",
        "sessionid: 0x34ed9ac1c1e005e",
        r#"Get "https://h/?a=1": refused"#,
        "KeyError: 'name'",
        "password: required",
        r#"{"session": 30, "auth": true}"#,
        r#"x {"key": "region", "value": "eu"}"#,
        r#"x ["password", "email"]"#,
    ]);
}

#[test]
fn what_stands_below_a_secret_name_in_yaml_goes() {
    assert_hidden(&[
        (
            "password: |\n  one\n  two\nhost: h",
            "password: |\n  ********\n  ********\nhost: h",
        ),
        (
            "passwords:\n- one\n- two\nhost: h",
            "passwords:\n- ********\n- ********\nhost: h",
        ),
        (
            "a:\n  secrets:\n    x: one\n    y:\n      - two\n  b: c",
            "a:\n  secrets:\n    x: ********\n    y:\n      - ********\n  b: c",
        ),
        ("password:\n  one\n", "password:\n  ********\n"),
    ]);
    assert_shown(&[
        "Missing keys:\n  the first of them\n",
        "password:\nhost: h",
        "keys:\n",
    ]);
}

#[test]
fn passwords_in_connection_strings_go() {
    assert_hidden(&[
        (
            "scott/§@(DESCRIPTION=(ADDRESS=(HOST=ora)))",
            "scott/********@(DESCRIPTION=(ADDRESS=(HOST=ora)))",
        ),
        (
            "jdbc:oracle:thin:scott/§@//h:1521/s",
            "jdbc:oracle:thin:scott/********@//h:1521/s",
        ),
        (
            "jdbc:oracle:thin:scott/§@h:1521:sid",
            "jdbc:oracle:thin:scott/********@h:1521:sid",
        ),
        ("scott/§@h:1521/s", "scott/********@h:1521/s"),
        (
            "Server=db;User Id=sa;Password=two words §;Encrypt=true",
            "Server=db;User Id=sa;Password=********;Encrypt=true",
        ),
        (
            "DRIVER={ODBC};UID=sa;PWD={§;y};DATABASE=a",
            "DRIVER={ODBC};UID=sa;PWD=********;DATABASE=a",
        ),
        (
            "AccountName=a;AccountKey=§+/==;EndpointSuffix=e",
            "AccountName=a;AccountKey=********;EndpointSuffix=e",
        ),
        (
            "host=h user=a password='it''s §' dbname=d",
            "host=h user=a password='********' dbname=d",
        ),
        (
            "jdbc:sqlserver://h:1433;user=sa;password=§;encrypt=true",
            "jdbc:sqlserver://h:1433;user=sa;password=********;encrypt=true",
        ),
    ]);
    assert_shown(&[
        "jdbc:oracle:thin:@h:1521:sid",
        "team/app@sha256:12345",
        "see a/b@c.d",
    ]);
}

#[test]
fn secrets_in_elements_go() {
    assert_hidden(&[
        (
            "<user>a</user><password>§</password>",
            "<user>a</user><password>********</password>",
        ),
        (
            r#"<wsse:Password Type="t">§</wsse:Password>"#,
            r#"<wsse:Password Type="t">********</wsse:Password>"#,
        ),
        (
            r#"<add key="Password" value="§" />"#,
            r#"<add key="Password" value="********" />"#,
        ),
        (
            "<property name='password'>§</property>",
            "<property name='password'>********</property>",
        ),
        (
            "<key>Password</key>\n<string>§</string>",
            "<key>Password</key>\n<string>********</string>",
        ),
    ]);
    assert_shown(&["<key>Label</key><string>app</string>", "usage: app --port <port>"]);
}

#[test]
fn secrets_in_encoded_text_go() {
    assert_hidden(&[
        (
            "%7B%22password%22%3A%22FAKE%22%7D",
            "%7B%22password%22%3A%22********%22%7D",
        ),
        (
            "https://h/?next=https%3A%2F%2Fa%3AFAKE%40b%2Fc",
            "https://h/?next=https%3A%2F%2Fa%3A********%40b%2Fc",
        ),
    ]);
    assert_shown(&[
        "APP=eyJwb3J0Ijo4MDgwLCJob3N0IjoiZGIifQ==",
        "/usr/lib/x86_64-linux-gnu/libssl.so.3",
        "a%20b%3Dc",
    ]);
}

#[test]
fn secrets_in_sentences_go() {
    assert_hidden(&[
        (
            "login failed with password §",
            "login failed with password ********",
        ),
        ("the password is §.", "the password is ********."),
        ("password 'hunter' was wrong", "password '********' was wrong"),
        ("invalid API key § given", "invalid API key ******** given"),
        ("token (§) revoked", "token (********) revoked"),
        ("bindpw §", "bindpw ********"),
        (
            "machine h login a password hunter",
            "machine h login a password ********",
        ),
        ("Password for user svc: §", "Password for user svc: ********"),
        (
            "Enter passphrase for key /k/id: §",
            "Enter passphrase for key /k/id: ********",
        ),
        ("Unseal Key 1: §§§", "Unseal Key 1: ********"),
        ("ftp user bob pass § ok", "ftp user bob pass ******** ok"),
        ("password set to Zebra-Lamp-77", "password set to ********"),
        ("jwt §", "jwt ********"),
        ("recovery code §", "recovery code ********"),
        ("password <§>", "password <********>"),
        (
            "machine h login a password §",
            "machine h login a password ********",
        ),
        (
            "CREATE USER a IDENTIFIED BY 'hunter'",
            "CREATE USER a IDENTIFIED BY '********'",
        ),
        (
            "vatlayerTOKEN abcdefghijklmnopqrstuvwxyzabcdef",
            "vatlayerTOKEN ********",
        ),
        (
            "zenrows ACCESS TOKEN ABCDEFGHIJKLMNOPQRSTUVWX",
            "zenrows ACCESS TOKEN ********",
        ),
        (
            "holidayapiKEY-123e4567-e89b-12d3-a456-426614174000",
            "holidayapiKEY-********",
        ),
    ]);
    assert_shown(&[
        "token expired",
        "key not found",
        r#"Get "https://h/?a=1": context deadline exceeded"#,
        "password set to expire in 30 days",
        "password: required",
        r#"password authentication failed for user "app""#,
        "Access denied for user 'a'@'h' (using password: YES)",
        r#"secret "db-credentials" not found"#,
        "invalid token: unexpected end of input",
        "primary key 12345678a violated",
        "unexpected token '<'",
        "the API key is missing",
        "passwords do not match",
        "token 12 of 20",
        "no such key: orders",
        "session 12 of 20",
        "session store redis-7.2",
        "signature verified in 12ms",
        "cache key user:42:profile",
        "password must be at least 8 characters",
        "KeyError: 'name'",
        "passed: 14, failed: 0",
        "user bob pass 12 of 20",
        "Primary Key 1: orders_by_customer_and_day",
        "step 1: a1B2c3D4e5F6a1B2c3D4e5F6",
        "checks of release 1a2b3c4d5e pass 4f5e6d7c8b9a",
        "Your default credentials are neo4j/neo4j.",
        "Accepted password for fztu from 10.0.0.1 port 49116 ssh2",
        "Failed password for invalid user 0123abcd from 10.0.0.1 port 22",
        "into registry key '{bf1a281b-ad7b-4476-ac95-f47682990ce7}GLOBALROOT/Device' from",
        "17/06/09 20:10:41 INFO Remoting: token 12",
    ]);
}

#[test]
fn credentials_behind_their_scheme_go() {
    assert_hidden(&[
        ("sent Bearer § to api", "sent Bearer ******** to api"),
        ("Basic dTpGQUtFLWJhc2ljLTE=", "Basic ********"),
        ("Authorization: Bearer §", "Authorization: Bearer ********"),
        ("authorization: §", "authorization: ********"),
        (
            "curl -H 'Authorization: token §' https://h",
            "curl -H 'Authorization: token ********' https://h",
        ),
        (
            r#"Authorization: Digest username="a", response="§""#,
            "Authorization: Digest ********",
        ),
        ("Cookie: a=§; b=§", "Cookie: ********"),
    ]);
    assert_shown(&[
        "Bearer token missing",
        "Basic authentication required",
        r#"WWW-Authenticate: Bearer realm="example""#,
        "the basic setup of token handling",
        r#"Digest realm="x""#,
        "token 12 of 20",
        "Authorization: required",
    ]);
}

#[test]
fn arguments_in_a_text_go() {
    assert_hidden(&[
        (
            "exec: mysql -u root -p§ failed",
            "exec: mysql -u root -p******** failed",
        ),
        (
            "-Xmx1g -Ddb.password=§ -jar a.jar",
            "-Xmx1g -Ddb.password=******** -jar a.jar",
        ),
        (
            "started with --token § --port 80",
            "started with --token ******** --port 80",
        ),
        (
            r#"["app", "--password", "§"]"#,
            r#"["app", "--password", "********"]"#,
        ),
        ("curl -u a:§ https://h", "curl -u a:******** https://h"),
        (
            r#"["app", "--password", "§"]"#,
            r#"["app", "--password", "********"]"#,
        ),
    ]);
    assert_shown(&[
        "the flag --password is required",
        "use --token to sign in",
        "a - b -- c --help",
        "cp -p a b",
    ]);
}

#[test]
fn only_the_password_of_an_address_goes() {
    assert_hidden(&[
        ("postgres://app:§@db/prod", "postgres://app:********@db/prod"),
        ("redis://:§@r:6379/0", "redis://:********@r:6379/0"),
        (
            "git+https://§@github.com/o/r",
            "git+https://********@github.com/o/r",
        ),
        (
            "postgresql+psycopg2://a%40b:§@h/d?x=1",
            "postgresql+psycopg2://a%40b:********@h/d?x=1",
        ),
        ("mongodb://a:§@h1:1,h2:2/d", "mongodb://a:********@h1:1,h2:2/d"),
        ("amqp://a:§@h1,b:§@h2/v", "amqp://a:********@h1,b:********@h2/v"),
        (
            "amqp://a:§@h1,amqp://b:§@h2",
            "amqp://a:********@h1,amqp://b:********@h2",
        ),
        ("postgres://a:p§@ss@h/d", "postgres://a:********@h/d"),
        ("postgres://a:p/§@h/d", "postgres://a:********@h/d"),
        ("see (https://a:§@h/x).", "see (https://a:********@h/x)."),
        (
            "https://§@sentry.example.com/1",
            "https://********@sentry.example.com/1",
        ),
        (
            "https://§:x-oauth-basic@github.com/a",
            "https://********@github.com/a",
        ),
        ("//a:§@h/x", "//a:********@h/x"),
    ]);
    assert_shown(&[
        "postgres://db.internal:5432/app?sslmode=require",
        "http://[::1]:8080/x@y",
        "ssh://git@github.com/a/b",
        "https://example.com/@scope/pkg@1.2.3",
        "http://keycloak:8080/auth",
        "postgres://app:${DB_PASSWORD}@db/prod",
        "postgres://app@db/prod",
        "// a comment: see a@b",
        "jdbc:mysql://mysql:3306/app",
        "akka.tcp://sparkExecutorActorSystem@mesos-slave-07:55904",
        "[SendWorker:188978561024:QuorumCnxManager$SendWorker@688] - leaving",
        "NIOServerCxn.Factory:0.0.0.0/0.0.0.0:2181:NIOServerCnxn@1001",
    ]);
}

#[test]
fn the_secret_part_of_a_webhook_goes() {
    assert_hidden(&[
        (
            "https://hook.eu1.make.com/§",
            "https://hook.eu1.make.com/********",
        ),
        (
            "https://hooks.slack.com/services/T0/B0/§",
            "https://hooks.slack.com/services/********",
        ),
        (
            "https://chat.example.com/hooks/§",
            "https://chat.example.com/hooks/********",
        ),
    ]);
}

#[test]
fn lists_with_colons_and_structs_stay() {
    assert_shown(&[
        "di=01;34:ln=01;36:*.tar=01;31",
        "braceexpand:hashall:a:b:c",
        "10:20:30:40:50",
        "Token { kind: Ident }",
        "PasswordPolicy { min: 8 }",
        "InvalidTokenError { at: 3 }",
        r#"SecretStore { path: "x" }"#,
        "Config { port: 1 }",
    ]);
}

#[test]
fn the_body_of_a_private_key_goes() {
    let key = |label: &str, body: &str| format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n");
    for label in [
        "PRIVATE KEY",
        "RSA PRIVATE KEY",
        "ENCRYPTED PRIVATE KEY",
        "PGP PRIVATE KEY BLOCK",
        "OpenVPN Static key V1",
    ] {
        assert_eq!(redact(&key(label, "one\ntwo")), key(label, "********"));
    }
    for label in ["CERTIFICATE", "PUBLIC KEY"] {
        assert_eq!(redact(&key(label, "one")), key(label, "one"));
    }
    // The end of this key is missing, as in a log that truncates long lines.
    assert_eq!(
        redact(&format!("a -----BEGIN {} KEY-----\none", "PRIVATE")),
        format!("a -----BEGIN {} KEY-----\n********", "PRIVATE")
    );
}

#[test]
fn every_value_of_a_kubernetes_secret_goes() {
    let text = |kind: &str, value: &str| {
        format!("kind: {kind}\nmetadata:\n  name: a\ndata:\n  db: {value}\ntype: Opaque\n")
    };
    assert_eq!(redact(&text("Secret", "c2VjcmV0")), text("Secret", "********"));
    assert_eq!(
        redact(&text("ConfigMap", "c2VjcmV0")),
        text("ConfigMap", "c2VjcmV0")
    );
}
