#include "support/store_on_server.hpp"

#include <fstream>

#include "base/options.hpp"
#include "net/engine.hpp"
#include "store/s3/s3_store.hpp"
#include "store/s3/settings.hpp"
#include "support/result_matchers.hpp"
#include "support/secrets.hpp"

namespace scabbard {

StoreOnServer::StoreOnServer(const scripted::ScriptedServer& server, std::map<std::string, std::string> options,
                             const std::vector<std::string>& access_keys) {
  std::string endpoints;
  for (std::size_t i = 0; i < server.endpoints(); ++i) endpoints += (i == 0 ? "" : ",") + server.url(i);
  options.insert({{"Endpoint", endpoints},
                  {"Region", "us-east-1"},
                  {"Profile", "default"},
                  {"CredentialsFile", write_credentials(access_keys)},
                  {"Hedging", "never"}});
  auto settings = value_of(s3::settings_of("s3://bucket", value_of(Options::parse("s3", options)), {}));
  settings.state_folder = folder_ / "state";
  settings.clock = &clock_;
  settings.engine = std::make_shared<net::Engine>(net::Engine::Settings{.loops = 1, .clock = &clock_});
  store_ = s3::open_store({.name = "scripted", .path = "", .meta = {}}, std::move(settings));
}

StoreOnServer::~StoreOnServer() {
  // One file of the test's own has it.
  EXPECT_THAT(files_with_secret(folder_.path()), ::testing::SizeIs(1));
}

// Several of them come from a program, which the store asks again whenever the server has refused what it got.
std::string StoreOnServer::write_credentials(const std::vector<std::string>& access_keys) const {
  const std::string file = folder_ / "credentials";
  std::ofstream credentials(file);
  credentials << "[default]\n";
  if (access_keys.size() == 1) {
    credentials << "aws_access_key_id = " << access_keys.front() << "\naws_secret_access_key = hunter2\n";
    return file;
  }
  const std::string keys = folder_ / "keys";
  std::ofstream list(keys);
  for (const std::string& key : access_keys) list << key << "\n";
  const std::string program = folder_ / "next_key";
  std::ofstream(program)
      << "key=$(head -n 1 " << keys << ")\n[ $(wc -l < " << keys << ") -eq 1 ] || sed -i 1d " << keys
      << "\nprintf '{\"Version\": 1, \"AccessKeyId\": \"%s\", \"SecretAccessKey\": \"hunter2\"}' $key\n";
  credentials << "credential_process = /bin/sh " << program << "\n";
  return file;
}

}  // namespace scabbard
