#include "store/s3/settings.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.hpp"
#include "store/s3/part_plan.hpp"
#include "store/s3/shared_config.hpp"
#include "store/url.hpp"

namespace scabbard::s3 {
namespace {

std::unexpected<Error> wrong_option(std::string_view option, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("option {}: {}", option, why));
}

bool is_bucket_character(unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '_'; }

Result<void> take_url(std::string_view text, Settings& settings) {
  auto url = parse_url(text);
  if (!url) return fail(std::move(url).error());
  settings.bucket = url->authority;
  if (settings.bucket.empty()) {
    return fail(ErrorCode::kInvalidArgument, "the URL has no bucket (s3://bucket/prefix)");
  }
  if (!std::ranges::all_of(settings.bucket, is_bucket_character)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} is no name of a bucket; where the server is, option Endpoint says",
                            quote(redacted(settings.bucket))));
  }
  std::string_view prefix = url->path;
  while (prefix.starts_with('/')) prefix.remove_prefix(1);
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  if (!prefix.empty()) settings.prefix = fmt::format("{}/", prefix);
  return {};
}

// The first of them that says something.
class Sources {
 public:
  Sources(const Options& options, const Environment& environment, const SharedConfig& config, std::string profile)
      : options_(options), environment_(environment), config_(config), profile_(std::move(profile)) {}

  std::string region() const {
    return first({options_.text("Region"), environment_.get("AWS_REGION"), environment_.get("AWS_DEFAULT_REGION"),
                  config_.value(profile_, "region").value_or("")});
  }

  std::string endpoint() const {
    if (std::string given = options_.text("Endpoint"); !given.empty()) return given;
    if (environment_.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS") == "true") return {};
    return first({environment_.get("AWS_ENDPOINT_URL_S3"), environment_.get("AWS_ENDPOINT_URL"),
                  config_.service_value(profile_, "s3", "endpoint_url").value_or(""),
                  config_.value(profile_, "endpoint_url").value_or("")});
  }

  std::string addressing_style() const {
    std::string given = options_.text("AddressingStyle");
    if (given != "auto") return given;
    std::string configured = config_.value(profile_, "s3.addressing_style").value_or("auto");
    return configured == "path" || configured == "virtual" ? configured : "auto";
  }

  Checksum checksum() const {
    std::string given = options_.text("Checksum");
    if (given != "auto") return checksum_of(given);
    // What AWS' own clients do by default, and many servers do not bear, is done where somebody asks for it.
    const std::string wanted = first({environment_.get("AWS_REQUEST_CHECKSUM_CALCULATION"),
                                      config_.value(profile_, "request_checksum_calculation").value_or("")});
    return wanted == "when_supported" || wanted == "WHEN_SUPPORTED" ? Checksum::kCrc32c : Checksum::kNone;
  }

  std::string ca_file() const {
    return first({options_.text("CaFile"), environment_.get("AWS_CA_BUNDLE"),
                  config_.value(profile_, "ca_bundle").value_or("")});
  }

 private:
  static std::string first(std::initializer_list<std::string> values) {
    const auto* found = std::ranges::find_if(values, [](const std::string& value) { return !value.empty(); });
    return found == values.end() ? std::string() : *found;
  }

  const Options& options_;
  const Environment& environment_;
  const SharedConfig& config_;
  const std::string profile_;
};

Result<std::vector<net::Endpoint>> parse_endpoints(std::string_view text) {
  std::vector<net::Endpoint> endpoints;
  while (!text.empty()) {
    std::size_t comma = std::min(text.find(','), text.size());
    std::string_view one = text.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    auto endpoint = net::parse_endpoint(one);
    if (!endpoint) return fail(std::move(endpoint).error());
    if (!endpoint->path.empty())
      return wrong_option("Endpoint", "must not have a path: the bucket and what follows it are in Url");
    endpoints.push_back(*std::move(endpoint));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return endpoints;
}

// Names with dots are beyond what the certificate of *.endpoint covers, capitals and _ beyond what a host may have.
bool fits_host(std::string_view bucket, bool tls) {
  return std::ranges::all_of(bucket, [&](unsigned char c) {
    return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-' || (c == '.' && !tls);
  });
}

Result<void> choose_addressing(std::string_view style, Settings& settings) {
  const bool fits = fits_host(settings.bucket, settings.endpoints.front().tls);
  if (style == "virtual" && !fits) {
    return wrong_option("AddressingStyle",
                        fmt::format("bucket {} cannot be part of a host name{}: path is the style for it",
                                    quote(settings.bucket), settings.endpoints.front().tls ? " over TLS" : ""));
  }
  settings.virtual_hosts = style == "virtual" || (style == "auto" && settings.is_aws && fits);
  if (settings.virtual_hosts) settings.endpoints = with_bucket(std::move(settings.endpoints), settings.bucket);
  return {};
}

Result<void> take_sizes(const Options& options, Settings& settings) {
  if (!options.text("Capacity").empty()) settings.capacity = options.size("Capacity");
  if (settings.capacity == 0)
    return wrong_option("Capacity", "must be more than 0; without it the store is never full");
  settings.part_size = options.text("PartSize").empty() ? 0 : options.size("PartSize");
  if (settings.part_size != 0 && (settings.part_size < kLeastPart || settings.part_size > kMostPart)) {
    return wrong_option("PartSize", "must be 5MiB to 5GiB, the limits of S3");
  }
  settings.merge_gap = options.size("MergeGap");
  settings.max_connections = options.count("MaxConnections");
  return {};
}

std::string state_folder(const Environment& environment) {
  if (std::string given = environment.get("SCABBARD_STATE"); !given.empty()) return given;
  if (std::string base = environment.get("XDG_STATE_HOME"); base.starts_with('/')) return base + "/scabbard";
  return environment.home.empty() ? "/var/tmp/scabbard" : environment.home + "/.local/state/scabbard";
}

}  // namespace

net::Endpoint aws_endpoint(std::string_view region) {
  std::string host = fmt::format("s3.{}.amazonaws.com{}", region, region.starts_with("cn-") ? ".cn" : "");
  return {.origin = "https://" + host, .host = host, .path = {}, .tls = true};
}

std::vector<net::Endpoint> with_bucket(std::vector<net::Endpoint> endpoints, std::string_view bucket) {
  for (net::Endpoint& endpoint : endpoints) {
    endpoint.host = fmt::format("{}.{}", bucket, endpoint.host);
    endpoint.origin = fmt::format("{}://{}", endpoint.tls ? "https" : "http", endpoint.host);
  }
  return endpoints;
}

Result<Settings> settings_of(std::string_view url, const Options& options, const Environment& environment) {
  Settings settings;
  if (auto taken = take_url(url, settings); !taken) return fail(std::move(taken).error());
  settings.credentials = {.profile = options.text("Profile"),
                          .credentials_file = options.text("CredentialsFile"),
                          .anonymous = options.text("Anonymous") == "true"};
  auto config = SharedConfig::read(SharedConfigFiles::of(environment, settings.credentials.credentials_file));
  if (!config) return fail(std::move(config).error());
  const Sources sources(options, environment, *config, profile_name(settings.credentials, environment));

  settings.region = sources.region();
  if (settings.region.empty()) settings.region = "us-east-1";
  auto endpoints = parse_endpoints(sources.endpoint());
  if (!endpoints) return fail(std::move(endpoints).error());
  settings.endpoints = *std::move(endpoints);
  settings.is_aws = settings.endpoints.empty();
  if (settings.is_aws) settings.endpoints = {aws_endpoint(settings.region)};
  if (auto chosen = choose_addressing(sources.addressing_style(), settings); !chosen) {
    return fail(std::move(chosen).error());
  }
  if (auto taken = take_sizes(options, settings); !taken) return fail(std::move(taken).error());
  settings.storage_class = options.text("StorageClass");
  settings.timeout = options.duration("Timeout");
  settings.usage_refresh = options.duration("UsageRefresh");
  std::string payload = options.text("PayloadSigning");
  if (payload != "auto")
    settings.payload = payload == "always" ? Settings::Payload::kSigned : Settings::Payload::kUnsigned;
  settings.checksum = sources.checksum();
  settings.hedging = options.text("Hedging") == "auto";
  settings.ca_file = sources.ca_file();
  if (!settings.ca_file.empty() && ::access(settings.ca_file.c_str(), R_OK) != 0) {
    return wrong_option("CaFile",
                        fmt::format("{}: {}", quote(settings.ca_file), std::generic_category().message(errno)));
  }
  settings.proxy = options.text("Proxy");
  settings.state_folder = state_folder(environment);
  return settings;
}

}  // namespace scabbard::s3
