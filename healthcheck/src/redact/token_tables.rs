//! The shapes of tokens whose makers gave them a prefix. Data only; `tokens` reads it.

/// What a token is made of after its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    Hex,
    /// Letters and digits.
    Alnum,
    /// … and `_` and `-`.
    Word,
    /// … and `.` and `=` and `+` and `/` and `~` and `%`.
    Wide,
    /// Capitals and digits, and exactly as many as it says.
    Upper,
    /// … and `$` and `,` and `:`, as hashes of passwords have them.
    Crypt,
}

use Alphabet::{Alnum, Crypt, Hex, Upper, Wide, Word};

/// Prefix, alphabet of the rest, and how long the rest is at least. Lengths are a little below what the makers
/// document: they change, and what begins like this is nothing else.
#[rustfmt::skip]
pub(super) const TOKENS: &[(&str, Alphabet, usize)] = &[
    // Code hosts and registries.
    ("ghp_", Alnum, 20), ("gho_", Alnum, 20), ("ghu_", Alnum, 20), ("ghs_", Alnum, 20), ("ghr_", Alnum, 20),
    ("github_pat_", Word, 20), ("v1.github.", Hex, 20), ("glpat-", Wide, 15), ("gldt-", Word, 15),
    ("glptt-", Word, 15), ("glrt-", Wide, 15), ("glrtr-", Wide, 15), ("glcbt-", Word, 15),
    ("glffct-", Word, 15), ("glft-", Word, 15), ("glimt-", Word, 15), ("glagent-", Word, 15),
    ("gloas-", Word, 15), ("glsoat-", Word, 15), ("glwt-", Word, 15), ("GR1348941", Word, 15),
    ("_gitlab_session=", Alnum, 16), ("ATATT3", Wide, 30), ("ATCTT3", Wide, 30), ("ATBB", Alnum, 24),
    ("BBDC-", Alnum, 24), ("npm_", Alnum, 30), ("pypi-", Word, 50), ("rubygems_", Hex, 32),
    ("CLOJARS_", Alnum, 40), ("clojars_", Alnum, 40), ("cio", Alnum, 32), ("oy2", Alnum, 43),
    ("dckr_pat_", Word, 15), ("dckr_oat_", Word, 15), ("jfrt_", Alnum, 20), ("AKCp", Alnum, 40),
    ("cmVmd", Alnum, 40), ("eyJ2ZXIiOiIyIiwidHlwIjoiSldUIiwi", Wide, 20), ("sgp_", Word, 30),
    ("slk_", Hex, 40),
    // Clouds.
    ("AKIA", Upper, 16), ("ASIA", Upper, 16), ("ABIA", Upper, 16), ("ACCA", Upper, 16), ("AROA", Upper, 16),
    ("AIDA", Upper, 16), ("A3T", Upper, 17), ("ABSK", Wide, 80), ("bedrock-api-key-", Wide, 20),
    ("amzn.mws.", Word, 30), ("amzn1.oa2-cs.v1.", Hex, 30), ("AIza", Word, 30), ("ya29.", Wide, 20),
    ("1//0", Word, 30), ("GOCSPX-", Word, 20), ("GOOG1", Alnum, 40), ("LTAI", Alnum, 12), ("AKID", Alnum, 30),
    ("AQVN", Word, 30), ("t1.", Wide, 80), ("YC", Word, 36), ("dop_v1_", Hex, 40), ("doo_v1_", Hex, 40),
    ("dor_v1_", Hex, 40), ("DO00", Alnum, 16), ("HRKU-", Word, 30), ("fo1_", Word, 30), ("fm1a_", Wide, 60),
    ("fm1r_", Wide, 60), ("fm2_", Wide, 60), ("scw-", Word, 30), ("SCW", Alnum, 17), ("tk-us-", Word, 30),
    ("nfp_", Alnum, 30), ("vercel_", Word, 20), ("vcp_", Alnum, 40), ("sbp_", Hex, 30),
    ("sb_secret_", Word, 15), ("napi_", Alnum, 40), ("rnd_", Alnum, 24), ("pscale_tkn_", Wide, 25),
    ("pscale_oauth_", Wide, 25), ("pscale_pw_", Wide, 25), ("aivenv1_", Wide, 40), ("AVNS_", Word, 15),
    ("dapi", Hex, 32), ("4b1d", Alnum, 38), ("v1.0-", Word, 100), ("tskey-", Word, 15), ("ngrok_", Alnum, 30),
    ("pul-", Hex, 32), ("hvs.", Word, 20), ("hvb.", Word, 20), ("hvr.", Word, 20), ("b.AAAAAQ", Word, 40),
    ("sha256~", Word, 30), ("kubeconfig-u-", Wide, 30), ("kubeconfig-user-", Wide, 30), ("CCIPAT_", Word, 20),
    ("CCIPRJ_", Word, 20), ("bkua_", Hex, 30), ("ops_eyJ", Wide, 60), ("A3-", Word, 30),
    ("dp.pt.", Alnum, 30), ("dp.st.", Wide, 30), ("dp.ct.", Alnum, 30), ("dp.sa.", Alnum, 30),
    ("dp.scim.", Alnum, 30), ("dp.audit.", Alnum, 30), ("akeyless_", Word, 20), ("infisical_", Word, 20),
    ("st.", Wide, 70), ("API-", Alnum, 24), ("octopus-", Alnum, 30), ("pnu_", Alnum, 30), ("pnb_", Alnum, 30),
    ("ico-", Alnum, 30), ("snyk_", Wide, 30), ("squ_", Hex, 30), ("sqp_", Hex, 30), ("sqa_", Hex, 30),
    ("sqb_", Hex, 30), ("e2b_", Hex, 30), ("signkey-", Word, 40), ("ory_at_", Word, 30), ("ory_pat_", Word, 20),
    ("ory_st_", Word, 20), ("zpka_", Hex, 30), ("waka_", Word, 36), ("ES_", Hex, 32), ("K10", Hex, 64), ("SU", Upper, 56), ("SA", Upper, 56),
    ("SO", Upper, 56), ("SC", Upper, 56), ("SN", Upper, 56), ("SX", Upper, 56),
    // Models.
    ("sk-proj-", Word, 20), ("sk-svcacct-", Word, 20), ("sk-admin-", Word, 20), ("sk-ant-", Word, 20),
    ("sk-or-", Word, 20), ("sk-lf-", Word, 20), ("sk-", Alnum, 32), ("sess-", Alnum, 40), ("hf_", Alnum, 30),
    ("api_org_", Alnum, 30), ("gsk_", Alnum, 30), ("xai-", Alnum, 60), ("pplx-", Alnum, 30),
    ("r8_", Alnum, 30), ("nvapi-", Word, 40), ("pcsk_", Word, 30), ("lsv2_", Word, 30), ("ls__", Hex, 32),
    ("co_", Alnum, 38), ("tgp_v1_", Word, 30), ("fw_", Alnum, 22), ("wandb_v1_", Word, 30),
    ("jina_", Word, 40), ("tvly-", Word, 20), ("key_live_", Alnum, 20), ("fc-", Hex, 32), ("csk-", Alnum, 40), ("KGAT_", Hex, 30),
    ("sk_", Hex, 48), ("rpa_", Alnum, 40), ("esecret_", Alnum, 20), ("aio_", Alnum, 28),
    // Money.
    ("sk_live_", Alnum, 10), ("sk_test_", Alnum, 10), ("sk_prod_", Alnum, 10), ("rk_live_", Alnum, 10),
    ("rk_test_", Alnum, 10), ("rk_prod_", Alnum, 10), ("whsec_", Wide, 16), ("sq0atp-", Word, 20),
    ("sq0csp-", Word, 30), ("EAAA", Word, 22), ("access_token$production$", Crypt, 30),
    ("access_token$sandbox$", Crypt, 30), ("access-sandbox-", Word, 30), ("access-development-", Word, 30),
    ("access-production-", Word, 30), ("rzp_live_", Alnum, 12), ("rzp_test_", Alnum, 12),
    ("FLWSECK-", Word, 12), ("FLWSECK_TEST", Wide, 10), ("FLWSECK_LIVE-", Word, 10),
    ("FLWPUBK_TEST-", Word, 30), ("shpat_", Hex, 30), ("shpca_", Hex, 30), ("shppa_", Hex, 30),
    ("shpss_", Hex, 30), ("shptka_", Hex, 30), ("shprt_", Hex, 30), ("shippo_live_", Hex, 30),
    ("shippo_test_", Hex, 30), ("duffel_live_", Word, 30), ("duffel_test_", Word, 30), ("EZAK", Alnum, 40),
    ("EZTK", Alnum, 40), ("live_pub_", Hex, 30), ("test_pub_", Hex, 30), ("live_", Hex, 35),
    ("live_", Word, 40), ("test_", Hex, 35), ("sm_aat_", Alnum, 14), ("sm_pat_", Alnum, 14),
    ("sm_sat_", Alnum, 14), ("pdl_live_", Word, 20), ("pdl_sdbx_", Word, 20), ("GBP-", Alnum, 30),
    // Mail, chat, telephony.
    ("AAAAAAAAAAAAAAAAAAAAAA", Wide, 50), ("b_", Wide, 44), ("xoxb-", Word, 10), ("xoxp-", Word, 10),
    ("xoxa-", Word, 10), ("xoxr-", Word, 10), ("xoxs-", Word, 10), ("xoxo-", Word, 10), ("xoxe-", Word, 10),
    ("xoxe.", Wide, 10), ("xoxc-", Word, 10), ("xoxd-", Wide, 10), ("xapp-", Word, 10), ("xwfp-", Word, 10),
    ("SG.", Wide, 40), ("SK", Hex, 32), ("AC", Hex, 32), ("key-", Hex, 32), ("pubkey-", Hex, 32),
    ("xkeysib-", Word, 40), ("xsmtpsib-", Word, 40), ("mlsn.", Hex, 40), ("re_", Word, 24), ("md-", Word, 22),
    ("MG.", Wide, 40), ("tfp_", Wide, 30), ("pat-na1-", Word, 30), ("pat-eu1-", Word, 30), ("mfa.", Word, 60),
    ("EAAC", Alnum, 60), ("EAAM", Alnum, 60), ("EAAB", Alnum, 60), ("EAAG", Alnum, 60), ("IGQV", Word, 60),
    ("syt_", Word, 30),
    // Watching and testing.
    ("glc_", Wide, 30), ("glsa_", Word, 30), ("eyJrIjoi", Wide, 40), ("NRAK-", Word, 15), ("NRJS-", Word, 15),
    ("NRII-", Word, 20), ("NRAL-", Word, 15), ("NRRA-", Word, 20), ("NRSP-", Word, 20), ("sntrys_", Wide, 30),
    ("sntryu_", Hex, 40), ("dt0c01.", Wide, 40), ("dt0s01.", Wide, 40), ("dt0s16.", Wide, 40),
    ("hcaik_", Alnum, 30), ("hcbik_", Alnum, 30), ("phx_", Word, 30), ("phc_", Word, 30),
    ("ddapi_", Alnum, 30), ("pdus+", Wide, 20), ("LDAP-", Alnum, 40), ("sdk-", Word, 36), ("api-", Word, 36),
    // Work.
    ("lin_api_", Alnum, 30), ("lin_oauth_", Alnum, 30), ("ntn_", Alnum, 30), ("secret_", Alnum, 40),
    ("PMAK-", Word, 40), ("PMAT-", Word, 20), ("rdme_", Alnum, 40), ("figd_", Word, 30), ("figu_", Word, 30),
    ("p8e-", Alnum, 30), ("s-s4t2ud-", Hex, 40), ("s-s4t2af-", Hex, 40), ("fio-u-", Wide, 40),
    ("pk.eyJ", Wide, 40), ("pk.", Wide, 70), ("sk.", Wide, 70), ("sk.eyJ", Wide, 40), ("CFPAT-", Word, 30),
    ("pina_", Alnum, 32), ("WPL_AP1.", Wide, 15), ("dnkey-", Word, 60), ("patch_", Alnum, 40),
    ("dG9rO", Wide, 40), ("at.", Wide, 60), ("sl.", Wide, 100), ("sl.u.", Wide, 100), ("BSA", Word, 28),
    ("apify_api_", Alnum, 30), ("tw_", Hex, 40), ("trp_", Alnum, 30), ("tr_dev_", Alnum, 16),
    ("tr_prod_", Alnum, 16), ("AGE-SECRET-KEY-1", Alnum, 40), ("AGE-PLUGIN-", Word, 40),
    // Private keys without their PEM header.
    ("MIIEvQIBADAN", Wide, 60), ("MIIEvAIBADAN", Wide, 60), ("MIIEowIBAAK", Wide, 60),
    ("MIIEpAIBAAK", Wide, 60), ("MIIEpQIBAAK", Wide, 60), ("MIICXAIBAAK", Wide, 60),
    ("MIICXQIBAAK", Wide, 60), ("MIIJKAIBAAK", Wide, 60), ("MIIJKQIBAAK", Wide, 60),
    ("MIIJQgIBADAN", Wide, 60), ("MIGHAgEAMBMGByqGSM49", Wide, 60), ("MHcCAQEEI", Wide, 60),
    ("MC4CAQAwBQYDK2Vw", Wide, 30), ("b3BlbnNzaC1rZXktdjE", Wide, 60),
    // Hashes of passwords.
    ("$2a$", Crypt, 50), ("$2b$", Crypt, 50), ("$2y$", Crypt, 50), ("$apr1$", Crypt, 20),
    ("$argon2id$", Crypt, 30), ("$argon2i$", Crypt, 30), ("$scrypt$", Crypt, 30), ("$pbkdf2", Crypt, 30),
    ("pbkdf2_sha256$", Crypt, 30), ("$6$", Crypt, 40), ("$5$", Crypt, 40), ("$1$", Crypt, 20),
    ("$y$", Crypt, 40), ("{SSHA}", Crypt, 20), ("{SHA}", Crypt, 20), ("{SMD5}", Crypt, 20), ("{MD5}", Crypt, 20), ("{CRYPT}", Crypt, 12),
    ("{SHA256}", Crypt, 30), ("{SSHA256}", Crypt, 30), ("{SHA512}", Crypt, 40), ("{PBKDF2", Crypt, 30), ("{ARGON2}", Crypt, 30),
    ("{SSHA512}", Crypt, 40), ("SCRAM-SHA-256$", Crypt, 40),
    // Telegram's bots: at least five digits, a colon, then this.
    (":A", Word, 33),
];
