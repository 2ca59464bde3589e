#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "conformance/provider.hpp"
#include "support/byte_patterns.hpp"
#include "support/child_process.hpp"
#include "support/result_matchers.hpp"

namespace scabbard {

bool abandon_writer(const Provider& provider, const Place& place, std::string_view object) {
  const auto ended = run_again({"--abandon-writer", provider.name, place.address(), std::string(object)});
  return ended.signal == SIGKILL;
}

void be_abandoned(std::string_view provider_name, const std::string& address, std::string_view object) {
  const auto provider = std::ranges::find(providers(), provider_name, &Provider::name);
  if (provider == providers().end()) ::_exit(2);
  const auto store = provider->reopen(address);
  const auto writer = value_of(store->create(Context(), object));
  value_of(writer->write(Context(), pattern_bytes(7, provider->abandoned_size)));
  ::raise(SIGKILL);  // no destructor runs, no lock is given back by us
  ::_exit(3);
}

}  // namespace scabbard
