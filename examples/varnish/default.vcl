vcl 4.1;

# Two instances of a service behind Varnish, which asks each of them for its readiness. An instance that isn't ready gets
# no requests; with none that is ready Varnish answers 503.
import directors;

probe ready {
    .url = "/readyz";
    # 200 is healthy, warnings included.
    .expected_response = 200;
    .interval = 1s;
    .timeout = 2s;
    # Two of the last three: a failure is noticed before the 5 s of `shutdown_delay` are over and the port closes.
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
    # The environment page and the history are for the machine itself, which Varnish looks like to the service.
    if (req.url ~ "(?i)^/(environment|healthcheck)") {
        return (synth(404));
    }
    set req.backend_hint = shop.backend();
    # The answers say `no-store`; without this, requests that come at once would wait for one another.
    if (req.url ~ "^/(livez|readyz|startupz)") {
        return (pass);
    }
}
