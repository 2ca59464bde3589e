// Credentials from the two endpoints of AWS: that of a container (ECS, EKS) and that of a virtual machine (EC2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scabbard/context.hpp"
#include "scabbard/error.hpp"
#include "store/s3/credential_source.hpp"
#include "store/s3/environment.hpp"

namespace scabbard::s3 {

/// Credentials, or why there are none to be had there ("AWS_EC2_METADATA_DISABLED is set"), which is no error: the next
/// source is asked then.
struct EndpointAnswer {
  std::optional<Credentials> credentials;
  std::string absent;
};

/// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or _FULL_URI. The latter may be http only to this machine and to the
/// addresses that AWS hands credentials out at, as the token that goes with it is a secret.
Result<EndpointAnswer> ask_container(const Context& ctx, const Environment& environment, const Fetch& fetch);

/// The instance metadata service, version 2. Where nobody answers, that is known after two seconds.
Result<EndpointAnswer> ask_instance(const Context& ctx, const Environment& environment, const Fetch& fetch);

/// Whether a URL of AWS_CONTAINER_CREDENTIALS_FULL_URI may be asked.
bool may_be_asked(std::string_view url);

}  // namespace scabbard::s3
