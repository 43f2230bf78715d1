//! Addresses whose path is the secret: whoever knows it may post.

use super::bytes::{ADDRESS_END, ALNUM, at, follows, is, run_of, set};
use super::entropy::looks_random;
use super::scan::Scan;

struct Webhook {
    /// The end of the host's name.
    host: &'static str,
    /// What the path begins with.
    path: &'static str,
    /// How many segments after that are shown still.
    shown: usize,
}

const fn webhook(host: &'static str, path: &'static str, shown: usize) -> Webhook {
    Webhook { host, path, shown }
}

const WEBHOOKS: &[Webhook] = &[
    webhook("hooks.slack.com", "/services/", 0),
    webhook("hooks.slack.com", "/workflows/", 0),
    webhook("hooks.slack.com", "/triggers/", 0),
    webhook("hooks.slack-gov.com", "/services/", 0),
    webhook("discord.com", "/api/webhooks/", 1),
    webhook("discordapp.com", "/api/webhooks/", 1),
    webhook(".webhook.office.com", "/webhookb2/", 0),
    webhook("outlook.office.com", "/webhook/", 0),
    webhook("outlook.office365.com", "/webhook/", 0),
    webhook("hooks.zapier.com", "/hooks/catch/", 1),
    webhook("maker.ifttt.com", "/trigger/", 3),
    webhook("events.pagerduty.com", "/integration/", 0),
    webhook("alert.victorops.com", "/integrations/generic/", 1),
    webhook("hc-ping.com", "/", 0),
    webhook("open.feishu.cn", "/open-apis/bot/v2/hook/", 0),
    webhook("open.larksuite.com", "/open-apis/bot/v2/hook/", 0),
    webhook("webhook.site", "/", 0),
    webhook("hook.make.com", "/", 0),
    webhook("hook.eu1.make.com", "/", 0),
    webhook("hook.eu2.make.com", "/", 0),
    webhook("hook.us1.make.com", "/", 0),
    webhook("hook.us2.make.com", "/", 0),
    webhook("hooks.airtable.com", "/workflows/v1/genericWebhook/", 2),
    webhook("hook.integromat.com", "/", 0),
    webhook("infura.io", "/v3/", 0),
    webhook("infura.io", "/ws/v3/", 0),
    webhook("alchemy.com", "/v2/", 0),
    webhook("alchemyapi.io", "/v2/", 0),
    webhook("quiknode.pro", "/", 0),
    webhook("conda.anaconda.org", "/t/", 0),
    webhook("hooks.zapier.com", "/hooks/standard/", 1),
    webhook("cronitor.link", "/p/", 0),
    webhook("nosnch.in", "/", 0),
    webhook("betteruptime.com", "/api/v1/heartbeat/", 0),
    webhook("uptime.betterstack.com", "/api/v1/heartbeat/", 0),
    webhook("heartbeat.uptimerobot.com", "/", 0),
    webhook("script.google.com", "/macros/s/", 0),
    webhook("smee.io", "/", 0),
    webhook("api.opsgenie.com", "/v1/json/integrations/webhooks/", 0),
    webhook("in.logs.betterstack.com", "/", 0),
    webhook("logs.logdna.com", "/logs/ingest/", 0),
    webhook("logs-01.loggly.com", "/inputs/", 0),
    webhook("api.telegram.org", "/bot", 0),
];

/// Paths of services that people host themselves.
const HOOKS: &[&str] = &["/hooks/", "/webhooks/", "/webhook/", "/incoming/", "/bot/hook/"];

/// Looks at the host between `start` and `end` and at the path behind it.
pub(super) fn find(scan: &mut Scan<'_>, start: usize, end: usize) {
    let bytes = scan.bytes;
    if at(bytes, end) != b'/' || start == end {
        return;
    }
    let host = scan.part(start, end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let host = host.split_once(':').map_or(host, |(host, _)| host);
    // The shortest known host has seven letters.
    let known = if host.len() < 7 { &[] } else { WEBHOOKS };
    let first = at(bytes, end + 1);
    for webhook in known {
        // The first letter of the path tells most apart.
        let begins = webhook
            .path
            .as_bytes()
            .get(1)
            .is_none_or(|letter| letter.eq_ignore_ascii_case(&first));
        if begins && ends_in(host, webhook.host) && follows(bytes, end, webhook.path) {
            secret_path(scan, end + webhook.path.len(), webhook.shown);
            return;
        }
    }
    if !matches!(at(bytes, end + 1) | 0x20, b'b' | b'h' | b'i' | b'w') {
        return;
    }
    for hook in HOOKS {
        if follows(bytes, end, hook) {
            let mut segment = end + hook.len();
            for _ in 0..3 {
                let close = segment_end(bytes, segment);
                let text = scan.part(segment, close);
                // Mattermost's are 26 letters and digits, not always both.
                if looks_random(text, 16) || text.len() == 26 && text.bytes().all(|byte| is(byte, ALNUM)) {
                    secret_path(scan, segment, 0);
                    break;
                }
                segment = close + 1;
            }
        }
    }
}

fn ends_in(host: &str, suffix: &str) -> bool {
    let last = |text: &str| text.bytes().next_back().map(|byte| byte | 0x20);
    // Nearly all differ there already.
    if last(host) != last(suffix) {
        return false;
    }
    host.len()
        .checked_sub(suffix.len())
        .is_some_and(|start| follows(host.as_bytes(), start, suffix))
}

fn secret_path(scan: &mut Scan<'_>, start: usize, shown: usize) {
    let bytes = scan.bytes;
    let mut from = start;
    for _ in 0..shown {
        let close = segment_end(bytes, from);
        if at(bytes, close) != b'/' {
            return;
        }
        from = close + 1;
    }
    let end = run_of(
        bytes,
        from,
        set!(|byte| !is(byte, ADDRESS_END) && !matches!(byte, b'?' | b'#' | b',' | b';' | b']' | b'}')),
    );
    scan.spans.hide(from..end);
}

fn segment_end(bytes: &[u8], start: usize) -> usize {
    run_of(
        bytes,
        start,
        set!(|byte| !is(byte, ADDRESS_END) && !matches!(byte, b'/' | b'?' | b'#' | b',' | b';' | b']' | b'}')),
    )
}

#[cfg(test)]
mod tests {
    use super::super::redact;

    #[test]
    fn the_secret_part_of_a_webhook_goes() {
        let x = concat!("FAKE", "x9Lk2mQ7pR4s");
        for (text, expected) in [
            (
                "https://hook.eu1.make.com/X",
                "https://hook.eu1.make.com/********",
            ),
            (
                "https://hooks.slack.com/services/T0/B0/X",
                "https://hooks.slack.com/services/********",
            ),
            (
                "https://discord.com/api/webhooks/123/X?wait=1",
                "https://discord.com/api/webhooks/123/********?wait=1",
            ),
            (
                "https://api.telegram.org/bot12:X/getMe",
                "https://api.telegram.org/bot********",
            ),
            (
                "https://chat.example.com/hooks/X",
                "https://chat.example.com/hooks/********",
            ),
        ] {
            assert_eq!(redact(&text.replace('X', x)), expected);
        }
        let plain = "https://chat.example.com/hooks/deployments and https://discord.com/channels/1";
        assert_eq!(redact(plain), plain);
    }
}
