vcl 4.1;

# Two instances of a service behind Varnish, which probes the readiness of each. An instance that isn't ready gets no
# requests. If none is ready, Varnish answers 503.
import directors;

probe ready {
    .url = "/readyz";
    # An instance that answers 200 is healthy, also with warnings.
    .expected_response = 200;
    .interval = 1s;
    .timeout = 2s;
    # An instance is healthy if two of its last three probes passed. So Varnish notices a failure before the port closes
    # after the `shutdown_delay` of 5 s.
    .window = 3;
    .threshold = 2;
    .initial = 1;
}

backend shop_1 {
    .host = "127.0.0.1";
    .port = "8081";
    .probe = ready;
}

backend shop_2 {
    .host = "127.0.0.1";
    .port = "8082";
    .probe = ready;
}

sub vcl_init {
    new shop = directors.round_robin();
    shop.add_backend(shop_1);
    shop.add_backend(shop_2);
}

sub vcl_recv {
    # Clients from outside must not see the environment page, the history and the reports. By the X-Forwarded-For that
    # Varnish adds, the service knows that a client isn't local, and withholds details. This rule closes the pages.
    if (req.url ~ "(?i)^/(environment|healthcheck)") {
        return (synth(404));
    }
    set req.backend_hint = shop.backend();
    # The answers have `Cache-Control: no-store`. Without this rule Varnish would process simultaneous requests for the same
    # path one after another.
    if (req.url ~ "^/(livez|readyz|startupz)") {
        return (pass);
    }
}
