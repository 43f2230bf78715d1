//! The prefixes of providers' tokens. This file contains only data; the module `shapes` uses it.
//!
//! To support a new provider, add a prefix here. No code has to change.

use super::bytes::{ALNUM, CAPITAL, HASH, HEX, TOKEN, WORD};

/// Groups of prefixes of tokens. An entry has three fields: the class of the characters after a prefix, the minimum
/// number of these characters, and the prefixes. For the class `CAPITAL`, the number is exact.
///
/// If a prefix has at most four bytes, the rest of the token must also look random.
///
/// The minimum numbers are a little below the documented lengths, because providers change the lengths.
///
/// Not every prefix belongs to a provider: `MII…` and `b3Bl…` are private keys without their header, `$…$` and `{…}`
/// are password hashes.
#[rustfmt::skip]
pub(super) const TOKENS: &[(u32, u8, &str)] = &[
    (HEX, 20, "v1.github."),
    (HEX, 30, "\
        amzn1.oa2-cs.v1. bkua_ e2b_ KGAT_ live_pub_ sbp_ shippo_live_ shippo_test_ shpat_ shpca_ shppa_ shprt_ shpss_ \
        shptka_ sqa_ sqb_ sqp_ squ_ test_pub_ zpka_"),
    (HEX, 32, "AC dapi ES_ fc- key- live_ ls__ pubkey- pul- rubygems_ SK test_"),
    (HEX, 40, "doo_v1_ dop_v1_ dor_v1_ mlsn. s-s4t2af- s-s4t2ud- slk_ sntryu_ tw_"),
    (HEX, 48, "sk_"),
    (HEX, 64, "K10"),
    (ALNUM, 10, "rk_live_ rk_prod_ rk_test_ sk_live_ sk_prod_ sk_test_"),
    (ALNUM, 12, "LTAI rzp_live_ rzp_test_ sm_aat_ sm_pat_ sm_sat_"),
    (ALNUM, 16, "_gitlab_session= DO00 SCW tr_dev_ tr_prod_"),
    (ALNUM, 20, "esecret_ fw_ gho_ ghp_ ghr_ ghs_ ghu_ jfrt_ key_live_"),
    (ALNUM, 24, "aio_ API- ATBB BBDC- rnd_"),
    (ALNUM, 30, "\
        AKID api_org_ apify_api_ BBFF- cio ddapi_ ddp_ ddw_ dp.audit. dp.ct. dp.pt. dp.sa. dp.scim. GBP- gsk_ hcaik_ \
        hcbik_ hf_ ico- lin_api_ lin_oauth_ LTRZ nfp_ ngrok_ npm_ ntn_ octopus- p8e- pina_ pnb_ pnu_ pplx- r8_ sk- trp_"),
    (ALNUM, 38, "4b1d co_"),
    (ALNUM, 40, "\
        AGE-SECRET-KEY-1 AKCp CLOJARS_ clojars_ cmVmd csk- EZAK EZTK GOOG1 LDAP- napi_ oy2 patch_ rdme_ rpa_ secret_ \
        sess- vcp_"),
    (ALNUM, 60, "EAAB EAAC EAAG EAAM xai-"),
    (WORD, 10, "FLWSECK- FLWSECK_LIVE- xapp- xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs- xwfp-"),
    (WORD, 15, "\
        AVNS_ dckr_oat_ dckr_pat_ endr+ glagent- glcbt- gldt- glffct- glft- glimt- gloas- glptt- glsoat- glwt- \
        GR1348941 NRAK- NRAL- NRJS- sb_secret_ tskey-"),
    (WORD, 20, "\
        akeyless_ CCIPAT_ CCIPRJ_ EAAA github_pat_ GOCSPX- hvb. hvr. hvs. infisical_ md- NRII- NRRA- NRSP- ory_pat_ \
        ory_st_ pdl_live_ pdl_sdbx_ PMAT- sk-admin- sk-ant- sk-lf- sk-or- sk-proj- sk-svcacct- sq0atp- tvly- vercel_"),
    (WORD, 24, "BSA re_"),
    (WORD, 30, "\
        1//0 A3- access-development- access-production- access-sandbox- AIza AKLT amzn.mws. AQVN CFPAT- duffel_live_ \
        duffel_test_ figd_ figu_ FLWPUBK_TEST- fo1_ glsa_ HRKU- lsv2_ ory_at_ pat-eu1- pat-na1- pcsk_ phc_ phx_ rh-api- \
        scw- sgp_ sha256~ shltm_ sq0csp- syt_ tgp_v1_ tk-us- wandb_v1_"),
    (WORD, 36, "api- sdk- waka_ YC"),
    (WORD, 40, "AGE-PLUGIN- b.AAAAAQ jina_ live_ nvapi- PMAK- pypi- signkey- xkeysib- xsmtpsib-"),
    (WORD, 60, "dnkey- IGQV mfa."),
    (WORD, 100, "v1.0-"),
    (TOKEN, 10, "FLWSECK_TEST xoxd- xoxe."),
    (TOKEN, 15, "glpat- glrt- glrtr- whsec_ WPL_AP1."),
    (TOKEN, 20, "\
        bedrock-api-key- eyJ2ZXIiOiIyIiwidHlwIjoiSldUIiwi pdus+ pscale_oauth_ pscale_pw_ pscale_tkn_ VF.DM. VF.WS. \
        ya29."),
    (TOKEN, 30, "ATATT3 ATCTT3 dp.st. glc_ kubeconfig-u- kubeconfig-user- MC4CAQAwBQYDK2Vw sntrys_ snyk_ tfp_"),
    (TOKEN, 40, "aivenv1_ dG9rO dt0c01. dt0s01. dt0s16. eyJrIjoi fio-u- MG. pk.eyJ SG. sk.eyJ"),
    (TOKEN, 44, "AAAAAAAAAAAAAAAAAAAAAA b_"),
    (TOKEN, 60, "\
        at. b3BlbnNzaC1rZXktdjE fm1a_ fm1r_ fm2_ MHcCAQEEI MIGHAgEAMBMGByqGSM49 MIICXAIBAAK MIICXQIBAAK MIIEowIBAAK \
        MIIEpAIBAAK MIIEpQIBAAK MIIEvAIBADAN MIIEvQIBADAN MIIJKAIBAAK MIIJKQIBAAK MIIJQgIBADAN na1. ops_eyJ"),
    (TOKEN, 70, "ABSK pk. sk. st. t1."),
    (TOKEN, 100, "sl. sl.u."),
    (CAPITAL, 16, "ABIA ACCA AIDA AKIA AROA ASIA"),
    (CAPITAL, 17, "A3T"),
    (CAPITAL, 56, "SA SC SN SO SU SX"),
    (HASH, 12, "{CRYPT}"),
    (HASH, 20, "$1$ $apr1$ {MD5} {SHA} {SMD5} {SSHA}"),
    (HASH, 30, "\
        $argon2i$ $argon2id$ $pbkdf2 $scrypt$ access_token$production$ access_token$sandbox$ pbkdf2_sha256$ {ARGON2} \
        {PBKDF2 {SHA256} {SSHA256}"),
    (HASH, 40, "$5$ $6$ $y$ SCRAM-SHA-256$ {SHA512} {SSHA512}"),
    (HASH, 50, "$2a$ $2b$ $2y$"),
];
