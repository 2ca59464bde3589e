// A real S3 server on loopback: versitygw, MinIO or Ceph's gateway, with keys of its own, on objects in a folder of its
// own.
//
// It is killed when the thread that made it ends, however that ends: tests make it in the main thread. Its folder goes
// with the process.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "support/folder_remover.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_certificates.hpp"

namespace scabbard {

enum class ServerKind { kVersitygw, kMinio, kCeph };
enum class Transport { kHttp, kHttps };

std::string_view to_string(ServerKind kind);

class ServerProcess {
 public:
  /// Answers when this returns. Throws std::runtime_error, with the end of the server's log, where it does not
  /// within a minute. Its certificate as make_certificates() has it.
  ServerProcess(ServerKind kind, Transport transport,
                std::chrono::seconds certificate_valid_for = std::chrono::days(2));
  /// Ends it in order, and after some seconds by force.
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

  /// Whether scripts/servers or scripts/need has installed it. Ceph is for long test runs.
  static bool is_installed(ServerKind kind);
  /// The one that all tests of this executable share, started when it is first asked for.
  static ServerProcess& shared(ServerKind kind, Transport transport);

  /// "https://127.0.0.1:PORT"
  std::string url() const;
  std::uint16_t port() const { return port_; }
  pid_t process() const { return process_; }
  const std::string& access_key() const { return access_key_; }
  const std::string& secret_key() const { return secret_key_; }
  /// Of the authority that its certificate is signed by; empty without TLS.
  std::string ca_file() const { return certificates_.authority; }

  /// A bucket that is there from the start.
  static constexpr std::string_view kBucket = "scabbard-test";
  /// Makes another one. Throws std::runtime_error.
  void create_bucket(std::string_view name);

  /// On return the process has stopped: it takes connections and answers nothing.
  void pause();
  void resume();
  /// Kills it, as a crash would: connections are refused.
  void kill();
  /// Starts it again after kill(), on the same port and objects.
  void restart();

 private:
  void start_cluster();
  bool start();
  std::vector<std::string> command() const;
  std::vector<std::string> environment() const;
  long try_to_create_bucket(std::string_view name) const;
  std::string failure() const;

  const ServerKind kind_;
  const Transport transport_;
  const std::string access_key_;
  const std::string secret_key_;
  TemporaryFolder folder_;
  FolderRemover remover_{folder_.path()};
  CertificateFiles certificates_;
  std::uint16_t port_ = 0;
  pid_t cluster_ = -1;  // below Ceph's gateway
  pid_t process_ = -1;
};

}  // namespace scabbard
