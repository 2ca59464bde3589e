#include "support/scripted_server/script.hpp"

#include <algorithm>
#include <ctime>

#include "support/scripted_server/s3_request.hpp"

namespace scabbard::scripted {
namespace {

constexpr std::chrono::minutes kPatience{1};

bool is_for_connections(const Rule& rule) { return rule.interruption && rule.interruption->where == Phase::kAccept; }

}  // namespace

void Observations::count_request(std::string_view kind) {
  {
    const std::scoped_lock lock(mutex_);
    ++seen_.requests;
    auto known = seen_.by_kind.find(kind);
    if (known == seen_.by_kind.end()) known = seen_.by_kind.emplace(kind, 0).first;
    ++known->second;
  }
  changed_.notify_all();
}

void Observations::count_connection() {
  const std::scoped_lock lock(mutex_);
  ++seen_.connections;
}

void Observations::change_stalling(int by) {
  {
    const std::scoped_lock lock(mutex_);
    stalling_ += static_cast<std::size_t>(by);
  }
  changed_.notify_all();
}

Seen Observations::seen() const {
  const std::scoped_lock lock(mutex_);
  return seen_;
}

bool Observations::wait_until_stalling(std::size_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return stalling_ >= count; });
}

bool Observations::wait_until_nothing_stalls() const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return stalling_ == 0; });
}

bool Observations::wait_for_requests(std::uint64_t count) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, kPatience, [&] { return seen_.requests >= count; });
}

Script::Script(std::vector<Rule> rules, MemoryS3::Settings s3, std::chrono::seconds clock_offset)
    : rules_(std::move(rules)), met_(rules_.size()), clock_offset_(clock_offset), s3_(std::move(s3)) {}

std::int64_t Script::now() const { return std::time(nullptr) + clock_offset_.count(); }

bool Script::stalls_uploads() const {
  return std::ranges::any_of(
      rules_, [](const Rule& rule) { return rule.interruption && rule.interruption->where == Phase::kRequestBody; });
}

bool Script::trickles() const {
  return std::ranges::any_of(rules_, [](const Rule& rule) {
    return rule.interruption && rule.interruption->how == Interruption::How::kTrickle;
  });
}

Plan Script::plan_connection(std::size_t endpoint) {
  observations_.count_connection();
  Plan plan;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Condition& on = rules_[i].on;
    if (!is_for_connections(rules_[i]) || on.endpoint.value_or(endpoint) != endpoint) continue;
    ++met_[i];
    if (plan.rule == nullptr && met_[i] >= on.first && met_[i] <= on.last) plan = {&rules_[i], met_[i]};
  }
  return plan;
}

Plan Script::plan_request(const Request& request, std::size_t endpoint) {
  observations_.count_request(kind_of(request));
  Plan plan;
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const Condition& on = rules_[i].on;
    if (is_for_connections(rules_[i]) || !holds(on, request, endpoint, now())) continue;
    ++met_[i];
    if (plan.rule == nullptr && met_[i] >= on.first && met_[i] <= on.last) plan = {&rules_[i], met_[i]};
  }
  return plan;
}

Response Script::answer(const Plan& plan, Request& request) {
  if (in_trouble_) return {.status = 500, .headers = {}, .content = {}};
  const Rule* rule = plan.rule;
  if (rule != nullptr && rule->flip_upload && *rule->flip_upload < request.body.size()) {
    request.body[*rule->flip_upload] = static_cast<char>(request.body[*rule->flip_upload] ^ 1);
  }
  if (rule != nullptr && rule->change.without_range) {
    std::erase_if(request.headers, [](const auto& header) { return header.first == "range"; });
  }
  const bool carried_out = rule == nullptr || !rule->answer || rule->carried_out;
  Response response;
  if (carried_out) response = s3_.answer(request);
  if (rule != nullptr && rule->answer) response = response_of(*rule->answer, plan.number);
  response.headers.emplace_back("Date", http_date(now()));
  if (rule != nullptr) apply(rule->change, response);
  response.without_body |= request.method == "HEAD";
  return response;
}

}  // namespace scabbard::scripted
