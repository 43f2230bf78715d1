//! Tests the format that each `Accept` header gets: first the headers of real clients, then the rules of HTTP.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

use super::*;
use crate::render::Format;

/// `Accept` headers, each with the format that it gets on the health path. "a or b" means a on the health path and b on
/// a probe.
const TABLE: &[(&str, &str)] = &[
    // Sent by curl, wget, kube-probe, GoogleHC, monit, k6, requests, httpx, the clients of Go and Java, and every
    // client without a preference.
    ("*/*", "json"),
    ("", "json"),
    // Sent by axios, fetch wrappers, HTTPie, jQuery, Insomnia, PowerShell.
    ("application/json, text/plain, */*", "json"),
    ("application/json, */*;q=0.5", "json"),
    ("application/json, text/javascript, */*; q=0.01", "json"),
    ("application/json", "json"),
    ("application/json;charset=utf-8", "json"),
    ("Application/JSON", "json"),
    ("application/json, application/problem+json", "json"),
    // Sent by RestTemplate, OkHttp, Angular.
    ("application/json, application/*+json", "json"),
    (
        "text/plain, application/json, application/*+json, */*",
        "text worst last",
    ),
    // Sent by HttpURLConnection before Java 19.
    ("text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2", "html"),
    // Sent by Firefox, Chromium, Safari, Edge's old engine, Lynx, w3m, Links.
    (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "html",
    ),
    (
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        "html",
    ),
    (
        "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,\
         application/signed-exchange;v=b3;q=0.7",
        "html",
    ),
    ("text/html, application/xhtml+xml, image/jxr, */*", "html"),
    (
        "text/html, text/plain, text/sgml, text/css, application/xhtml+xml, */*;q=0.01",
        "html",
    ),
    ("text/html, text/*;q=0.5, image/*, application/*, video/*", "html"),
    ("text/html", "html"),
    ("text/html;level=1", "html"),
    // Internet Explorer and an <img> name none of our types.
    ("image/gif, image/x-xbitmap, image/jpeg, image/pjpeg, */*", "json"),
    (
        "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
        "json",
    ),
    ("image/*", "json"),
    // Consul.
    ("text/plain, text/*, */*", "text worst last"),
    ("text/plain,text/*,*/*", "text worst last"),
    ("text/plain, */*", "text worst last"),
    ("text/plain;q=0.9, */*;q=0.1", "text worst last"),
    // A person at a shell who wants one word.
    ("text/plain", "text"),
    ("text/plain;charset=utf-8", "text"),
    ("text/plain; charset=UTF-8; q=1", "text"),
    ("TEXT/PLAIN", "text"),
    ("text/plain, application/json;q=0.5", "text"),
    ("text/plain, */*;q=0", "text"),
    ("text/*", "text worst last"),
    // Sent by Prometheus 3, 2.50, 2.5 and 1, vmagent, Telegraf, the OpenTelemetry collector, Datadog, Grafana Alloy.
    (
        "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
         application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        "openmetrics or json",
    ),
    (
        "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "openmetrics or json",
    ),
    (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.8,\
         application/openmetrics-text;version=1.0.0;q=0.7,application/openmetrics-text;version=0.0.1;q=0.6,\
         text/plain;version=0.0.4;q=0.5,*/*;q=0.4",
        "openmetrics or json",
    ),
    (
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7,\
         text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
        "prometheus or json",
    ),
    (
        "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
        "openmetrics or json",
    ),
    ("text/plain;version=0.0.4;q=1,*/*;q=0.1", "prometheus or json"),
    ("text/plain; version=0.0.4; charset=utf-8", "prometheus or json"),
    ("text/plain;version=0.0.4", "prometheus or json"),
    ("text/plain;version=1.0.0", "prometheus or json"),
    ("text/plain; Version=\"0.0.4\"", "prometheus or json"),
    ("application/openmetrics-text", "openmetrics or json"),
    (
        "application/openmetrics-text;version=2.0.0",
        "openmetrics or json",
    ),
    ("text/plain;version=0.0.4, text/plain", "prometheus or text"),
    ("text/plain;version=0.0.4;q=0.2, text/plain", "text"),
    // Sent by clients of the IETF draft and by Spring Boot Admin.
    ("application/health+json", "health+json"),
    ("application/health+json, application/json;q=0.9", "health+json"),
    ("application/health+json, application/json", "health+json"),
    ("application/json, application/health+json", "json"),
    ("application/health+json;q=0.5, application/json", "json"),
    ("application/vnd.spring-boot.actuator.v3+json", "spring"),
    (
        "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json, application/json",
        "spring",
    ),
    (
        "application/vnd.spring-boot.actuator.v2+json, application/json",
        "json",
    ),
    // The quality of a range decides first, then how closely the range names the format, then the order. A quality of 0
    // refuses the type.
    ("application/json;q=0.2, text/html;q=0.3", "html"),
    ("text/*;q=0.9, application/json;q=0.8", "text worst last"),
    ("text/*;q=0.5, text/html;q=0.7, */*;q=0.6", "html"),
    ("application/*, text/html", "html"),
    ("text/html, application/*", "html"),
    ("application/*", "json"),
    ("application/json;q=0, */*", "health+json"),
    ("application/*;q=0, */*", "text worst last"),
    ("text/html;q=0, text/plain;q=0, text/*", "json"),
    ("*/*;q=0", "json"),
    ("application/json;q=0", "json"),
    ("text/html;q=0.001", "html"),
    ("text/html;q=0.5;q=0", "html"),
    ("*/*;q=0.1, text/html;q=0.1", "html"),
    // A wildcard never selects metrics. Metrics always have the status 200, so a client with a wildcard would miss a
    // failure.
    (
        "application/json;q=0, application/health+json;q=0, text/*;q=0, */*",
        "json",
    ),
    // Unknown types and invalid values get JSON. The last two headers are unusual, but valid.
    ("application/xml", "json"),
    ("application/yaml, text/csv", "json"),
    ("text/markdown;variant=GFM", "json"),
    ("json", "json"),
    (",,, ;;; ,", "json"),
    ("*", "json"),
    ("*/json", "json"),
    ("text/html;q=2", "json"),
    ("text/html;q=nope, application/xml", "json"),
    ("text/html ;q=0.8 , application/json;q=0.2", "html"),
    ("text/html;title=\"a,b;q=0\"", "html"),
];

fn shown(formats: &Formats, choice: Choice) -> String {
    let style = match choice.style {
        Style::Brief => "",
        Style::Verbose => " verbose",
        Style::WorstLast => " worst last",
    };
    format!("{}{style}", formats.name(choice.form))
}

fn chosen(headers: &HeaderMap, on: Endpoint) -> String {
    let formats = Formats::default();
    let request = FormatRequest {
        format: None,
        verbose: false,
        headers,
        on,
    };
    shown(&formats, formats.choose(&request).unwrap())
}

fn with(header: &str) -> HeaderMap {
    HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(header).unwrap())])
}

#[test]
fn every_client_gets_its_language() {
    assert!(TABLE.len() >= 60);
    for (header, expected) in TABLE {
        let (health, probe) = expected.split_once(" or ").unwrap_or((expected, expected));
        assert_eq!(
            chosen(&with(header), Endpoint::Health),
            health,
            "on the health path: {header}"
        );
        assert_eq!(
            chosen(&with(header), Endpoint::Probe),
            probe,
            "on a probe: {header}"
        );
    }
}

#[test]
fn no_header_is_json() {
    assert_eq!(chosen(&HeaderMap::new(), Endpoint::Health), "json");
}

#[test]
fn several_headers_are_one_list() {
    let mut headers = with("application/json;q=0.5");
    headers.append(ACCEPT, HeaderValue::from_static("text/html"));
    assert_eq!(chosen(&headers, Endpoint::Health), "html");
    let mut headers = with("*/*");
    headers.append(ACCEPT, HeaderValue::from_static("text/html"));
    assert_eq!(chosen(&headers, Endpoint::Health), "html");
}

#[test]
fn bytes_that_are_no_text_are_passed_over() {
    let mut headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_bytes(b"text/html, \xff").unwrap())]);
    assert_eq!(chosen(&headers, Endpoint::Health), "json");
    headers.append(ACCEPT, HeaderValue::from_static("text/plain"));
    assert_eq!(chosen(&headers, Endpoint::Health), "text");
}

#[test]
fn the_environment_has_two_forms() {
    assert_eq!(
        chosen(&with("text/html,*/*;q=0.8"), Endpoint::Environment),
        "html"
    );
    for header in [
        "text/plain",
        "application/openmetrics-text",
        "application/health+json",
        "*/*",
    ] {
        assert_eq!(chosen(&with(header), Endpoint::Environment), "json", "{header}");
    }
}

fn asked(format: Option<&str>, verbose: bool, on: Endpoint) -> Result<String, UnknownFormat> {
    let formats = Formats::default();
    let headers = with("text/html");
    let request = FormatRequest {
        format,
        verbose,
        headers: &headers,
        on,
    };
    formats.choose(&request).map(|choice| shown(&formats, choice))
}

#[test]
fn the_query_goes_before_the_header() {
    for name in [
        "json",
        "health+json",
        "text",
        "html",
        "openmetrics",
        "prometheus",
        "spring",
        "microprofile",
        "aspnet",
    ] {
        assert_eq!(asked(Some(name), false, Endpoint::Health).unwrap(), name);
    }
    assert_eq!(
        asked(Some("health json"), false, Endpoint::Health).unwrap(),
        "health+json"
    );
    assert_eq!(asked(None, true, Endpoint::Health).unwrap(), "text verbose");
    assert_eq!(
        asked(Some("text"), true, Endpoint::Probe).unwrap(),
        "text verbose"
    );
    assert_eq!(
        asked(Some("json"), true, Endpoint::Probe).unwrap(),
        "json verbose"
    );
}

#[test]
fn an_unknown_format_is_refused_with_the_known_ones() {
    for unknown in ["", "JSON", "xml", "health-json", "json "] {
        let error = asked(Some(unknown), false, Endpoint::Health).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "unknown format `{unknown}`; the formats are: json, health+json, text, html, openmetrics, prometheus, \
                 spring, microprofile, aspnet"
            )
        );
        assert_eq!(error.known().len(), 9);
    }
}

#[test]
fn a_probe_has_no_metrics() {
    for metrics in ["openmetrics", "prometheus"] {
        let error = asked(Some(metrics), false, Endpoint::Probe).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{metrics}` is a format of the health path alone; the formats here are: json, health+json, text, html, \
                 spring, microprofile, aspnet"
            )
        );
    }
}

struct Own(&'static str);

impl Format for Own {
    fn content_type(&self) -> HeaderValue {
        HeaderValue::from_static(self.0)
    }

    fn render(&self, _: &crate::Page<'_>) -> axum::body::Bytes {
        "own".into()
    }
}

#[test]
fn a_format_of_ones_own_is_asked_for_by_name_and_by_its_type_alone() {
    let mut formats = Formats::default();
    formats.insert("mine".to_owned(), Own("Text/X-Mine; charset=utf-8"));
    for (header, expected) in [
        ("text/x-mine", "mine"),
        ("text/x-mine;q=0.1, application/xml", "mine"),
        ("text/*", "text worst last"),
        ("*/*", "json"),
    ] {
        let headers = with(header);
        let request = FormatRequest {
            format: None,
            verbose: false,
            headers: &headers,
            on: Endpoint::Probe,
        };
        assert_eq!(
            shown(&formats, formats.choose(&request).unwrap()),
            expected,
            "{header}"
        );
        let by_name = FormatRequest {
            format: Some("mine"),
            ..request
        };
        assert_eq!(shown(&formats, formats.choose(&by_name).unwrap()), "mine");
    }
}

#[test]
fn a_format_of_ones_own_takes_no_others_place_by_its_type() {
    let mut formats = Formats::default();
    formats.insert("mine".to_owned(), Own("application/json"));
    let headers = with("application/json, text/html;q=0.1");
    let request = FormatRequest {
        format: None,
        verbose: false,
        headers: &headers,
        on: Endpoint::Health,
    };
    assert_eq!(shown(&formats, formats.choose(&request).unwrap()), "json");
}
