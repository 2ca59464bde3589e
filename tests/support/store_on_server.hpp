// An S3 store on a scripted server, in virtual time: one loop, no hedging, credentials given one after the other.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "scabbard/store.hpp"
#include "support/manual_clock.hpp"
#include "support/scripted_server/scripted_server.hpp"
#include "support/temporary_folder.hpp"

namespace scabbard {

class StoreOnServer {
 public:
  /// `options`: besides those that say where the server is. Each of `access_keys` but the last is given once.
  explicit StoreOnServer(const scripted::ScriptedServer& server, std::map<std::string, std::string> options = {},
                         const std::vector<std::string>& access_keys = {"FIRSTKEY"});
  /// Looks whether the store has written secrets.
  ~StoreOnServer();
  StoreOnServer(const StoreOnServer&) = delete;
  StoreOnServer& operator=(const StoreOnServer&) = delete;

  Store& operator*() const { return *store_; }
  Store* operator->() const { return store_.get(); }
  ManualClock& clock() { return clock_; }
  /// By the clock, and without an end.
  Context context() { return Context().with_clock(clock_); }

 private:
  std::string write_credentials(const std::vector<std::string>& access_keys) const;

  const TemporaryFolder folder_{TemporaryFolder::Where::kMemory};
  ManualClock clock_;
  std::shared_ptr<Store> store_;
};

}  // namespace scabbard
