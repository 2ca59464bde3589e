// Certificates for servers on loopback, made anew for each run.
#pragma once

#include <chrono>
#include <filesystem>

namespace scabbard {

/// The files of one server, PEM, named as MinIO wants to find them.
struct CertificateFiles {
  std::filesystem::path authority;    ///< what a client has to trust
  std::filesystem::path certificate;  ///< public.crt
  std::filesystem::path key;          ///< private.key
};

/// Makes an authority in `folder`, and a certificate signed by it for localhost, *.localhost, 127.0.0.1 and ::1 that
/// is valid from an hour ago until `valid_for` from now; a negative one has expired. Throws std::runtime_error.
CertificateFiles make_certificates(const std::filesystem::path& folder,
                                   std::chrono::seconds valid_for = std::chrono::days(2));

}  // namespace scabbard
