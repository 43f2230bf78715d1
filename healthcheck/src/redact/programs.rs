//! Which short flags of which programs take a secret. Data only; `arguments` reads it.

/// What a flag takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// The secret, in the next argument or written together with the flag.
    Secret,
    /// The secret written together with the flag; the next argument is something else.
    Glued,
    /// The secret in the next argument if it looks like one.
    Likely,
    /// `user:password`
    UserColon,
    /// `user%password`
    UserPercent,
    /// `user,password`
    UserComma,
    /// `name=value; name=value`, each value a secret.
    Cookies,
}

pub(super) struct Program {
    pub(super) names: &'static [&'static str],
    pub(super) flags: &'static [(&'static str, Takes)],
    /// Words after one of which a secret follows: how many arguments later.
    pub(super) words: &'static [(&'static str, usize)],
}

use Takes::{Cookies, Glued, Likely, Secret, UserColon, UserComma, UserPercent};

const fn program(
    names: &'static [&'static str],
    flags: &'static [(&'static str, Takes)],
    words: &'static [(&'static str, usize)],
) -> Program {
    Program { names, flags, words }
}

pub(super) const PROGRAMS: &[Program] = &[
    program(
        &[
            "mysql",
            "mysqldump",
            "mysqladmin",
            "mysqlimport",
            "mysqlcheck",
            "mysqlbinlog",
            "mysqlsh",
            "mysqlpump",
            "mariadb",
            "mariadb-dump",
            "mariadb-admin",
            "mycli",
            "xtrabackup",
            "mariabackup",
            "mydumper",
        ],
        &[("-p", Glued), ("-p", Likely)],
        &[],
    ),
    program(
        &["redis-cli", "valkey-cli", "keydb-cli", "redis-benchmark"],
        &[("-a", Secret)],
        &[("auth", 1), ("AUTH", 1)],
    ),
    program(&["sshpass"], &[("-p", Secret), ("-p", Glued)], &[]),
    program(
        &[
            "docker", "podman", "buildah", "skopeo", "nerdctl", "helm", "oras", "crane", "ctr", "regctl",
        ],
        &[
            ("login -p", Secret),
            ("--creds", UserColon),
            ("--src-creds", UserColon),
            ("--dest-creds", UserColon),
        ],
        &[],
    ),
    program(
        &["curl", "curlie"],
        &[
            ("-u", UserColon),
            ("--user", UserColon),
            ("-U", UserColon),
            ("--proxy-user", UserColon),
            ("-E", UserColon),
            ("--cert", UserColon),
            ("-b", Cookies),
            ("--cookie", Cookies),
            ("--oauth2-bearer", Secret),
            ("--tlspassword", Secret),
        ],
        &[],
    ),
    program(
        &["http", "https", "xh", "xhs"],
        &[("-a", UserColon), ("--auth", UserColon)],
        &[],
    ),
    program(&["ab", "siege"], &[("-A", UserColon), ("-P", UserColon)], &[]),
    program(
        &["openssl"],
        &[("-k", Secret), ("-K", Secret), ("-psk", Secret)],
        &[],
    ),
    program(
        &[
            "mongo",
            "mongosh",
            "mongodump",
            "mongorestore",
            "mongoexport",
            "mongoimport",
            "mongostat",
            "mongotop",
            "mongofiles",
        ],
        &[("-p", Secret)],
        &[],
    ),
    program(
        &[
            "ldapsearch",
            "ldapadd",
            "ldapmodify",
            "ldapdelete",
            "ldapwhoami",
            "ldappasswd",
            "ldapcompare",
            "ldapmodrdn",
        ],
        &[("-w", Secret), ("-s", Likely)],
        &[],
    ),
    program(
        &["smbclient", "rpcclient", "smbget", "smbmap", "net", "nmblookup"],
        &[("-U", UserPercent), ("--user", UserPercent)],
        &[],
    ),
    program(&["zip", "unzip", "zipcloak"], &[("-P", Secret)], &[]),
    program(
        &["7z", "7za", "7zz", "7zr", "rar", "unrar"],
        &[("-p", Glued), ("-hp", Glued)],
        &[],
    ),
    program(&["sqlcmd", "bcp", "osql", "tsql", "isql"], &[("-P", Secret)], &[]),
    program(
        &[
            "cqlsh",
            "clickhouse-client",
            "clickhouse",
            "vsql",
            "nzsql",
            "exaplus",
        ],
        &[("-p", Secret), ("-w", Likely), ("-pw", Secret)],
        &[],
    ),
    program(
        &["ftp", "lftp", "ncftp", "ncftpput"],
        &[("-u", UserComma), ("-p", Secret)],
        &[],
    ),
    program(
        &["rabbitmqctl"],
        &[],
        &[("add_user", 2), ("change_password", 2), ("authenticate_user", 2)],
    ),
    program(
        &["rabbitmqadmin", "amqp-publish", "amqp-consume"],
        &[("-p", Secret)],
        &[],
    ),
    program(
        &["mosquitto_pub", "mosquitto_sub", "mosquitto_rr", "pub", "sub"],
        &[("-P", Secret)],
        &[],
    ),
    program(
        &[
            "snmpwalk",
            "snmpget",
            "snmpset",
            "snmpbulkwalk",
            "snmpbulkget",
            "snmpgetnext",
            "snmptrap",
            "snmptable",
            "snmpstatus",
        ],
        &[("-c", Secret), ("-A", Secret), ("-X", Secret), ("-3m", Secret)],
        &[],
    ),
    program(
        &["etcdctl", "nats", "influx", "kcat", "kafkacat"],
        &[("--user", UserColon), ("-t", Likely)],
        &[],
    ),
    program(
        &["vault", "bao"],
        &[],
        &[("login", 1), ("unseal", 1), ("unwrap", 1)],
    ),
    program(&["cargo"], &[], &[("login", 1)]),
    program(&["bw"], &[], &[("login", 2), ("unlock", 1)]),
    program(&["gitlab-runner"], &[("-r", Secret), ("-t", Secret)], &[]),
    program(
        &["consul", "nomad", "serf"],
        &[("-encrypt", Secret), ("--encrypt", Secret)],
        &[],
    ),
    program(
        &["htpasswd"],
        &[],
        &[
            ("-b", 3),
            ("-bc", 3),
            ("-cb", 3),
            ("-bB", 3),
            ("-Bb", 3),
            ("-bcB", 3),
            ("-cBb", 3),
            ("-nb", 2),
            ("-bn", 2),
            ("-nbB", 2),
            ("-Bbn", 2),
            ("-bnB", 2),
            ("-nBb", 2),
            ("-nbm", 2),
            ("-bv", 3),
        ],
    ),
    program(&["dotnet", "nuget"], &[("-k", Secret), ("-p", Likely)], &[]),
    program(
        &["xfreerdp", "wlfreerdp", "mstsc", "rdesktop"],
        &[("-p", Secret), ("/p", Secret)],
        &[],
    ),
    program(&["ssh-keygen"], &[("-N", Secret), ("-P", Secret)], &[]),
    program(&["useradd", "usermod", "newusers"], &[("-p", Secret)], &[]),
    program(&["wpa_passphrase"], &[], &[("wpa_passphrase", 2)]),
    program(
        &["doctl", "flyctl", "fly", "vercel", "surge", "netlify", "doppler"],
        &[("-t", Secret)],
        &[],
    ),
    program(
        &["ipmitool", "ipmi-sensors", "racadm", "wbemcli"],
        &[("-P", Secret), ("-p", Likely)],
        &[],
    ),
    program(&["dig", "nsupdate", "delv"], &[("-y", UserColon)], &[]),
    program(&["pscp", "plink", "psftp"], &[("-pw", Secret)], &[]),
    program(&["db2"], &[], &[("using", 1)]),
    program(&["gpg", "gpg2"], &[], &[]),
    program(&["svn", "hg", "bzr"], &[], &[]),
    program(
        &[
            "impdp", "expdp", "imp", "exp", "sqlplus", "sqlldr", "rman", "sqlcl", "sql", "tnsping",
        ],
        &[],
        &[],
    ),
    program(&["mc", "mcli"], &[], &[("set", 4), ("add", 4)]),
    program(&["s3cmd", "s4cmd"], &[], &[]),
    program(&["wget", "aria2c"], &[], &[]),
    program(
        &[
            "az", "oc", "cf", "ibmcloud", "bluemix", "twine", "poetry", "gcloud",
        ],
        &[("-p", Likely), ("-t", Likely)],
        &[],
    ),
    program(&["ansible", "ansible-playbook"], &[], &[]),
    program(
        &[
            "kubectl",
            "psql",
            "pg_dump",
            "pg_restore",
            "java",
            "ssh",
            "scp",
            "rsync",
            "nc",
            "nmap",
        ],
        &[("-p", Takes::Glued)],
        &[],
    ),
];

/// Programs that run another one.
pub(super) const WRAPPERS: &[&str] = &[
    "sudo",
    "env",
    "nohup",
    "time",
    "timeout",
    "nice",
    "exec",
    "xargs",
    "sh",
    "bash",
    "ash",
    "zsh",
    "dash",
    "su",
    "gosu",
    "su-exec",
    "tini",
    "dumb-init",
    "docker",
    "podman",
    "kubectl",
    "oc",
    "nerdctl",
    "watch",
    "strace",
    "doas",
    "chpst",
    "docker-entrypoint.sh",
    "entrypoint.sh",
    "systemd-run",
    "compose",
    "docker-compose",
];
