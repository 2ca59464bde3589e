#include "fault/acknowledgements.hpp"

#include <sstream>

namespace scabbard {
namespace {

std::string text(const Content& content) { return content ? std::to_string(*content) : std::string("nothing"); }

}  // namespace

void Acknowledgements::take(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string what;
  std::string kind;
  std::string name;
  std::uint64_t number = 0;
  words >> what;
  if (what == "begin") words >> kind;
  if (!(words >> name >> number)) return violated("the writer says: " + std::string(line));
  Object& object = objects_[name];
  if (what == "begin") {
    object.under_way.emplace(number, Call{.kind = kind, .after = kind == "remove" ? Content() : number});
    return;
  }
  const auto call = object.under_way.extract(number);
  if (call.empty() || (what != "done" && what != "refused")) return violated("the writer says: " + std::string(line));
  if (what == "done") finish(object, name, call.mapped());
}

void Acknowledgements::finish(Object& object, const std::string& name, const Call& call) {
  if (call.kind == "exclusive" && object.acknowledged) {
    violated(name + ": " + text(call.after) + " was created over " + text(object.acknowledged));
  }
  object.acknowledged = call.after;
  ++done_;
}

std::set<Content> Acknowledgements::allowed(const Object& object) {
  std::set<Content> all = {object.acknowledged};
  for (const auto& [number, call] : object.under_way) {
    if (call.kind != "exclusive" || !object.acknowledged) all.insert(call.after);
  }
  return all;
}

void Acknowledgements::compare(const std::map<std::string, Content>& found) {
  for (const auto& [name, content] : found) {
    if (!objects_.contains(name)) violated(name + ": nobody stored that");
  }
  for (auto& [name, object] : objects_) {
    const auto there = found.find(name);
    const Content content = there == found.end() ? Content() : there->second;
    if (const auto may = allowed(object); !may.contains(content)) {
      std::string wanted;
      for (const Content& one : may) wanted += (wanted.empty() ? "" : " or ") + text(one);
      violated(name + ": " + text(content) + " is there and not " + wanted);
    }
    unfinished_ += object.under_way.size();
    object = {.acknowledged = content, .under_way = {}};
  }
}

}  // namespace scabbard
