use std::fmt;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Root certificates in place of those of AWS, each of which was read.
#[derive(Clone)]
pub(crate) struct CaBundle(Vec<u8>);

impl CaBundle {
    /// The bundle in a file.
    ///
    /// # Errors
    /// What the file should have been.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let pem = std::fs::read(path).map_err(|error| format!("a readable file ({error})"))?;
        Self::parse(pem)
    }

    fn parse(pem: Vec<u8>) -> Result<Self, String> {
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
        Ok(Self(pem))
    }

    pub(crate) fn pem(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "CaBundle({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::http::AMAZON_ROOTS;

    #[test]
    fn certificates_in_pem_are_a_bundle() {
        assert_eq!(CaBundle::parse(AMAZON_ROOTS.to_vec()).unwrap().pem(), AMAZON_ROOTS);
    }

    #[test]
    fn what_is_not_pem_is_refused() {
        let text = String::from_utf8(AMAZON_ROOTS.to_vec()).unwrap();
        let cut = &text.as_bytes()[..text.len() / 2];
        let garbled = text.replacen("MII", "!!!", 1);
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for bundle in [
            b"".as_slice(),
            b"not PEM",
            &[0x30, 0x82, 0xff],
            cut,
            garbled.as_bytes(),
            no_certificate.as_bytes(),
        ] {
            let error = CaBundle::parse(bundle.to_vec()).unwrap_err();
            assert!(error.contains("certificates"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        assert!(
            CaBundle::read("/nowhere/roots.pem")
                .unwrap_err()
                .contains("readable file")
        );
    }
}
