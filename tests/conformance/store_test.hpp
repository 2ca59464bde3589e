// What the tests of the conformance suite stand on: a store of each provider in turn, on an empty place.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "conformance/provider.hpp"
#include "support/manual_clock.hpp"
#include "support/result_matchers.hpp"
#include "support/whole_objects.hpp"

namespace scabbard {

class Conformance : public ::testing::TestWithParam<Provider> {
 protected:
  Conformance() : place_(GetParam().make()), store_(place_->open()) {}

  const Provider& provider() const { return GetParam(); }
  Place& place() { return *place_; }
  Store& store() { return *store_; }
  Capabilities can() const { return store_->capabilities(); }

  /// Ends, so that a store that hangs fails its test and no more.
  Context ctx() const { return Context().with_timeout(std::chrono::minutes(2)); }

  Result<WriteInfo> put(std::string_view object, std::string_view text, const CreateOptions& options = {}) {
    return put_text(store(), ctx(), object, text, options);
  }
  Result<std::string> get(std::string_view object) { return get_text(store(), ctx(), object); }
  Result<std::set<std::string>> names(const ListOptions& options = {}) { return list_names(store(), ctx(), options); }

  void forget_store() { store_.reset(); }

 private:
  std::unique_ptr<Place> place_;
  std::shared_ptr<Store> store_;
};

inline constexpr CreateOptions kExclusively{.exclusive = true, .length = {}};

}  // namespace scabbard
