// What a writer in another process has begun and what it was told is done, line by line as it says so itself;
// and whether what is there after its death agrees.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace scabbard {

/// The number of an object's content (numbered_bytes.hpp), or nothing where there is no object.
using Content = std::optional<std::uint64_t>;

class Acknowledgements {
 public:
  /// Takes one line of the writer:
  ///   begin put|exclusive|remove OBJECT NUMBER   before it calls the store
  ///   done OBJECT NUMBER                         it was told that it succeeded
  ///   refused OBJECT NUMBER                      there was an object already, or none to remove
  /// Anything else is a violation. For one object, calls other than exclusive ones do not overlap.
  void take(std::string_view line);

  /// Takes what is found after the writer's death for what was acknowledged from now on, and for each object
  /// that is not what it may be adds a violation.
  void compare(const std::map<std::string, Content>& found);

  /// A wrong answer, or a state that no order of the calls allows.
  void violated(std::string what) { violations_.push_back(std::move(what)); }
  const std::vector<std::string>& violations() const { return violations_; }
  std::size_t done() const { return done_; }
  std::size_t unfinished() const { return unfinished_; }  ///< calls that the writer died in, of all compare()s

 private:
  struct Call {
    std::string kind;
    Content after;
  };
  struct Object {
    Content acknowledged;
    std::map<std::uint64_t, Call> under_way;
  };

  void finish(Object& object, const std::string& name, const Call& call);
  static std::set<Content> allowed(const Object& object);

  std::map<std::string, Object> objects_;
  std::vector<std::string> violations_;
  std::size_t done_ = 0;
  std::size_t unfinished_ = 0;
};

}  // namespace scabbard
