// A bucket on a server: who signs for it, who asks it, and what is known about it.
//
// The readers, writers, lists and queues of one store share it. Safe from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer_pool.hpp"
#include "net/engine.hpp"
#include "scabbard/store.hpp"
#include "store/s3/credential_provider.hpp"
#include "store/s3/service_errors.hpp"
#include "store/s3/settings.hpp"
#include "store/s3/signer.hpp"
#include "store/s3/upload_journal.hpp"
#include "store/s3/uri_encoding.hpp"

namespace scabbard::s3 {

class Bucket {
 public:
  Bucket(StoreConfig config, Settings settings);
  ~Bucket();
  Bucket(const Bucket&) = delete;
  Bucket& operator=(const Bucket&) = delete;

  const StoreConfig& config() const { return config_; }
  const Settings& settings() const { return settings_; }
  const std::string& quoted_name() const { return quoted_name_; }
  net::Client& client() { return *client_; }
  const UploadJournal& journal() const { return journal_; }
  Clock& clock() const { return *settings_.clock; }
  bool closed() const { return closed_.load(std::memory_order_acquire); }
  std::stop_token closing() const { return closing_.get_token(); }
  /// While it is kept, close() waits: for seconds, not for ever.
  std::shared_ptr<void> hold_open();
  void close();

  /// The key of an object.
  std::string key_of(std::string_view object) const { return settings_.prefix + std::string(object); }
  /// Longest name of an object.
  std::size_t max_name() const { return kMostKey - settings_.prefix.size(); }
  /// What stands in a request for a key; an empty one is the bucket itself.
  std::string path_of(std::string_view key) const;
  /// Where it is now, for people: "https://host:9000/bucket".
  std::string address() const { return client_->endpoints().current()->origin + path_of({}); }

  /// Waits for the first credentials; an error says why there are none.
  Result<void> wait_for_credentials(const Context& ctx);
  /// Adds what S3 wants to a request whose method, headers and body are there.
  Result<void> sign(const net::Attempt& attempt, std::string_view path, std::string_view query,
                    std::string_view payload_hash, net::Request& request);
  /// Whether the SHA-256 of bodies is signed on the way to this endpoint.
  bool signs_payload() const;

  /// What the server said, without the secrets that its requests are signed with.
  void conceal_secrets(Error& error) const;
  /// Learns from an error what is to be done differently. False where there is nothing new in it.
  bool learn(Remedy remedy, const net::Answer& answer);

  /// An answer showed that the bucket is there.
  void saw_bucket();
  /// Whether one did so a short while ago: what is missing then is an object, and not the bucket.
  bool saw_bucket_lately() const;

 private:
  static constexpr std::size_t kMostKey = 1024;  // S3's limit

  std::shared_ptr<const Signer> signer() const;
  bool learn_region(const net::Answer& answer);
  bool learn_time(const net::Answer& answer);

  const StoreConfig config_;
  const Settings settings_;
  const std::string quoted_name_;
  CredentialProvider credentials_;
  const UploadJournal journal_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Signer> signer_;  // guarded by mutex_, as the next one
  std::string region_;
  std::atomic<std::chrono::system_clock::duration::rep> clock_offset_ = 0;  // the server's time less ours
  std::atomic<Clock::Duration::rep> bucket_seen_;
  std::atomic<bool> closed_ = false;
  std::stop_source closing_;
  std::mutex holding_;
  std::condition_variable_any let_go_;
  unsigned holders_ = 0;
  std::unique_ptr<net::Client> client_;
};

/// One call of the store, with the words for its errors. Lives on the stack of that call.
class Operation {
 public:
  /// `verb` and `object` must outlive it.
  Operation(Bucket& bucket, const Context& ctx, std::string_view verb, std::string_view object)
      : bucket_(bucket), ctx_(ctx), verb_(verb), object_(object) {}

  Bucket& bucket() const { return bucket_; }
  const Context& context() const { return ctx_; }

  /// kClosed, kCancelled or kDeadlineExceeded once the call should end; then whether there are credentials.
  Result<void> check() const;
  Result<void> check_name() const;
  /// Also kReadOnly.
  Result<void> check_writable() const;

  /// Memory; waits for it no longer than the store is open.
  Result<BufferPool::Ticket> reserve(BufferPool::Use use, std::size_t size) const;
  /// Asks, and waits.
  Result<void> run(net::Exchange& exchange) const;

  std::unexpected<Error> failed(Error error) const;
  std::unexpected<Error> failed(ErrorCode code, std::string_view reason) const;

 private:
  Bucket& bucket_;
  const Context& ctx_;
  std::string_view verb_;
  std::string_view object_;
};

}  // namespace scabbard::s3
