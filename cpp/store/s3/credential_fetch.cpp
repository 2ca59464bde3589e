#include "store/s3/credential_fetch.hpp"

#include <string_view>
#include <utility>

#include "net/engine.hpp"

namespace scabbard::s3 {
namespace {

class OneQuestion final : public net::Exchange {
 public:
  OneQuestion(const HttpQuestion& question, std::string_view target) : question_(question), target_(target) {}

  Result<void> prepare(const net::Attempt& /*attempt*/, net::Request& request) override {
    request.method = question_.method;
    request.target = target_;
    for (const auto& [name, value] : question_.headers) request.headers.push_back({name, value});
    return {};
  }

  net::Verdict judge(const net::Attempt& /*attempt*/, const net::Answer& answer) override {
    answer_ = {.status = answer.status(), .body = answer.text()};
    return net::Verdict::done();
  }

  HttpAnswer take_answer() { return std::move(answer_); }

 private:
  const HttpQuestion& question_;
  const std::string_view target_;
  HttpAnswer answer_;
};

}  // namespace

Result<HttpAnswer> fetch(const Context& ctx, const HttpQuestion& question) {
  std::string_view url = question.url;
  std::size_t host = url.find("://");
  std::size_t path = host == std::string_view::npos ? host : url.find('/', host + 3);
  auto endpoint = net::parse_endpoint(url.substr(0, path));
  if (!endpoint) return fail(std::move(endpoint).error());
  // Without patience for failures: who asks knows what to do next.
  net::Client client(net::Engine::process(), {.name = "credentials",
                                              .endpoints = {*std::move(endpoint)},
                                              .retries = false,
                                              .ca_file = {},
                                              .proxy = {},
                                              .probe = {}});
  OneQuestion exchange(question, path == std::string_view::npos ? "/" : url.substr(path));
  if (auto done = client.run(ctx, exchange); !done) return fail(std::move(done).error());
  return exchange.take_answer();
}

}  // namespace scabbard::s3
