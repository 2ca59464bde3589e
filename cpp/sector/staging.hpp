// What a proof reads, laid out for the stock prover: for each sector sparse files of full length in which the planned
// ranges are filled, and no others.
//
// A process has a folder of its own below the one that it is given, locked as long as it lives. Those of dead processes
// are removed when the next one starts.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/descriptor.hpp"
#include "scabbard/error.hpp"
#include "sector/read_plan.hpp"

namespace scabbard::sector {

struct StagedRange {
  PlannedRead read;
  std::span<const std::byte> bytes;  ///< as long as the read
};

/// Bytes that will be written. Safe from any thread.
class PromisedRoom {
 public:
  std::uint64_t bytes() const { return bytes_; }
  void add(std::uint64_t bytes) { bytes_ += bytes; }
  /// Of what was promised to one sector, `left`, so much has been written, or will not be.
  void settle(std::atomic<std::uint64_t>& left, std::uint64_t bytes);

 private:
  std::atomic<std::uint64_t> bytes_ = 0;
};

/// The files of one sector, which go with this. Each file belongs to one thread at a time.
class StagedSector {
 public:
  /// `size` bytes are promised to it.
  StagedSector(std::string folder, const Shape& shape, PromisedRoom& room, std::uint64_t size);
  ~StagedSector();
  StagedSector(const StagedSector&) = delete;
  StagedSector& operator=(const StagedSector&) = delete;

  std::string sealed_file() const;
  std::string cache_folder() const;

  /// Makes a file of `size` bytes with these ranges of it filled; what was there goes. kNoSpace where that is so.
  Result<void> write(ReplicaFile file, std::uint64_t size, std::span<const StagedRange> ranges);

  /// Whether all that is read is there: an unfilled range would be a fault that is none. kInternal or kIo where
  /// something is missing, kCorrupt where the tree is not the one that p_aux names.
  Result<void> check(const TreeLayout& layout, std::span<const PlannedRead> reads) const;

  /// Of all that was written: the same where the bytes are.
  std::uint64_t sum() const;

  /// The second half of p_aux, which names the content of the trees; nothing before that is written.
  const std::optional<Node>& comm_r_last() const { return comm_r_last_; }

 private:
  struct File {
    bool was_written = false;
    std::uint64_t size = 0;
    std::uint32_t sum = 0;  // CRC-32C of the ranges, one after the other
    std::vector<PlannedRead> filled;
  };

  std::string path_of(ReplicaFile file) const;

  const std::string folder_;
  const Shape& shape_;
  PromisedRoom& room_;
  std::atomic<std::uint64_t> unwritten_;  // of what was promised
  std::vector<File> files_;               // by their numbers
  std::optional<Node> comm_r_last_;
  std::optional<Node> root_;  // of the only tree
};

/// How much room the ranges take, in bytes: files are filled by pages. They are sorted as those of plan_reads().
std::uint64_t staged_size(std::span<const PlannedRead> reads);

/// Safe from any thread.
class Staging {
 public:
  /// Makes the folder, for this user only, where it is missing, and a folder in it. kPermissionDenied where others may
  /// write there.
  static Result<std::unique_ptr<Staging>> open(const std::string& folder);
  ~Staging();
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;

  /// Removes everything; as the destructor does.
  void discard();

  /// This process' own.
  const std::string& folder() const { return folder_; }
  /// Whether so many bytes are free where it lies, besides those that were promised.
  Result<bool> has_room(std::uint64_t size) const;
  /// A place for one more sector, to which `size` bytes are promised. Has to go before this does.
  Result<std::unique_ptr<StagedSector>> add(const Shape& shape, std::uint64_t size);

 private:
  Staging(std::string folder, Descriptor lock);

  const std::string folder_;
  const Descriptor lock_;
  std::atomic<std::uint64_t> last_ = 0;
  PromisedRoom room_;
};

}  // namespace scabbard::sector
