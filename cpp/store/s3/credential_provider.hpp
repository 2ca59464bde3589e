// Credentials kept for a store's requests and renewed before they expire, by one thread in the background.
//
// They are renewed five minutes before they expire (earlier where they live for less than ten), when a file that they
// may come from was changed, which is looked at once a minute, and when the server refused them. One attempt is made at
// a time. When one fails the old ones stay, a warning is logged now and then, and the next follows a minute later.
//
// Safe from any thread.
#pragma once

#include <memory>

#include "base/thread_pool.hpp"
#include "scabbard/context.hpp"
#include "scabbard/error.hpp"
#include "store/s3/credential_source.hpp"
#include "store/s3/credentials.hpp"

namespace scabbard::s3 {

class CredentialProvider {
 public:
  /// Asks nobody yet: the first get() does. `clock` is what the background waits by.
  explicit CredentialProvider(std::unique_ptr<CredentialSource> source, Clock& clock = Clock::steady());
  /// close()
  ~CredentialProvider();
  CredentialProvider(const CredentialProvider&) = delete;
  CredentialProvider& operator=(const CredentialProvider&) = delete;

  /// Waits until there are credentials or it is known why there are none; after rejected() until the attempt to renew
  /// them is over. Expired ones are given too where no others can be had: the server is the judge of its own time.
  Result<std::shared_ptr<const Credentials>> get(const Context& ctx);
  /// What get() gave last, or newer. Never blocks; null before there were any.
  std::shared_ptr<const Credentials> current() const;
  /// The server says that these are not, or no longer, valid. Nothing where they have been replaced meanwhile. Never
  /// blocks.
  void rejected(const Credentials& credentials);
  /// Ends an attempt under way and the thread; get() is kClosed from then on. A thread that does not end, for it is
  /// stuck in the kernel, is left behind. Idempotent.
  void close();

 private:
  struct State;
  static void run(const std::shared_ptr<State>& state);

  std::shared_ptr<State> state_;  // shared with the thread, which may outlive the provider
  ThreadPool thread_{1};
};

}  // namespace scabbard::s3
