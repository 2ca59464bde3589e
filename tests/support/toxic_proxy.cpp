#include "support/toxic_proxy.hpp"

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "support/child_process.hpp"
#include "support/server_program.hpp"

namespace scabbard {
namespace {

using nlohmann::json;

constexpr std::chrono::milliseconds kBetweenTries{20};
constexpr int kPortsToTry = 3;
constexpr long kOk = 200;
constexpr long kCreated = 201;
constexpr long kNotFound = 404;

std::size_t take(const char* data, std::size_t size, std::size_t count, void* into) {
  static_cast<std::string*>(into)->append(data, size * count);
  return size * count;
}

}  // namespace

ToxicProxy::ToxicProxy(std::uint16_t server) {
  for (int tries = 1; !start(server); ++tries) {
    if (tries == kPortsToTry) fail("does not start");
  }
}

ToxicProxy::~ToxicProxy() { end_server(process_); }

// False, and no process, where it ends by itself: somebody else may have taken the port.
bool ToxicProxy::start(std::uint16_t server) {
  control_ = free_port();
  process_ = spawn_mortal({server_path("toxiproxy-server"), "-host", "127.0.0.1", "-port", std::to_string(control_)},
                          {}, folder_ / "log");
  const json proxy = {
      {"name", "server"}, {"listen", "127.0.0.1:0"}, {"upstream", "127.0.0.1:" + std::to_string(server)}};
  for (;;) {
    std::string answer;
    const long status = post("/proxies", proxy.dump(), answer);
    if (status == kCreated) {
      address_ = json::parse(answer).at("listen");
      return true;
    }
    if (status != 0) fail("takes no server: " + answer);
    if (!ends_within(process_, kBetweenTries)) continue;
    wait_for(process_);
    process_ = -1;
    return false;
  }
}

void ToxicProxy::add_latency(unsigned milliseconds) {
  set_toxic("latency", "latency", "downstream", 1, json{{"latency", milliseconds}}.dump());
}

void ToxicProxy::reset_some(double share) {
  set_toxic("reset_up", "reset_peer", "upstream", share, R"({"timeout": 0})");
  set_toxic("reset_down", "reset_peer", "downstream", share, R"({"timeout": 0})");
}

// The die is cast for each connection whenever a toxic is set.
void ToxicProxy::set_toxic(std::string_view name, std::string_view type, std::string_view stream, double share,
                           std::string_view attributes) {
  const json toxic = {
      {"name", name}, {"type", type}, {"stream", stream}, {"toxicity", share}, {"attributes", json::parse(attributes)}};
  const std::string all = "/proxies/server/toxics";
  std::string answer;
  long status = post(all + "/" + std::string(name), toxic.dump(), answer);
  if (status == kNotFound) status = post(all, toxic.dump(), answer);
  if (status != kOk) fail("takes no toxic: " + answer);
}

long ToxicProxy::post(std::string_view path, std::string_view body, std::string& answer) const {
  const std::unique_ptr<CURL, void (*)(CURL*)> handle(::curl_easy_init(), ::curl_easy_cleanup);
  const std::string target = "http://127.0.0.1:" + std::to_string(control_) + std::string(path);
  answer.clear();
  ::curl_easy_setopt(handle.get(), CURLOPT_URL, target.c_str());
  ::curl_easy_setopt(handle.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  ::curl_easy_setopt(handle.get(), CURLOPT_COPYPOSTFIELDS, std::string(body).c_str());
  ::curl_easy_setopt(handle.get(), CURLOPT_WRITEFUNCTION, take);
  ::curl_easy_setopt(handle.get(), CURLOPT_WRITEDATA, &answer);
  ::curl_easy_setopt(handle.get(), CURLOPT_NOSIGNAL, 1L);
  ::curl_easy_setopt(handle.get(), CURLOPT_PROXY, "");
  long status = 0;
  if (::curl_easy_perform(handle.get()) != CURLE_OK) return 0;
  ::curl_easy_getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

void ToxicProxy::fail(std::string_view what) const {
  throw std::runtime_error("toxiproxy " + std::string(what) + "\nthe end of its log:\n" + end_of_log(folder_ / "log"));
}

}  // namespace scabbard
