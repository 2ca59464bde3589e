#include "support/test_certificates.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <memory>
#include <stdexcept>

namespace scabbard {
namespace {

constexpr long kHour = 3600;

struct Freed {
  void operator()(EVP_PKEY* key) const { ::EVP_PKEY_free(key); }
  void operator()(X509* certificate) const { ::X509_free(certificate); }
  void operator()(X509_EXTENSION* extension) const { ::X509_EXTENSION_free(extension); }
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed>;
using Certificate = std::unique_ptr<X509, Freed>;

void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string("cannot make certificates: ") + what);
}

Key make_key() {
  Key key(::EVP_EC_gen("P-256"));
  require(key != nullptr, "key");
  return key;
}

void extend(X509* certificate, X509* issuer, int kind, const char* value) {
  X509V3_CTX context;
  ::X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, Freed> extension(::X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  require(extension && ::X509_add_ext(certificate, extension.get(), -1) == 1, value);
}

// Unsigned and without extensions, but with everything else that a certificate has.
Certificate make_certificate(const char* name, long serial, EVP_PKEY* key, std::chrono::seconds valid_for) {
  Certificate certificate(::X509_new());
  require(certificate != nullptr, name);
  ::X509_set_version(certificate.get(), X509_VERSION_3);
  ::ASN1_INTEGER_set(::X509_get_serialNumber(certificate.get()), serial);
  // An expired one was valid once.
  ::X509_gmtime_adj(::X509_getm_notBefore(certificate.get()), std::min<long>(valid_for.count(), 0) - kHour);
  ::X509_gmtime_adj(::X509_getm_notAfter(certificate.get()), valid_for.count());
  ::X509_set_pubkey(certificate.get(), key);
  ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name), -1, -1, 0);
  return certificate;
}

void sign(X509* certificate, X509* issuer, EVP_PKEY* key) {
  ::X509_set_issuer_name(certificate, ::X509_get_subject_name(issuer));
  require(::X509_sign(certificate, key, ::EVP_sha256()) > 0, "signature");
}

template <class Write>
void write_file(const std::filesystem::path& path, Write write) {
  const std::unique_ptr<std::FILE, Freed> file(std::fopen(path.c_str(), "wx"));
  require(file && write(file.get()) == 1, path.c_str());
}

}  // namespace

CertificateFiles make_certificates(const std::filesystem::path& folder, std::chrono::seconds valid_for) {
  const Key authority_key = make_key();
  const Certificate authority =
      make_certificate("scabbard test authority", 1, authority_key.get(), std::chrono::days(2));
  extend(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  extend(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign");
  sign(authority.get(), authority.get(), authority_key.get());

  const Key key = make_key();
  const Certificate certificate = make_certificate("localhost", 2, key.get(), valid_for);
  extend(certificate.get(), authority.get(), NID_subject_alt_name, "DNS:localhost,DNS:*.localhost,IP:127.0.0.1,IP:::1");
  extend(certificate.get(), authority.get(), NID_ext_key_usage, "serverAuth");
  sign(certificate.get(), authority.get(), authority_key.get());

  CertificateFiles files{
      .authority = folder / "authority.crt", .certificate = folder / "public.crt", .key = folder / "private.key"};
  write_file(files.authority, [&](std::FILE* file) { return ::PEM_write_X509(file, authority.get()); });
  write_file(files.certificate, [&](std::FILE* file) { return ::PEM_write_X509(file, certificate.get()); });
  write_file(files.key, [&](std::FILE* file) {
    return ::PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  return files;
}

}  // namespace scabbard
