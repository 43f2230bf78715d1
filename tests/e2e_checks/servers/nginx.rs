use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::Server;

const DAY: Duration = Duration::from_secs(86_400);

/// Creates a self-signed certificate for `localhost`, valid for `days` days. Writes it and its key to `folder`. Returns
/// the path of the certificate.
pub fn certificate(folder: &Path, days: u32) -> PathBuf {
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + DAY * days + Duration::from_secs(60)).into();
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), certificate.pem()).unwrap();
    folder.join("certificate.pem")
}

/// Creates a chain of three certificates in `folder`: a root certificate signs an intermediate certificate, which signs
/// a certificate for `localhost`. Returns the path of the root certificate.
pub fn chain(folder: &Path, leaf_days: u32, intermediate_days: u32) -> PathBuf {
    let params = |name: &str, days: u32| {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = (SystemTime::now() - DAY).into();
        params.not_after = (SystemTime::now() + DAY * days + Duration::from_secs(60)).into();
        params
    };
    let authority = |name: &str, days: u32| {
        let mut params = params(name, days);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params, KeyPair::generate().unwrap())
    };
    let (root_params, root_key) = authority("Root", 900);
    let root = root_params.self_signed(&root_key).unwrap();
    let (params_between, key_between) = authority("Intermediate", intermediate_days);
    let between = params_between
        .signed_by(&key_between, &Issuer::from_params(&root_params, &root_key))
        .unwrap();
    let key = KeyPair::generate().unwrap();
    let leaf = params("localhost", leaf_days)
        .signed_by(&key, &Issuer::from_params(&params_between, &key_between))
        .unwrap();
    fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    fs::write(folder.join("certificate.pem"), leaf.pem() + &between.pem()).unwrap();
    fs::write(folder.join("root.pem"), root.pem()).unwrap();
    folder.join("root.pem")
}

/// Starts nginx with a certificate that is valid for `days` days. Returns the server, its URL, and the path of the
/// certificate file that clients have to trust.
pub fn nginx(days: u32) -> (Server, String, PathBuf) {
    let server = Server::start(|folder, port| {
        certificate(folder, days);
        let configuration = format!(
            "daemon off; pid nginx.pid; error_log stderr; events {{}}
             http {{
                 access_log off; keepalive_requests 1000;
                 client_body_temp_path .; proxy_temp_path .; fastcgi_temp_path .; uwsgi_temp_path .; scgi_temp_path .;
                 server {{
                     listen 127.0.0.1:{port} ssl;
                     ssl_certificate certificate.pem; ssl_certificate_key key.pem;
                     location / {{ return 200 'ready'; }}
                     location /old {{ return 301 /; }}
                     location /broken {{ return 502; }}
                 }}
             }}"
        );
        fs::write(folder.join("nginx.conf"), configuration).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(folder.join("nginx.conf"))
            .args(["-e", "stderr"]);
        command
    });
    let url = format!("https://localhost:{}/", server.port);
    let file = server.folder().join("certificate.pem");
    (server, url, file)
}
