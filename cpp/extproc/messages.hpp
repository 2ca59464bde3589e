// Requests and answers of the line protocol (the crate vc-processors, core/ext), as both sides write and read them: one
// JSON document a line.
//
//   {"id": 7, "task": ...}
//   {"id": 7, "err_msg": null, "output": ...}      one of the two is null, never both
#pragma once

#include <cstdint>
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "scabbard/error.hpp"

namespace scabbard::extproc {

struct Request {
  std::uint64_t id = 0;
  nlohmann::json task;
};

/// Why a line is no request.
struct BadRequest {
  std::optional<std::uint64_t> id;  ///< where it shows one: whose answer somebody waits for
  std::string reason;
};

/// What else is in the line is ignored.
std::expected<Request, BadRequest> parse_request(std::string_view line);

/// The id of a line that need not be whole, where that is the first thing in it.
std::optional<std::uint64_t> id_at_beginning(std::string_view line);

/// A line, with its end. The output must not be null: the parent in Go takes two nulls for a success.
std::string answer(std::uint64_t id, const nlohmann::json& output);
std::string answer(std::uint64_t id, const Error& error);

/// The other side: a request's line, with its end, and what its answer says.
std::string request(std::uint64_t id, const nlohmann::json& task);

struct Answer {
  std::uint64_t id = 0;
  Result<nlohmann::json> output;  ///< kIo: what the child calls an error
};
/// Nothing where the line is none.
std::optional<Answer> parse_answer(std::string_view line);

}  // namespace scabbard::extproc
