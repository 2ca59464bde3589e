// An object being written to a file store from buffers.
#pragma once

#include <memory>

#include "scabbard/store.hpp"
#include "store/posix/durable_file.hpp"

namespace scabbard::posix {

class FileWriter final : public Writer {
 public:
  static Result<std::unique_ptr<Writer>> create(const Context& ctx, std::shared_ptr<Volume> volume,
                                                std::string_view object, const CreateOptions& options);

  Result<std::span<std::byte>> acquire(const Context& ctx) override;
  Result<void> commit(const Context& ctx, std::size_t filled) override;
  Result<WriteInfo> finish(const Context& ctx) override;

 private:
  FileWriter(std::shared_ptr<Volume> volume, std::string object, const CreateOptions& options, ReservedBuffer memory,
             DurableFile file)
      : volume_(std::move(volume)),
        object_(std::move(object)),
        length_(options.length),
        memory_(std::move(memory)),
        file_(std::move(file)) {}

  Operation operation(const Context& ctx) { return {*volume_, ctx, Access::kWrite, "put", object_}; }

  std::shared_ptr<Volume> volume_;
  std::string object_;
  std::optional<std::uint64_t> length_;
  ReservedBuffer memory_;
  DurableFile file_;
  std::uint32_t crc32c_ = 0;
  bool failed_ = false;
  bool finished_ = false;
};

}  // namespace scabbard::posix
