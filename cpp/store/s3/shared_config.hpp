// The two files that the AWS CLI and SDKs share: ~/.aws/config and ~/.aws/credentials.
//
// Read as the CLI reads them: "[default]" and "[profile x]" (in the credentials file "[x]"), "key = value" or
// "key: value", keys in any case, a value that goes on in lines further in, "s3 =" followed by such lines of keys of
// its own, "[services x]", and comments: lines that begin with '#' or ';', and as the SDKs have it what follows one of
// the two and a space before it. Values may be secrets: nothing here prints one. A plain value, safe to read from any
// thread.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"
#include "store/s3/environment.hpp"

namespace scabbard::s3 {

/// The keys of a section; those of a nested block as "s3.addressing_style".
using IniKeys = std::map<std::string, std::string, std::less<>>;
using IniSections = std::map<std::string, IniKeys, std::less<>>;

/// kInvalidArgument names `file` and the line, never what it holds.
Result<IniSections> parse_ini(std::string_view text, std::string_view file);

/// Where the files are; an empty path is a file that is not there.
struct SharedConfigFiles {
  std::string config;
  std::string credentials;
  /// It was asked for by option: that it does not exist is an error.
  bool credentials_required = false;

  /// `credentials_file` is the option, empty where it was not given.
  static SharedConfigFiles of(const Environment& environment, std::string_view credentials_file);
};

class SharedConfig {
 public:
  /// A file that does not exist is like an empty one.
  static Result<SharedConfig> read(const SharedConfigFiles& files);
  static Result<SharedConfig> parse(std::string_view config, std::string_view credentials,
                                    const SharedConfigFiles& files = {});

  bool has_profile(std::string_view profile) const;
  /// Of either file; where both have it, of the credentials file. Keys in lower case.
  std::optional<std::string> value(std::string_view profile, std::string_view key) const;
  /// Of the profile's `services` section, such as ("default", "s3", "endpoint_url").
  std::optional<std::string> service_value(std::string_view profile, std::string_view service,
                                           std::string_view key) const;

 private:
  IniSections profiles_;
  IniSections services_;
};

}  // namespace scabbard::s3
