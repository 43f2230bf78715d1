//! What a name says about the value beside it.

use super::name_tables::FRAGMENTS;

use super::bytes::{ALNUM, LETTER, follows, is};
use super::entropy::looks_random;
use super::families::may_mean;
use super::settings::{is_masked, is_path, is_placeholder, is_setting, is_truth};
use super::sieve::{Beginnings, of_table};
use super::words::Words;

/// How sure a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Family {
    /// A secret only if the value looks like one: `SENDGRID_API`, `SESSION_CACHE`.
    Faint,
    /// A connection string stands here: whole it is not secret, but what it holds besides addresses is.
    Carrier,
    /// A secret, unless the value is plainly a setting (`AUTH=ldap`, `SESSION=300`).
    Weak,
    /// A secret, unless the value is a truth value or a path.
    Strong,
}

/// What becomes of the value beside a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Shown,
    Of(Family),
    /// Contains one of the seed's fragments or one of `redact_names`: hidden whatever the value is.
    Fragment {
        /// Whether it speaks of a secret, and not of a keyboard or of tests that passed.
        telling: bool,
    },
}

impl Verdict {
    pub(super) fn is_shown(self) -> bool {
        self == Self::Shown
    }

    /// A secret without looking at the value: what is below such a name goes, whatever its shape.
    pub(super) fn hides_containers(self) -> bool {
        matches!(self, Self::Fragment { .. } | Self::Of(Family::Strong))
    }

    /// Whether a text that is the whole value beside such a name goes.
    pub(super) fn hides_text(self, value: &str) -> bool {
        if is_masked(value) {
            return false;
        }
        match self {
            Self::Shown | Self::Of(Family::Carrier) => false,
            Self::Of(Family::Faint) => {
                let plain =
                    |byte| is(byte, ALNUM) || matches!(byte, b'_' | b'-' | b'.' | b'=' | b'+' | b'~' | b':');
                value.bytes().all(plain) && !is_setting(value) && looks_random(value, 8)
            }
            Self::Of(Family::Weak) => !is_setting(value),
            Self::Of(Family::Strong) => !(is_truth(value) || is_path(value) || is_placeholder(value)),
            Self::Fragment { .. } => !is_placeholder(value),
        }
    }

    /// Words that mean a secret in prose too.
    pub(super) fn is_telling(self) -> bool {
        matches!(self, Self::Fragment { telling: true } | Self::Of(Family::Strong))
    }
}

/// The built-in verdict.
pub(super) fn verdict(name: &str) -> Verdict {
    let bytes = name.as_bytes();
    if name.len() < 2 || bytes.iter().all(|byte| byte.is_ascii() && !is(*byte, LETTER)) {
        return Verdict::Shown;
    }
    let fragment = BEGINNINGS.may_be_in(bytes) && contains_fragment(bytes);
    if !fragment && bytes.iter().all(u8::is_ascii_lowercase) && !may_mean(bytes) {
        // One word, as nearly every name in a text is.
        return Verdict::Shown;
    }
    let words = Words::of(name);
    if fragment {
        return Verdict::Fragment {
            telling: words.is_telling(),
        };
    }
    words.family().map_or(Verdict::Shown, Verdict::Of)
}

static BEGINNINGS: Beginnings = of_table!(Beginnings: FRAGMENTS);

fn contains_fragment(name: &[u8]) -> bool {
    name.iter().enumerate().any(|(start, first)| {
        matches!(first | 0x20, b'k' | b'p' | b't')
            && FRAGMENTS.iter().any(|fragment| follows(name, start, fragment))
    })
}

#[cfg(test)]
mod tests {
    use super::Family::{Carrier, Faint, Strong, Weak};
    use super::*;

    #[test]
    fn the_seeds_fragments_count_anywhere_in_any_case() {
        for name in [
            "KEYBOARD_LAYOUT",
            "TURKEY",
            "bypass",
            "Compass",
            "tokenizer",
            "x-api-key",
            "dbPassword",
            "PASSED",
        ] {
            assert!(matches!(verdict(name), Verdict::Fragment { .. }), "{name}");
        }
        for (name, telling) in [
            ("KEYBOARD_LAYOUT", false),
            ("passed", false),
            ("keys", false),
            ("api_key", true),
            ("dbpassword2", true),
        ] {
            assert_eq!(verdict(name), Verdict::Fragment { telling }, "{name}");
        }
    }

    #[test]
    fn words_of_the_families_hide() {
        for (name, family) in [
            ("SECRET", Strong),
            ("SECRET1", Strong),
            ("MASTER_KEK", Strong),
            ("activationCode", Strong),
            ("clé_secrète", Strong),
            ("mật khẩu", Strong),
            ("Secrets__Main", Strong),
            ("clientSecret", Strong),
            ("JWTSecret", Strong),
            ("appsecret", Strong),
            ("MYSQL_PWD", Strong),
            ("dbpwd", Strong),
            ("bindpw", Strong),
            ("GH_PAT", Strong),
            ("X-Csrftoken2-Xsrf", Strong),
            ("DB_CREDS", Strong),
            ("contraseña", Strong),
            ("CONTRASEÑA_DB", Strong),
            ("user.pin", Strong),
            ("SEED_PHRASE", Strong),
            ("SNMP_COMMUNITY", Strong),
            ("VAULT_SECRET_ID", Strong),
            ("REDISCLI_AUTH", Weak),
            ("PHPSESSID", Weak),
            ("session_id", Weak),
            ("Set-Cookie", Weak),
            ("RSA_PRIVATE", Weak),
            ("VAPID_PRIVATE_PEM", Weak),
            ("SENDGRID_API", Faint),
            ("auth.cache", Faint),
            ("SENTRY_DSN", Carrier),
            ("ConnectionStrings__Default", Carrier),
        ] {
            let found = verdict(name);
            let hidden = matches!(found, Verdict::Fragment { telling: true });
            assert!(found == Verdict::Of(family) || hidden, "{name}: {found:?}");
        }
    }

    #[test]
    fn names_that_only_look_alike_show() {
        for name in [
            "AUTHOR",
            "GIT_AUTHOR_NAME",
            "XAUTHORITY",
            "OAUTH_PROVIDER",
            "OAUTH_CLIENT_ID",
            "AUTH_URL",
            "SSH_AUTH_SOCK",
            "DBUS_SESSION_BUS_ADDRESS",
            "DESKTOP_SESSION",
            "XDG_SESSION_ID",
            "SESSION_TIMEOUT",
            "SESSION_COOKIE_NAME",
            "PATH",
            "PATTERN",
            "COMPATIBILITY",
            "MAPPING_FILE",
            "PINNED",
            "SPIN",
            "GPIO_PIN",
            "DESIGN",
            "SIGNAL",
            "ASSIGNED",
            "PRIVATE_IP",
            "PRIVATE_SUBNETS",
            "SALT_MASTER",
            "BASALT",
            "SECRETARY_NAME",
            "SECRETS_DIR",
            "SACRED",
            "CREDIT",
            "a",
            "",
            "HOST",
            "PAGER",
            "DISPATCH",
            "ESPRESSO",
            "RESIDENT",
        ] {
            assert_eq!(verdict(name), Verdict::Shown, "{name}");
        }
    }

    #[test]
    fn only_the_end_of_a_long_name_is_split() {
        let long = "a_".repeat(5_000);
        assert_eq!(verdict(&format!("{long}secret")), Verdict::Of(Strong));
        assert_eq!(verdict(&format!("{long}name")), Verdict::Shown);
        assert!(matches!(
            verdict(&format!("token{long}")),
            Verdict::Fragment { .. }
        ));
    }
}
