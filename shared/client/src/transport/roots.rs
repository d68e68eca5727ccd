use std::fmt;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Variable of the file that holds the root certificates of services.
pub const CLIENT_CA_BUNDLE: &str = "CLIENT_CA_BUNDLE";

/// Who is trusted to say which service is which.
#[derive(Clone, Default)]
pub enum RootCertificates {
    /// The operating system's, read when the first service with an `https` address is called.
    #[default]
    Native,
    /// Only these.
    Bundle(Arc<RootCertStore>),
}

impl RootCertificates {
    /// Those of a PEM file, all of which have to be usable.
    ///
    /// # Errors
    /// What the file should have been.
    pub fn read(path: &str) -> Result<Self, String> {
        let pem = std::fs::read(path).map_err(|error| format!("a readable file ({error})"))?;
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(CertificateDer::pem_slice_iter(&pem)) {
            let certificate = certificate
                .map_err(|error| format!("a file of certificates in PEM (at certificate {number}: {error})"))?;
            roots
                .add(certificate)
                .map_err(|error| format!("a file of usable certificates (certificate {number}: {error})"))?;
        }
        if roots.is_empty() {
            return Err("a file of certificates in PEM (it contains none)".to_owned());
        }
        Ok(Self::Bundle(Arc::new(roots)))
    }

    /// The store. Of the operating system's certificates, those that cannot be used are left out, as others do.
    #[must_use]
    pub fn load(&self) -> Arc<RootCertStore> {
        match self {
            Self::Bundle(roots) => roots.clone(),
            Self::Native => {
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                Arc::new(roots)
            }
        }
    }
}

impl fmt::Debug for RootCertificates {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Native => formatter.write_str("Native"),
            Self::Bundle(roots) => write!(formatter, "Bundle({} certificates)", roots.len()),
        }
    }
}
