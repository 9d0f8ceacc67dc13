//! The TLS configuration, with a self-signed certificate generated at start-up.

use std::fs;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::NoServerSessionStorage;

use crate::options::TlsOptions;

/// The TLS configuration, and the certificate in PEM.
pub(super) struct Identity {
    pub(super) config: Arc<ServerConfig>,
    pub(super) certificate_pem: String,
}

impl Identity {
    /// Generates a certificate for loopback and `address`, and writes it where the options say.
    pub(super) fn new(options: &TlsOptions, address: IpAddr) -> io::Result<Identity> {
        let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec();
        if !address.is_unspecified() && !names.contains(&address.to_string()) {
            names.push(address.to_string());
        }
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(names).map_err(io::Error::other)?;
        let certificate_pem = cert.pem();
        if let Some(path) = &options.certificate_file {
            fs::write(path, &certificate_pem).map_err(|error| {
                io::Error::new(
                    error.kind(),
                    format!("cannot write the certificate to {}: {error}", path.display()),
                )
            })?;
        }
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
            .map_err(io::Error::other)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        if !options.resumption {
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        Ok(Identity { config: Arc::new(config), certificate_pem })
    }
}
