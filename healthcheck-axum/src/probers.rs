use axum::http::header::USER_AGENT;
use axum::http::{Method, Request};

use crate::self_probe;

/// The beginnings of the `User-Agent` headers that known probers send. After most of these beginnings, the header
/// continues with a version.
const AGENTS: [&str; 15] = [
    "kube-probe/",
    "GoogleHC/",
    "ELB-HealthChecker/",
    "Amazon-Route53-Health-Check-Service",
    "Load Balancer Agent", // Azure
    "Edge Health Probe",   // Azure Front Door
    "Consul Health Check",
    "Envoy/HC",
    "check_http/",
    "Icinga/check_http",
    "Blackbox Exporter/",
    "Uptime-Kuma/",
    "UptimeRobot/",
    "Pingdom.com_bot",
    self_probe::AGENT,
];

/// The default paths of the endpoints that probers request many times a minute. For `is_probe`, a path below one of
/// these is also a probe path.
///
/// The path of the environment page isn't in this list, because an access log should record the requests for that page.
const PATHS: [&str; 4] = ["/healthcheck", "/livez", "/readyz", "/startupz"];

/// Returns whether a request is a health probe. With this function you can keep health probes out of access logs and
/// out of `TraceLayer`.
///
/// A request is a probe if its method is `GET`, `HEAD` or `OPTIONS`, and if at least one of two conditions is met:
///
/// - The path of the request is the default health path, the default path of a probe, or a path below one of these.
/// - The user agent of the request is that of a known prober: Kubernetes, Google, AWS, Azure, Consul, Envoy, Nagios,
///   Icinga, Prometheus' blackbox exporter, Uptime Kuma, Uptime Robot, Pingdom or [`probe`](crate::probe()).
///
/// Any client can send the user agent of a prober. Its requests are then missing from a log that omits probes. For an
/// audit log, recognize probes by their path and by the address of the client.
///
/// ```
/// use axum::http::Request;
///
/// # fn main() -> Result<(), axum::http::Error> {
/// let probe = Request::get("/readyz").body(())?;
/// let request = Request::get("/orders/7").body(())?;
/// assert!(healthcheck_axum::is_probe(&probe));
/// assert!(!healthcheck_axum::is_probe(&request));
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn is_probe<B>(request: &Request<B>) -> bool {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    reads && (is_probed(request.uri().path()) || is_prober(request))
}

fn is_probed(path: &str) -> bool {
    PATHS.iter().any(|own| {
        let below = path.strip_prefix(own);
        below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
    })
}

fn is_prober<B>(request: &Request<B>) -> bool {
    let agent = request.headers().get(USER_AGENT);
    let agent = agent.map_or(&b""[..], |agent| agent.as_bytes());
    AGENTS.iter().any(|known| agent.starts_with(known.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(method: &str, path: &str, agent: &str) -> bool {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(USER_AGENT, agent)
            .body(())
            .unwrap();
        is_probe(&request)
    }

    #[test]
    fn the_probes_and_the_health_path_are_known_by_their_paths() {
        for path in [
            "/livez",
            "/readyz?exclude=redis",
            "/startupz/redis",
            "/healthcheck",
            "/healthcheck/history",
        ] {
            assert!(is("GET", path, "curl/8.5.0"), "{path}");
            assert!(is("HEAD", path, "") && is("OPTIONS", path, ""), "{path}");
        }
    }

    #[test]
    fn probers_are_known_by_their_names_on_whatever_path() {
        for agent in [
            "kube-probe/1.31",
            "GoogleHC/1.0",
            "ELB-HealthChecker/2.0",
            "Amazon-Route53-Health-Check-Service (ref 12345; report http://amzn.to/1vsZADi)",
            "Consul Health Check",
            "check_http/v2.4.9 (monitoring-plugins 2.4.9)",
            self_probe::AGENT,
        ] {
            assert!(is("GET", "/", agent), "{agent}");
        }
    }

    #[test]
    fn requests_are_logged_and_so_is_whoever_reads_the_environment() {
        for path in ["/", "/environment", "/livezz", "/healthchecks", "/orders/livez"] {
            assert!(!is("GET", path, "Mozilla/5.0"), "{path}");
        }
        assert!(!is("GET", "/orders", "not a kube-probe/1.31"));
    }

    #[test]
    fn nobody_hides_a_change_behind_a_probers_name() {
        assert!(!is("POST", "/orders", "kube-probe/1.31"));
        assert!(!is("DELETE", "/livez", "kube-probe/1.31"));
    }
}
