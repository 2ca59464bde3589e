#include "support/scripted_server/scenario.hpp"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "support/byte_patterns.hpp"
#include "support/scripted_server/s3_response.hpp"

namespace scabbard::scripted {
namespace {

using Json = nlohmann::ordered_json;

// Thrown inside this file only: a scenario is read by many small functions, of which any may find a mistake.
struct Mistake {
  std::string what;
};

// The members of one JSON object, each asked for once; those that nobody asked for are a mistake.
class Members {
 public:
  Members(const Json& json, std::string where) : json_(json), where_(std::move(where)) {
    if (!json_.is_object()) throw Mistake{where_ + " is no object"};
  }

  const Json* find(const std::string& key) {
    asked_.push_back(key);
    const auto found = json_.find(key);
    return found == json_.end() ? nullptr : &*found;
  }
  template <class T>
  void read(const std::string& key, T& into) {
    if (const Json* value = find(key)) into = as<T>(*value, key);
  }
  template <class T>
  void read(const std::string& key, std::optional<T>& into) {
    if (const Json* value = find(key)) into = as<T>(*value, key);
  }
  std::string path(const std::string& key) const { return where_ + "." + key; }

  void done() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(asked_, key) == asked_.end()) throw Mistake{path(key) + " is unknown"};
    }
  }

 private:
  template <class T>
  T as(const Json& value, const std::string& key) const {
    try {
      return value.get<T>();
    } catch (const nlohmann::json::exception&) {
      throw Mistake{path(key) + " has the wrong type"};
    }
  }

  const Json& json_;
  const std::string where_;
  std::vector<std::string> asked_;
};

template <class T>
T named(const std::map<std::string, T>& names, const std::string& name, const std::string& where) {
  const auto found = names.find(name);
  if (found == names.end()) throw Mistake{where + ": '" + name + "' is unknown"};
  return found->second;
}

std::optional<ErrorCode> parse_result(const std::string& text) {
  if (text == "ok") return std::nullopt;
  for (auto code = ErrorCode::kNotFound; code <= ErrorCode::kInternal;
       code = static_cast<ErrorCode>(std::to_underlying(code) + 1)) {
    if (text == to_string(code)) return code;
  }
  throw Mistake{"expect.result: '" + text + "' is neither ok nor an error code's name"};
}

// A number, or [least, most] where null is no bound.
template <class Number>
Bounds<Number> parse_bounds(const Json& json, const std::string& where) {
  if (json.is_number()) return {.least = json.get<Number>(), .most = json.get<Number>()};
  if (!json.is_array() || json.size() != 2) throw Mistake{where + " is neither a number nor [least, most]"};
  Bounds<Number> bounds;
  if (json[0].is_number()) bounds.least = json[0].get<Number>();
  if (json[1].is_number()) bounds.most = json[1].get<Number>();
  return bounds;
}

// Text, or a list of texts and {"repeat": text, "times": number}.
std::string parse_text(const Json& json, const std::string& where) {
  if (json.is_string()) return json.get<std::string>();
  if (!json.is_array()) throw Mistake{where + " is neither text nor a list"};
  std::string whole;
  for (const Json& piece : json) {
    if (piece.is_string()) {
      whole += piece.get<std::string>();
      continue;
    }
    Members members(piece, where);
    std::string text;
    std::uint64_t times = 0;
    members.read("repeat", text);
    members.read("times", times);
    members.done();
    while (times-- > 0) whole += text;
  }
  return whole;
}

Headers parse_headers(const Json& json, const std::string& where) {
  Headers headers;
  for (const auto& [name, value] : json.items()) {
    headers.emplace_back(name, value.is_null() ? "" : parse_text(value, where + "." + name));
  }
  return headers;
}

Answer parse_answer(const Json& json, const std::string& where) {
  Members members(json, where);
  Answer answer;
  std::string code;
  std::string message = "Scripted";
  members.read("status", answer.status);
  members.read("code", code);
  members.read("message", message);
  if (!code.empty()) {
    Response error = error_response(answer.status, code, message);
    answer.headers = error.headers;
    answer.body = error.content.text();
  }
  if (const Json* headers = members.find("headers")) {
    for (auto& header : parse_headers(*headers, members.path("headers"))) answer.headers.push_back(std::move(header));
  }
  if (const Json* body = members.find("body")) answer.body = parse_text(*body, members.path("body"));
  members.done();
  return answer;
}

Change parse_change(const Json& json, const std::string& where) {
  Members members(json, where);
  Change change;
  if (const Json* headers = members.find("headers")) change.headers = parse_headers(*headers, members.path("headers"));
  members.read("flip", change.flip);
  members.read("space_before", change.space_before);
  members.read("without_range", change.without_range);
  members.done();
  return change;
}

Interruption parse_interruption(Interruption::How how, const Json& json, const std::string& where) {
  static const std::map<std::string, Phase> phases = {{"accept", Phase::kAccept},
                                                      {"request head", Phase::kRequestHead},
                                                      {"request body", Phase::kRequestBody},
                                                      {"answer head", Phase::kAnswerHead},
                                                      {"answer body", Phase::kAnswerBody}};
  Members members(json, where);
  Interruption interruption{.how = how, .fraction = {}};
  std::string phase;
  members.read("in", phase);
  members.read("after", interruption.after);
  members.read("fraction", interruption.fraction);
  members.done();
  interruption.where = named(phases, phase, where + ".in");
  const bool in_answer = interruption.where == Phase::kAnswerHead || interruption.where == Phase::kAnswerBody;
  if (how == Interruption::How::kTrickle && !in_answer) throw Mistake{where + ".in: only answers trickle"};
  return interruption;
}

Condition parse_condition(const Json& json, const std::string& where) {
  Members members(json, where);
  Condition on;
  members.read("kind", on.kind);
  members.read("method", on.method);
  members.read("path", on.path);
  members.read("query", on.query);
  members.read("access_key", on.access_key);
  members.read("region", on.region);
  members.read("skewed", on.skewed);
  members.read("endpoint", on.endpoint);
  members.read("first", on.first);
  members.read("last", on.last);
  std::optional<std::uint64_t> nth;
  members.read("nth", nth);
  if (nth) on.first = on.last = *nth;
  members.done();
  return on;
}

Rule parse_rule(const Json& json, const std::string& where) {
  Members members(json, where);
  Rule rule;
  if (const Json* on = members.find("on")) rule.on = parse_condition(*on, members.path("on"));
  if (const Json* answer = members.find("answer")) rule.answer = parse_answer(*answer, members.path("answer"));
  members.read("carried_out", rule.carried_out);
  if (const Json* change = members.find("change")) rule.change = parse_change(*change, members.path("change"));
  for (const auto& [name, how] :
       {std::pair("stall", Interruption::How::kStall), std::pair("trickle", Interruption::How::kTrickle),
        std::pair("reset", Interruption::How::kReset), std::pair("cut", Interruption::How::kCut)}) {
    if (const Json* value = members.find(name)) {
      rule.interruption = parse_interruption(how, *value, members.path(name));
    }
  }
  std::uint64_t delay = 0;
  members.read("delay_ms", delay);
  rule.delay = std::chrono::milliseconds(delay);
  members.read("close", rule.close);
  members.read("flip_upload", rule.flip_upload);
  members.done();
  return rule;
}

Operation parse_operation(const Json& json) {
  Members members(json, "operation");
  Operation operation;
  members.read("kind", operation.kind);
  members.read("object", operation.object);
  members.read("size", operation.size);
  members.read("ranges", operation.ranges);
  members.read("range_size", operation.range_size);
  members.read("exclusive", operation.exclusive);
  members.read("timeout", operation.timeout);
  members.done();
  if (std::ranges::find(kOperations, operation.kind) == kOperations.end()) {
    throw Mistake{"operation.kind: '" + operation.kind + "' is unknown"};
  }
  return operation;
}

Expectation parse_expectation(const Json& json) {
  Members members(json, "expect");
  Expectation expect;
  std::string result;
  members.read("result", result);
  expect.error = parse_result(result);
  members.read("message_contains", expect.message_contains);
  if (const Json* requests = members.find("requests")) {
    expect.requests = parse_bounds<std::uint64_t>(*requests, "expect.requests");
  }
  if (const Json* kinds = members.find("by_kind")) {
    for (const auto& [kind, bounds] : kinds->items()) {
      expect.by_kind[kind] = parse_bounds<std::uint64_t>(bounds, "expect.by_kind." + kind);
    }
  }
  if (const Json* connections = members.find("connections")) {
    expect.connections = parse_bounds<std::uint64_t>(*connections, "expect.connections");
  }
  if (const Json* seconds = members.find("seconds")) {
    expect.seconds = parse_bounds<double>(*seconds, "expect.seconds");
  }
  members.done();
  return expect;
}

void read_server(Members& members, Settings& server) {
  static const std::map<std::string, Settings::Endpoint> kinds = {{"alive", Settings::Endpoint::kAlive},
                                                                  {"refusing", Settings::Endpoint::kRefusing}};
  std::vector<std::string> endpoints = {"alive"};
  members.read("endpoints", endpoints);
  server.endpoints.clear();
  for (const std::string& kind : endpoints) server.endpoints.push_back(named(kinds, kind, "endpoints"));
  std::int64_t clock_offset = 0;
  members.read("clock_offset", clock_offset);
  server.clock_offset = std::chrono::seconds(clock_offset);
  members.read("region", server.s3.region);
  members.read("checksums", server.s3.checksums);
  if (const Json* rules = members.find("rules")) {
    for (const Json& rule : *rules) {
      server.rules.push_back(parse_rule(rule, "rules[" + std::to_string(server.rules.size()) + "]"));
    }
  }
}

Scenario parse_members(const Json& json) {
  Members members(json, "scenario");
  Scenario scenario;
  members.read("about", scenario.about);
  if (scenario.about.empty()) throw Mistake{"about is missing"};
  const Json* operation = members.find("operation");
  const Json* expect = members.find("expect");
  if (operation == nullptr || expect == nullptr) throw Mistake{"operation or expect is missing"};
  scenario.operation = parse_operation(*operation);
  scenario.expect = parse_expectation(*expect);
  members.read("options", scenario.options);
  members.read("access_keys", scenario.access_keys);
  members.read("objects", scenario.objects);
  read_server(members, scenario.server);
  members.done();
  return scenario;
}

}  // namespace

std::string scenario_object(std::uint64_t size) { return to_text(pattern_bytes(1, size)); }

Result<Scenario> parse_scenario(std::string name, std::string_view json) {
  try {
    Scenario scenario = parse_members(Json::parse(json));
    scenario.name = std::move(name);
    return scenario;
  } catch (const Mistake& mistake) {
    return fail(ErrorCode::kInvalidArgument, name + ": " + mistake.what);
  } catch (const nlohmann::json::exception& error) {
    return fail(ErrorCode::kInvalidArgument, name + ": " + error.what());
  }
}

Result<Scenario> read_scenario(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return fail(ErrorCode::kNotFound, "cannot read " + file.string());
  return parse_scenario(file.stem().string(), text.str());
}

std::vector<std::filesystem::path> scenario_files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(SCABBARD_SCENARIOS)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

std::unique_ptr<ScriptedServer> start_server(const Scenario& scenario) {
  auto server = std::make_unique<ScriptedServer>(scenario.server);
  for (const auto& [key, size] : scenario.objects) server->s3().add_object(key, scenario_object(size));
  return server;
}

}  // namespace scabbard::scripted
