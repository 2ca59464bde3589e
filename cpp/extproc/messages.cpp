#include "extproc/messages.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <utility>

#include "base/text.hpp"

namespace scabbard::extproc {
namespace {

constexpr std::string_view kSpace = " \t\r\n";
// As in the stock children's serde_json. What recurses into a document would otherwise use up the stack.
constexpr int kDeepest = 128;

// What is not UTF-8 is replaced: the parent drops a line that it cannot read, and waits for ever.
std::string text_of(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Takes `token` from the beginning of `text`, and the space before it.
bool take(std::string_view& text, std::string_view token) {
  std::size_t begin = std::min(text.find_first_not_of(kSpace), text.size());
  if (!text.substr(begin).starts_with(token)) return false;
  text.remove_prefix(begin + token.size());
  return true;
}

std::optional<std::uint64_t> id_of(const nlohmann::json& request) {
  auto id = request.find("id");
  if (id == request.end() || !id->is_number_unsigned()) return std::nullopt;
  return id->get<std::uint64_t>();
}

std::expected<Request, BadRequest> request_from(nlohmann::json document) {
  if (!document.is_object()) return std::unexpected(BadRequest{.id = {}, .reason = "it is no JSON object"});
  auto id = id_of(document);
  if (!id) return std::unexpected(BadRequest{.id = {}, .reason = "it has no id, or one that is no u64"});
  auto task = document.find("task");
  if (task == document.end()) return std::unexpected(BadRequest{.id = id, .reason = "it has no task"});
  return Request{.id = *id, .task = std::move(*task)};
}

}  // namespace

std::expected<Request, BadRequest> parse_request(std::string_view line) {
  bool is_too_deep = false;
  auto watch_depth = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    is_too_deep = is_too_deep || depth > kDeepest;
    return !is_too_deep;  // the rest is dropped
  };
  try {
    auto document = nlohmann::json::parse(line, watch_depth);
    if (!is_too_deep) return request_from(std::move(document));
    return std::unexpected(BadRequest{.id = id_at_beginning(line), .reason = "it is nested too deeply"});
  } catch (const nlohmann::json::parse_error& error) {  // its text quotes the line, which may be long
    return std::unexpected(
        BadRequest{.id = id_at_beginning(line), .reason = fmt::format("it is no JSON, from byte {} on", error.byte)});
  } catch (const std::exception& error) {  // a number that is too large
    return std::unexpected(BadRequest{.id = id_at_beginning(line), .reason = "it is no JSON: " + quote(error.what())});
  }
}

std::optional<std::uint64_t> id_at_beginning(std::string_view line) {
  if (!take(line, "{") || !take(line, "\"id\"") || !take(line, ":") || !take(line, "")) return std::nullopt;
  line.remove_prefix(std::min(line.find_first_not_of(kSpace), line.size()));
  std::uint64_t id = 0;
  auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), id);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  // A number that the line breaks off in, or "7.5", is somebody else's or nobody's.
  if (!take(line, ",") && !take(line, "}")) return std::nullopt;
  return id;
}

std::string answer(std::uint64_t id, const nlohmann::json& output) {
  return fmt::format("{{\"id\":{},\"err_msg\":null,\"output\":{}}}\n", id, text_of(output));
}

std::string answer(std::uint64_t id, const Error& error) {
  return fmt::format("{{\"id\":{},\"err_msg\":{},\"output\":null}}\n", id, text_of(printable(redacted(error.message))));
}

std::string request(std::uint64_t id, const nlohmann::json& task) {
  return fmt::format("{{\"id\":{},\"task\":{}}}\n", id, text_of(task));
}

std::optional<Answer> parse_answer(std::string_view line) {
  auto document = nlohmann::json::parse(line, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto id = id_of(document);
  if (!id) return std::nullopt;
  const auto error = document.find("err_msg");
  if (error != document.end() && error->is_string()) {
    return Answer{.id = *id, .output = fail(ErrorCode::kIo, error->get<std::string>())};
  }
  const auto output = document.find("output");
  if (output == document.end() || output->is_null()) return std::nullopt;
  return Answer{.id = *id, .output = std::move(*output)};
}

}  // namespace scabbard::extproc
