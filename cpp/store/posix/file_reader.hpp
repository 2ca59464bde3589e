// An object of a file store, open for reading.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "scabbard/store.hpp"
#include "store/byte_outlet.hpp"
#include "store/posix/volume.hpp"

namespace scabbard::posix {

/// An open file together with what was found when it was opened. Closes it when destroyed; the volume must
/// outlive it.
class OpenFile {
 public:
  /// Opens an object's file; kNotFound, or kNotRegularFile for anything but a file.
  static Result<OpenFile> open(Operation& op, Volume& volume, std::string_view object);
  OpenFile(OpenFile&& other) noexcept;
  OpenFile& operator=(OpenFile&&) = delete;
  ~OpenFile();

  int descriptor() const { return fd_; }
  const ObjectInfo& info() const { return info_; }
  dev_t device() const { return device_; }

  /// Reads until `into` is full or the object ends; kChanged where the file is no longer what was opened.
  Result<std::size_t> read(Operation& op, std::uint64_t offset, std::span<std::byte> into) const;
  /// kChanged where the file was written to since it was opened.
  Result<void> check_unchanged(Operation& op) const;

 private:
  OpenFile(Volume& volume, int fd) : volume_(volume), fd_(fd) {}

  Volume& volume_;
  int fd_;
  dev_t device_ = 0;
  ObjectInfo info_;
};

class FileReader final : public Reader {
 public:
  static Result<std::unique_ptr<Reader>> open(const Context& ctx, std::shared_ptr<Volume> volume,
                                              std::string_view object);

  const ObjectInfo& info() const override { return file_.info(); }
  Result<std::size_t> read(const Context& ctx, std::span<std::byte> into) override;
  void seek(std::uint64_t offset) override { position_ = offset; }
  Result<std::size_t> read_at(const Context& ctx, std::uint64_t offset, std::span<std::byte> into) override;
  Result<std::uint64_t> copy_to(const Context& ctx, int descriptor, std::atomic<std::uint64_t>* progress) override;
  std::uint64_t position() const override { return position_; }

  /// All of the file, for as long as this is open. Nothing where reading it might hang.
  std::optional<FileSource> source() const {
    if (volume_->guarded()) return std::nullopt;
    return FileSource{.descriptor = file_.descriptor(), .offset = 0, .length = file_.info().size};
  }

 private:
  FileReader(std::shared_ptr<Volume> volume, std::string object, OpenFile file)
      : volume_(std::move(volume)), object_(std::move(object)), file_(std::move(file)) {}

  Operation operation(const Context& ctx) { return {*volume_, ctx, Access::kRead, "read", object_}; }

  Result<bool> copy_in_kernel(Operation& op, ByteOutlet& target);
  Result<void> send(Operation& op, ByteOutlet& target, std::span<const std::byte> bytes);

  std::shared_ptr<Volume> volume_;
  std::string object_;
  OpenFile file_;
  std::uint64_t position_ = 0;
};

}  // namespace scabbard::posix
