// Storing a file: shares its blocks where the filesystem can, else copies in the kernel, else through memory.
// Holes stay holes.
#pragma once

#include <memory>

#include "store/posix/durable_file.hpp"

namespace scabbard::posix {

/// A guard of its own for the time of one copy, stopped at the end.
class SourceGuard {
 public:
  SourceGuard(const Volume& volume, std::string probe_path);
  ~SourceGuard();
  SourceGuard(const SourceGuard&) = delete;
  SourceGuard& operator=(const SourceGuard&) = delete;
  const std::shared_ptr<Guard>& get() const { return guard_; }

 private:
  std::shared_ptr<Guard> guard_;
};

/// A file that was copied and has yet to be published.
struct WrittenFile {
  std::unique_ptr<SourceGuard> guard;  ///< where the source could hang and the store could not
  std::unique_ptr<Operation> op;       ///< what the rest is done by
  DurableFile file;
};

/// What is known of the filesystem of a source. Where it could hang its calls are guarded.
enum class SourcePlace { kUnknown, kLocal };

/// put_file() but for its last step. `ctx` and `object` must outlive what it returns.
Result<WrittenFile> write_file(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view object,
                               const FileSource& source, const CreateOptions& options, SourcePlace place);

/// Store::put_file.
Result<WriteInfo> put_file(const Context& ctx, const std::shared_ptr<Volume>& volume, std::string_view object,
                           const FileSource& source, const CreateOptions& options);

}  // namespace scabbard::posix
