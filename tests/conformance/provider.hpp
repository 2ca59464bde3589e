// Where the conformance suite gets its stores from. A new backend adds a Provider to providers() and is
// tested for everything that store.hpp promises.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "scabbard/store.hpp"

namespace scabbard {

struct OpenOptions {
  bool read_only = false;
  /// What the store measures its own time limits with; calls on it get contexts with the same clock.
  Clock* clock = &Clock::steady();
  /// Options of the backend.
  std::map<std::string, std::string> meta = {};
};

/// One empty place for objects, gone with this.
class Place {
 public:
  virtual ~Place() = default;

  /// A store on this place; each call opens another one on the same objects.
  virtual std::shared_ptr<Store> open(const OpenOptions& options) = 0;
  std::shared_ptr<Store> open() { return open(OpenOptions()); }

  /// What another process needs to open the same place: see Provider::reopen.
  virtual std::string address() const = 0;

  /// Names of unfinished objects that writers have left on the place, whatever their form there.
  virtual std::vector<std::string> leftovers() = 0;

  /// Holds up all that stores on this place ask of it, until release(); false where that cannot be done.
  virtual bool stall() { return false; }
  virtual void release() {}
  /// Blocks until `count` calls are held up.
  virtual bool wait_until_stalled(std::size_t) { return false; }
};

struct Provider {
  std::string name;
  std::function<std::unique_ptr<Place>()> make;
  /// A store on the place at an address, in another process.
  std::function<std::shared_ptr<Store>(const std::string& address)> reopen;
  /// The largest object that the suite writes as a matter of course.
  std::size_t large_object = std::size_t{64} << 20;
  /// Bytes after which an abandoned writer leaves something behind.
  std::size_t abandoned_size = 3'000'000;
  /// What a server cannot do though the backend could: an object beside a folder of its name, long components, letting
  /// one of several exclusive creates win that come at the same moment.
  bool server_has_folders = false;
  std::size_t server_max_component = 1024;
  bool server_races = false;
  /// Calls that the place holds up still end with their context.
  bool outlives_stalls = false;
  /// Writes 5 GiB of which nearly all is a hole, in no time.
  bool keeps_holes = false;
};

std::ostream& operator<<(std::ostream& out, const Provider& provider);

const std::vector<Provider>& providers();

/// Runs this executable again as `--abandon-writer provider address object`: it writes some of the object
/// and is killed. True if it came so far.
bool abandon_writer(const Provider& provider, const Place& place, std::string_view object);

/// The child's side of it: does not return.
[[noreturn]] void be_abandoned(std::string_view provider, const std::string& address, std::string_view object);

}  // namespace scabbard
