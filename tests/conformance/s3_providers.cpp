#include "conformance/s3_providers.hpp"

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "net/engine.hpp"
#include "store/s3/s3_store.hpp"
#include "store/s3/settings.hpp"
#include "support/result_matchers.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/secrets.hpp"
#include "support/server_process.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {
namespace {

using nlohmann::json;

// What another process needs to open the same place.
struct Address {
  std::string endpoint;
  std::string url;
  std::string credentials_file;
  std::string ca_file;
  std::string state_folder;

  std::string text() const { return json{endpoint, url, credentials_file, ca_file, state_folder}.dump(); }
  static Address parse(const std::string& text) {
    const json values = json::parse(text);
    return {values[0], values[1], values[2], values[3], values[4]};
  }
};

std::shared_ptr<Store> open_at(const Address& address, const OpenOptions& options) {
  std::map<std::string, std::string> meta = {{"Endpoint", address.endpoint},
                                             {"Region", "us-east-1"},
                                             {"CredentialsFile", address.credentials_file},
                                             {"PartSize", "5MiB"},
                                             {"Hedging", "never"}};
  if (!address.ca_file.empty()) meta["CaFile"] = address.ca_file;
  for (const auto& [name, value] : options.meta) meta[name] = value;
  auto settings = value_of(s3::settings_of(address.url, value_of(Options::parse("s3", meta)), {}));
  settings.state_folder = address.state_folder;
  settings.clock = options.clock;
  if (options.clock != &Clock::steady()) {
    settings.engine = std::make_shared<net::Engine>(net::Engine::Settings{.loops = 1, .clock = options.clock});
  }
  return s3::open_store({.name = "conformance", .path = address.url, .meta = {}, .read_only = options.read_only},
                        std::move(settings));
}

// A prefix of its own in a bucket that all tests share.
class Prefix final : public Place {
 public:
  /// Where the server does not list uploads (MinIO does so only of a key that is given in full), the journal tells.
  Prefix(std::string endpoint, const std::string& bucket, std::string ca_file, const std::string& access_key,
         const std::string& secret_key, bool lists_uploads)
      : lists_uploads_(lists_uploads),
        address_{.endpoint = std::move(endpoint),
                 .url = "s3://" + bucket + "/" + next_name(),
                 .credentials_file = folder_.string() + "/credentials",
                 .ca_file = std::move(ca_file),
                 .state_folder = folder_.string()} {
    std::ofstream(address_.credentials_file)
        << "[default]\naws_access_key_id = " << access_key << "\naws_secret_access_key = " << secret_key << "\n";
  }

  /// Looks whether the store has written secrets.
  ~Prefix() override { EXPECT_THAT(files_with_secret(folder_.path()), ::testing::ElementsAre("credentials")); }

  std::shared_ptr<Store> open(const OpenOptions& options) override { return open_at(address_, options); }
  std::string address() const override { return address_.text(); }

  std::vector<std::string> leftovers() override {
    std::vector<std::string> names;
    if (lists_uploads_) {
      for (const auto& write : value_of(open_at(address_, {})->unfinished_writes({}))) names.push_back(write.object);
      return names;
    }
    for (const auto& file : std::filesystem::recursive_directory_iterator(address_.state_folder)) {
      if (file.path().extension() == ".upload") names.push_back(file.path().filename());
    }
    return names;
  }

 private:
  static std::string next_name() {
    static std::atomic<int> last = 0;
    return "place-" + std::to_string(++last);
  }

  TemporaryFolder folder_;
  const bool lists_uploads_;
  const Address address_;
};

Provider s3_provider(std::string name, std::function<std::unique_ptr<Place>()> make) {
  return {.name = std::move(name),
          .make = std::move(make),
          .reopen = [](const std::string& address) { return open_at(Address::parse(address), {}); },
          .large_object = std::size_t{24} << 20,
          .abandoned_size = std::size_t{30} << 20};
}

Provider real(std::string name, ServerKind kind, Transport transport) {
  Provider provider = s3_provider(std::move(name), [=] {
    const ServerProcess& server = ServerProcess::shared(kind, transport);
    return std::make_unique<Prefix>(server.url(), std::string(ServerProcess::kBucket), server.ca_file(),
                                    server.access_key(), server.secret_key(), kind != ServerKind::kMinio);
  });
  provider.server_has_folders = kind == ServerKind::kVersitygw;
  provider.server_max_component = kind == ServerKind::kCeph ? 1024 : 255;
  provider.server_races = kind == ServerKind::kVersitygw;
  return provider;
}

Provider in_memory() {
  return s3_provider("s3_in_memory", [] {
    static auto* server = new scripted::ScriptedServer;
    return std::make_unique<Prefix>(server->url(), "bucket", "", "key", "hunter2", true);
  });
}

}  // namespace

std::vector<Provider> s3_providers() {
  std::vector<Provider> providers = {in_memory(), real("versitygw", ServerKind::kVersitygw, Transport::kHttp)};
#ifndef SCABBARD_SANITIZED
  // What our own side does with the others is the same.
  providers.push_back(real("versitygw_tls", ServerKind::kVersitygw, Transport::kHttps));
  providers.push_back(real("minio", ServerKind::kMinio, Transport::kHttp));
  providers.push_back(real("minio_tls", ServerKind::kMinio, Transport::kHttps));
#endif
  if (std::getenv("SCABBARD_LONG_TESTS") != nullptr) {
    providers.push_back(real("ceph", ServerKind::kCeph, Transport::kHttp));
    providers.push_back(real("ceph_tls", ServerKind::kCeph, Transport::kHttps));
  }
  return providers;
}

}  // namespace scabbard
