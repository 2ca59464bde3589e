// The places where credentials are looked for, in the order of AWS' own tools.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/s3/credential_source.hpp"
#include "store/s3/environment.hpp"
#include "store/s3/shared_config.hpp"

namespace scabbard::s3 {

/// The options Profile, CredentialsFile and Anonymous; empty where not given.
struct CredentialOptions {
  std::string profile;
  std::string credentials_file;
  bool anonymous = false;
};

/// The profile that settings and credentials are taken from: the option's, AWS_PROFILE's, AWS_DEFAULT_PROFILE's or
/// "default".
std::string profile_name(const CredentialOptions& options, const Environment& environment);

/// With option Anonymous none; with options Profile or CredentialsFile those and nothing else; otherwise the
/// environment's keys, the profile, the container endpoint, the instance endpoint. The files are read at each load().
class CredentialChain final : public CredentialSource {
 public:
  CredentialChain(CredentialOptions options, Environment environment, Fetch fetch);
  Result<Credentials> load(const Context& ctx) override;
  std::string fingerprint() const override;

 private:
  // Nothing: there are none, and the next place is looked at.
  using Found = Result<std::optional<Credentials>>;
  using Place = Found (CredentialChain::*)(const Context& ctx, std::vector<std::string>& tried) const;

  Found from_environment(const Context& ctx, std::vector<std::string>& tried) const;
  Found from_profile(const Context& ctx, std::vector<std::string>& tried) const;
  Found from_container(const Context& ctx, std::vector<std::string>& tried) const;
  Found from_instance(const Context& ctx, std::vector<std::string>& tried) const;
  Found from_keys(const SharedConfig& config, const std::string& source) const;
  Found from_process(const Context& ctx, std::string_view command, const std::string& source) const;
  std::optional<Error> unsupported(const SharedConfig& config, const std::string& source) const;
  std::string profile_in_files() const;
  Error none(const std::vector<std::string>& tried) const;

  const CredentialOptions options_;
  const Environment environment_;
  const Fetch fetch_;
  const SharedConfigFiles files_;
  const std::string profile_;
};

}  // namespace scabbard::s3
