// What damocles-worker asks of its transfer processor.
//
// Source: damocles-worker/vc-processors/src/builtin/tasks (damocles), "transfer".
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "scabbard/error.hpp"

namespace scabbard::extproc {

/// One end of a route: a file or a folder.
struct TransferEnd {
  std::optional<std::string> store;  ///< the name of the store that it lies in; nothing: a local path
  std::string path;
};

/// From where to where. What the worker says of is_dir is not looked at: what the source is decides.
struct TransferRoute {
  TransferEnd source;
  TransferEnd destination;
  bool allow_link = false;  ///< a symbolic link to the source will do, where both are files of this machine
};

struct TransferTask {
  /// Meta of each store that has some, by its name.
  std::map<std::string, std::map<std::string, std::string>> stores;
  std::vector<TransferRoute> routes;
};

/// Unknown fields are passed over. kInvalidArgument says what is wrong.
Result<TransferTask> parse_transfer_task(const nlohmann::json& task);

}  // namespace scabbard::extproc
