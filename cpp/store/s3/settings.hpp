// What an S3 store is opened with, put together from its URL, its options, the environment and AWS' shared files.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.hpp"
#include "net/endpoint.hpp"
#include "net/engine.hpp"
#include "scabbard/error.hpp"
#include "store/s3/checksum.hpp"
#include "store/s3/credential_chain.hpp"
#include "store/s3/environment.hpp"

namespace scabbard::s3 {

struct Settings {
  std::string bucket;
  std::string prefix;  ///< what every key begins with: "f01000/" or nothing
  std::string region;
  bool is_aws = false;         ///< the endpoints are made from the region
  bool virtual_hosts = false;  ///< the bucket is in the host name, not in the path
  std::vector<net::Endpoint> endpoints;
  CredentialOptions credentials;

  std::string storage_class;
  std::optional<std::uint64_t> capacity;
  std::uint64_t part_size = 0;  ///< 0: by the object's length
  std::uint64_t merge_gap = 4096;
  unsigned max_connections = 128;
  std::chrono::nanoseconds timeout = std::chrono::minutes(5);
  std::chrono::nanoseconds usage_refresh = std::chrono::minutes(10);
  /// Whether the SHA-256 of bodies is signed.
  enum class Payload { kAuto, kSigned, kUnsigned } payload = Payload::kAuto;
  Checksum checksum = Checksum::kNone;
  bool hedging = true;
  std::string ca_file;
  std::string proxy;
  /// Where this machine keeps what has to outlive the process.
  std::string state_folder;

  // For tests.
  Clock* clock = &Clock::steady();
  std::shared_ptr<net::Engine> engine;  ///< empty: the process' own
};

/// kInvalidArgument says which option or variable is wrong, and how.
Result<Settings> settings_of(std::string_view url, const Options& options, const Environment& environment);

/// Where AWS has the buckets of a region.
net::Endpoint aws_endpoint(std::string_view region);

/// The same endpoints with the bucket in their host names.
std::vector<net::Endpoint> with_bucket(std::vector<net::Endpoint> endpoints, std::string_view bucket);

}  // namespace scabbard::s3
