// What a test did on a model filesystem, and whether every power cut meanwhile would have been survived.
//
// Each step says which object it changes and to what. After every call that the step makes, all that the
// disk could then hold is kept; violations() opens a store on each of these disks and compares:
//   - an object is, whole, what it was before the step, or what the step was to make of it;
//   - once the step was acknowledged, only the latter;
//   - no other objects appear, and a sweep leaves no temporary.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "scabbard/store.hpp"
#include "support/byte_patterns.hpp"
#include "support/model_filesystem.hpp"

namespace scabbard::posix {

class CrashHistory {
 public:
  using Content = std::optional<Bytes>;  // nothing: there is no such object

  /// Of objects below the folder `root` of `model`; both must outlive it.
  CrashHistory(ModelFilesystem& model, std::string root);
  ~CrashHistory();

  /// Runs `action`, which is to make `object` into `content` and returns whether it said that it did.
  /// Returns that too.
  bool step(const std::string& what, const std::string& object, const Content& content,
            const std::function<bool()>& action);
  /// The same of several objects that one call changes.
  void step(const std::string& what, const std::map<std::string, Content>& contents,
            const std::function<std::map<std::string, bool>()>& action);
  /// Steps that change nothing of what objects hold.
  void step(const std::string& what, const std::function<void()>& action);

  /// How many different (disk, expectation) pairs there are to judge.
  std::size_t crashes() const;
  /// What would have been lost, torn or left behind; at most a few dozen lines.
  std::vector<std::string> violations() const;

 private:
  using Allowed = std::map<std::string, std::vector<Content>>;
  struct Crash {
    std::string during;
    ModelFilesystem::Image image;
    Allowed allowed;
  };

  void keep_images();
  std::vector<std::string> violations_of(const Crash& crash) const;

  ModelFilesystem& model_;
  const std::string root_;
  mutable std::mutex mutex_;  // calls may be made on threads of the store
  std::string current_;
  Allowed allowed_;
  std::vector<Crash> crashes_;
};

}  // namespace scabbard::posix
