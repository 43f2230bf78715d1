//! The words that the rules use, and their meanings: in the name of a secret, as a value, and in a sentence.
//!
//! The words come from existing deny lists (the Spring Boot sanitizer, Sentry's SDKs and Relay, the parameter filters
//! of Rails and Django, the keyword rules of repository scanners) and from the manuals of software that runs in
//! containers.

/// A packed table of words and their meanings. One look-up returns all meanings of a word.
///
/// The table saves memory: a `&str` for each word would need forty bytes with its relocation.
///
/// If a table is too small for its words, the crate doesn't compile.
pub(super) struct Table<const BYTES: usize, const WORDS: usize, const SLOTS: usize> {
    text: [u8; BYTES],
    /// For each word: its offset in `text`, its length, and its meanings.
    words: [(u16, u8, u32); WORDS],
    /// A hash table. A slot contains the index of a word plus one, or 0 if the slot is free. If two words have the same
    /// slot, the second word is in the next free slot.
    slots: [u16; SLOTS],
    length: usize,
    count: usize,
}

/// Groups of words. The words of a group have the same meaning, and spaces separate them. A word may be in several
/// groups. `two_words` stands for two adjacent words in a name, `two` and `words`.
pub(super) type Groups = [(u32, &'static str)];

impl<const BYTES: usize, const WORDS: usize, const SLOTS: usize> Table<BYTES, WORDS, SLOTS> {
    pub(super) const fn of(groups: &Groups) -> Self {
        let mut table = Self {
            text: [0; BYTES],
            words: [(0, 0, 0); WORDS],
            slots: [0; SLOTS],
            length: 0,
            count: 0,
        };
        let mut group = 0;
        while group < groups.len() {
            let (meaning, text) = (groups[group].0, groups[group].1.as_bytes());
            let (mut start, mut end) = (0, 0);
            while end <= text.len() {
                if end == text.len() || text[end] == b' ' {
                    let (_, word) = text.split_at(start);
                    let (word, _) = word.split_at(end - start);
                    table.add(word, meaning);
                    let mut half = 0;
                    while half < word.len() {
                        if word[half] == b'_' {
                            let (first, second) = word.split_at(half);
                            table.add(first, PAIRED);
                            table.add(second.split_at(1).1, PAIRED);
                        }
                        half += 1;
                    }
                    start = end + 1;
                }
                end += 1;
            }
            group += 1;
        }
        table
    }

    const fn add(&mut self, word: &[u8], meaning: u32) {
        let slot = self.slot(word);
        if self.slots[slot] == 0 {
            self.words[self.count] = (self.length as u16, word.len() as u8, 0);
            let mut index = 0;
            while index < word.len() {
                self.text[self.length] = word[index];
                self.length += 1;
                index += 1;
            }
            self.count += 1;
            self.slots[slot] = self.count as u16;
        }
        self.words[self.slots[slot] as usize - 1].2 |= meaning;
    }

    /// Returns the slot of a word in the hash table. If the table doesn't contain the word, returns a free slot.
    ///
    /// The search ends at a free slot at the latest. Some slots are always free.
    const fn slot(&self, word: &[u8]) -> usize {
        let length = word.len();
        if length == 0 {
            return 0;
        }
        // `| 0x20` converts letters to lower case. If two other bytes become equal, that only causes a hash collision.
        let first = word[0] | 0x20;
        let middle = word[length / 2] | 0x20;
        let second_last = word[length.saturating_sub(2)] | 0x20;
        let last = word[length - 1] | 0x20;
        let mixed = u32::from_le_bytes([first, middle, second_last, last]) ^ (length as u32) << 6;
        let mut slot = (mixed.wrapping_mul(0x9e37_79b1) >> 16) as usize % SLOTS;
        while self.slots[slot] != 0 {
            let (start, known, _) = self.words[self.slots[slot] as usize - 1];
            if known as usize == length && self.holds(start as usize, word) {
                break;
            }
            slot = (slot + 1) % SLOTS;
        }
        slot
    }

    const fn holds(&self, start: usize, word: &[u8]) -> bool {
        let mut index = 0;
        while index < word.len() {
            if self.text[start + index] != word[index].to_ascii_lowercase() {
                return false;
            }
            index += 1;
        }
        true
    }

    /// Returns all meanings of a word, ignoring case, or 0 if the table doesn't contain the word.
    #[inline(never)]
    pub(super) fn meaning(&self, word: &[u8]) -> u32 {
        match self.slots[self.slot(word)] {
            _ if word.is_empty() => 0,
            0 => 0,
            index => self.words[usize::from(index) - 1].2,
        }
    }
}

static TABLE: Table<9_216, 1_280, 2_048> = Table::of(WORDS);

pub(super) fn meaning(word: &[u8]) -> u32 {
    TABLE.meaning(word)
}

/// Returns whether a word has at least one of these meanings.
pub(super) fn means(word: &str, meanings: u32) -> bool {
    meaning(word.as_bytes()) & meanings != 0
}

macro_rules! meanings {
    ($($name:ident),*) => { meanings! { 0, $($name),* } };
    ($bit:expr, $name:ident $(, $others:ident)*) => {
        pub(super) const $name: u32 = 1 << ($bit);
        meanings! { $bit + 1 $(, $others)* }
    };
    ($bit:expr) => {};
}

// The meanings of words, one bit each. The comments in `WORDS` explain all meanings except `PAIRED`.
//
// `PAIRED` marks both words of a pair such as `access_code`. The redactor looks up a pair only if both words have this
// mark.
#[rustfmt::skip]
meanings! {
    PAIRED, FAINT, WEAK, STRONG, CARRIER, NOT_SECRET, QUALIFIER, THING, IDENTIFIER, PRIVATE_THING,
    PREPOSITION, TELLING, NOT_TELLING, PASSWORD, NAME_KEY, VALUE_KEY, HEADER, PARAMETER, TRUTH, STATE,
    SETTING, SCHEME, FILLER, SENTENCE, NUMBERED, UNIT, NOT_DRAWN, USER, DIGEST, SWITCH, USER_FLAG, NO_USER
}

/// Parts of words. A word that contains such a part anywhere gets the meaning of the part: `appsecret` names a secret.
#[rustfmt::skip]
pub(super) const PARTS: &[(&str, u32)] = &[
    ("secret", STRONG), ("credential", STRONG), ("sessid", WEAK), ("sessionid", WEAK), ("contrase", STRONG),
    ("pwhash", STRONG), ("пароль", STRONG), ("パスワード", STRONG), ("密码", STRONG), ("密碼", STRONG), ("비밀번호", STRONG),
];

/// Endings of words. A word that has such an ending gets the meaning of the ending: `ldapbindpw`, `REDISAUTH` and
/// `mytoken` name secrets.
#[rustfmt::skip]
pub(super) const ENDINGS: &[(&str, u32)] = &[
    ("auth", WEAK), ("cookie", WEAK), ("creds", STRONG), ("cvv", STRONG), ("dsn", CARRIER), ("hmac", STRONG), ("jwt", STRONG),
    ("otp", STRONG), ("psk", STRONG), ("pw", STRONG), ("pwd", STRONG), ("salt", WEAK), ("session", WEAK),
    ("signature", WEAK), ("apikey", TELLING), ("pass", TELLING), ("passphrase", TELLING), ("passwd", TELLING),
    ("password", TELLING), ("token", TELLING),
];

#[rustfmt::skip]
pub(super) const WORDS: &Groups = &[
    // Words that name a secret. The value of such a name is secret, unless it is a boolean, a path or a placeholder.
    (STRONG, "\
        adgangskode apisecret authcode authorisation authorization backupcode bearer cardnumber chave clave contraseña \
        contribsys cred credential crypt csc csrf cvc cvn cvv dek geheim geheimnis geslo haslo hasło heslo hmac hotp \
        htpasswd jelszo jelszó jwe jwk jwt katasandi kek kennwort kodeord llave losenord lozinka lösenord macaroon \
        matkhau mdp mima mnemonic motdepasse nyckel otp otpauth parol parola parool pasahitza paswd pasword paswrd pat \
        pin pincode preshared privkey psk psswd pssword psw pswd pswrd puk pw pwd pword recoverycode salasana \
        schluessel schlüssel scrt secret secreta secrète segredo segreto sekret senha sifre slaptazodis sleutel ssn \
        tajemstvo tkn totp wachtwoord xsrf şifre κωδικός пароль секрет סיסמה パスワード 密码 密碼 暗証番号 비밀번호 암호 access_code \
        access_seed account_pw activation_code auth_code backup_code backup_codes bank_account card_no card_num \
        card_number card_pan cc_num cc_number community_string credit_card creditcard_number debit_card init_vector \
        initialization_vector invite_code kerberos_ticket login_code master_phrase mfa_code mfa_seed mot_passe mật_khẩu \
        palabra_secreta parole_chiave pre_shared rails_master recovery_code recovery_codes recovery_phrase \
        recovery_words security_code seed_phrase seed_words snmp_community social_security sonar_login two_factor \
        unlock_code unseal_share verification_code wallet_phrase كلمة_السر كلمة_المرور"),
    // Words that name a secret. The value of such a name is secret, unless it is clearly a setting.
    (WEAK, "\
        assertion auth authenticator cookie oauth pepper private salt sas seed sess session sid sig signature tok \
        auth_header"),
    // Words that may name a secret. The value of such a name is secret only if it looks like a secret.
    (FAINT, "\
        access api authentication challenge community identity iv licence license login mfa nonce phrase recovery saml \
        sso ticket unlock unseal verifier wallet webhook magic_link one_time"),
    // Words that name a connection string.
    (CARRIER, "\
        connectionstring connstr connstring dsn conn_str conn_string connection_str connection_string \
        connection_strings"),
    // Exceptions: words that don't name a secret, although a group above, `PARTS` or `ENDINGS` matches them.
    (NOT_SECRET, "\
        basalt bcrypt cwd gdmsession intersession obsession possession procession recession sacreds scrypt secretarial \
        secretariat secretaries secretary secretion securitysessionid succession account_sid bootp pin_project \
        board_pin byobu_session data_pin desktop_session gpio_pin iterm_session led_pin messaging_sid reset_pin \
        salt_master salt_minion salt_stack secrets_id service_sid term_session tmux_session wayland_session wt_session \
        x_session xdg_session"),
    // If one of these words is the last word of a name, the value describes a secret but doesn't contain it:
    // `SESSION_TIMEOUT`, `AUTH_URL`, `SECRETS_DIR`.
    (QUALIFIER, "\
        accepted active adapter addr address affinity age agent alg algo algorithm algorithms allowed amount arn \
        attempts audience available backend backends backoff branch brokers bus capacity chain check checks cidr cipher \
        class clustering comment commit consent cost count created date day days debug delay description dir directory \
        disable disabled dn dns domain domains driver duration email enable enabled encoding endpoint endpoints engine \
        error errors exists expiration expire expires expiry failures field file filename files flow folder format \
        found grace group groups handler handling hidden hint home host hostname hosts hours httponly image index \
        interval invalid ip ips issuer jitter label lang language leeway len length level lifetime limit locale \
        location locked log logs lottery mail management manager max maxage mechanism mechanisms method methods metrics \
        middleware min minutes missing mode model modified module mount ms name names namespace network networks nodes \
        note notes ns ok optional options origin origins owner param path paths pattern patterns peers period \
        persistence pid plugin plugins policy pooling port ports prefix present project protocol provider providers \
        public quota rate ready realm recording redirect refresh region registry release reload renew renewal \
        replication repo repository request required result results retries revision revoked role roles root rotation \
        rounds samesite schema scheme scope scopes sec seconds secs secure separator serializer server servers sha \
        sharing since size skew slug sock socket source state status stickiness storage store strategy subnet subnets \
        suffix supported sync synced table tag template tenant threshold time timeout timestamp title total trace \
        tracing ttl type types unlocked until updated uri uris url urls usage user username users valid validity \
        verbose version visible vpc window zone"),
    // Words for the owner of a secret or for a part of a secret.
    //
    // If a name with a `WEAK` word ends with one of these words, as in `auth.cache`, its value is secret only if the
    // value looks like a secret.
    (THING, "\
        account api app cache client cluster config connection db gateway header node pool profile proxy service string \
        vault"),
    // Words for identifiers. If a name contains `auth`, `credentials`, `oauth` or `sas` and ends with a word for an
    // identifier, as in `OAUTH_CLIENT_ID`, its value isn't secret.
    //
    // `SESSION_ID` contains none of these four words. The rule doesn't apply to `SESSION_ID`, and its value is secret.
    (IDENTIFIER, "app id identifier ids uid uuid"),
    // Words that, after `private`, name a private key. Before any other word, `private` doesn't name a secret, as in
    // `PRIVATE_IP`.
    (PRIVATE_THING, "blob d data der exponent jwks material pem value"),
    // Prepositions. If a name ends with a preposition, as in `EXPIRES_IN`, the word before it counts as the last word.
    (PREPOSITION, "after at before by from in on to"),
    // Words that contain `key`, `pass` or `token` and really name a secret. In a sentence, any other word that contains
    // `key`, `pass` or `token` doesn't announce a secret.
    (TELLING, "\
        accesskey accesstoken apikey appkey authkey authtoken bindpass dbpass idtoken key mypass pass passcode passe \
        passphrase passphrases passw passwd password passwords passwort passwrd privatekey refreshtoken secretkey \
        signingkey sshpass token userpass"),
    // Words that end like a `TELLING` word but mean something else. Also kinds of keys that aren't secret.
    (NOT_TELLING, "\
        bypass compass encompass multipass overpass singlepass surpass trespass underpass cache_key foreign_key hot_key \
        host_key idempotency_key index_key keyboard_key lookup_key map_key message_key object_key partition_key \
        primary_key public_key registry_key routing_key row_key shard_key sort_key unexpected_token unique_key"),
    // Names of passwords. A password doesn't have to look random.
    (PASSWORD, "pass passphrase passwd password passwort pwd"),
    // The keys of a pair such as `{"name": "DB_PASSWORD", "value": "x"}`: `NAME_KEY` for keys like `name`, `VALUE_KEY`
    // for keys like `value`.
    (NAME_KEY, "name key field header variable k parameterkey"),
    (VALUE_KEY, "value val v content parametervalue"),
    // Headers whose value is secret up to the end of its line.
    (HEADER, "authorization proxy-authorization x-authorization cookie set-cookie http_cookie http_authorization"),
    // Names that name a secret only as a parameter of a URL, as in `?code=x`.
    (PARAMETER, "code sign ticket sid state nonce hash cred access"),
    (TRUTH, "true false yes no on off none null nil undefined enabled disabled"),
    // Words with which logs, validators and servers describe a secret without showing it, as in `token: expired`.
    (STATE, "\
        absent accepted active allowed any approved available bad blank cached changed checked completed configured \
        connected correct created degraded deleted denied deprecated disabled done empty enabled error exists expired \
        expires expiring fail failed failure false forbidden found granted healthy hidden ignored inactive incorrect \
        invalid issued loaded locked malformed masked match mismatch mismatched missing must n/a needed never nil no \
        none not null off ok okay on open optional passed pending permitted present provided reachable ready redacted \
        refreshed rejected removed renewed required revoked rotated running set should skipped started stopped str \
        string succeeded success successful too true unavailable undefined unhealthy unknown unreachable unset \
        unsupported up used using valid value verified weak wrong yes"),
    // Values that aren't secret under a name with `auth` or `session`: authentication schemes, session stores,
    // desktop environments.
    (SETTING, "\
        abac activedirectory ad all anonymous any apache api_key apikey approle auth0 aws azure basic bearer builtin \
        cache cas cert certificate clerk client cluster cognito consul cookie cram-md5 database db default digest \
        django dynamodb external file filesystem firebase form forms forward forward_auth gcp github gitlab gnome \
        google gssapi hmac htpasswd http https iam infinity instance integrated internal jdbc jwks jwt kde kerberos key \
        keycloak kubernetes lax ldap ldaps local login md5 memcached memory mixed mongodb mtls mysql native negotiate \
        noauth node none ntlm oauth oauth2 oidc okta pam pass passport password peer pki plain plaintext plasma plugin \
        postgres private proxy public publickey radius rbac redis saml scram scram-sha-256 scram-sha-512 self server \
        session shibboleth simple socket spnego sql sqlite ssl sso starttls static strict system tls token trust ubuntu \
        unix userpass vault wayland windows x11 x509 xfce xubuntu"),
    // Schemes that precede the secret in the header `Authorization`.
    (SCHEME, "bearer basic token digest negotiate apikey splunk bot ntlm hawk sso geniekey ssws"),
    // Words between the name of a secret and the secret itself, as in `password is x`.
    (FILLER, "\
        is was are to of set the with provided supplied given value following invalid wrong incorrect not bad new old \
        as used using key code and"),
    // Words that follow a flag in a sentence, as in `use --token to sign in`. Such a word isn't the value of the flag.
    (SENTENCE, "\
        a an and are argument as be before after can cannot does expects flag for from has if in instead is it may must \
        needs not of on option or parameter requires should the to value via was when which will with without"),
    // Words that often have a number attached: `sha256`, `es512`, `port8080`.
    (NUMBERED, "sha port p es rs ps hs ed secp x utf aes rsa iso"),
    // Units of numbers.
    (UNIT, "s m h d w ms us sec min kb mb"),
    // Names with digits in their middle that aren't randomly generated.
    (NOT_DRAWN, "utf8mb4 utf8mb3 base64url x509v3 pbkdf2_sha256 i18n k8s"),
    // Words that aren't a user, although the text looks like `user:password@host`, as in `mailto:a@b` and `ssh:a@b:22`.
    (NO_USER, "mailto jdbc acct xmpp ssh sftp scp git npm pkg docker"),
    // Words that precede a digest, as in `sha256_…` and `layer_…`. Digests aren't secret.
    (DIGEST, "sha md hash digest commit rev etag image layer blob checksum build req trace id uid"),
    // First words of flags that take no value, as in `--no-auth`.
    (SWITCH, "no ask prompt skip disable enable list show generate require print rotate"),
    // Flags that name a user, as in `--user app`.
    (USER_FLAG, "u user username login l service-principal"),
    // Words before the owner of a secret, as in `password for user bob: x`.
    (USER, "user login account username role key file"),
];
