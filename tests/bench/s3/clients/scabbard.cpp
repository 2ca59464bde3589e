// scabbard as a client of the benchmark: the public C++ interface with default options.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "job.hpp"
#include "scabbard/store.hpp"
#include "sector/read_plan.hpp"

namespace scabbard::bench {
namespace {

template <class T>
T value_of(Result<T> result) {
  if (!result) give_up(result.error().message);
  return *std::move(result);
}

int opened(const std::string& file, int flags) {
  int descriptor = ::open(file.c_str(), flags | O_CLOEXEC, 0600);
  if (descriptor < 0) give_up("cannot open " + file);
  return descriptor;
}

std::shared_ptr<Store> open(const Job& job) {
  StoreConfig config{.name = "bench", .path = "s3://" + job.bucket, .meta = {{"Endpoint", job.endpoint}}};
  if (!job.sign_payload) config.meta["PayloadSigning"] = "never";
  if (!job.ca.empty()) config.meta["CaFile"] = job.ca;
  if (job.in_flight != 0) config.meta["MaxConnections"] = std::to_string(job.in_flight);
  return value_of(open_store(config));
}

void put_file(const Job& job, Store& store) {
  int source = opened(job.file, O_RDONLY);
  value_of(store.put_file({}, job.key, {.descriptor = source, .offset = 0, .length = job.length}));
  ::close(source);
}

// The bytes of `source`, or made-up ones where there is none.
void put_stream(const Job& job, Store& store, int source) {
  auto writer = value_of(store.create({}, job.key));
  for (std::uint64_t left = job.length; left > 0;) {
    auto room = value_of(writer->acquire({}));
    room = room.first(std::min<std::uint64_t>(room.size(), left));
    if (source >= 0) {
      auto got = ::read(source, room.data(), room.size());
      if (got <= 0) give_up("cannot read " + job.file);
      room = room.first(static_cast<std::size_t>(got));
    } else {
      std::ranges::fill(room, static_cast<std::byte>(left >> 16));
    }
    if (auto taken = writer->commit({}, room.size()); !taken) give_up(taken.error().message);
    left -= room.size();
  }
  value_of(writer->finish({}));
}

void get(const Job& job, Store& store) {
  int target = opened(job.file, O_WRONLY | O_CREAT | O_TRUNC);
  auto reader = value_of(store.open({}, job.key));
  if (value_of(reader->copy_to({}, target)) != job.length) give_up("short");
  ::close(target);
}

// Ranges, or stats where the job's size is 0.
void read_queued(const Job& job, Store& store) {
  std::vector<std::byte> memory(bytes_of(job.reads));
  std::vector<RangeRead> entries(job.reads.size());
  std::span<std::byte> free = memory;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Read& read = job.reads[i];
    entries[i].object = read.key;
    if (read.size == 0) continue;
    entries[i].offset = static_cast<std::int64_t>(read.offset);
    entries[i].into = free.first(read.size);
    free = free.subspan(read.size);
  }
  auto queue = store.read_queue();
  if (auto taken = queue->submit(entries); !taken) give_up(taken.error().message);
  std::array<RangeRead*, 256> done{};
  while (std::size_t count = value_of(queue->wait({}, done))) {
    for (RangeRead* entry : std::span(done).first(count)) {
      const bool is_whole = job.length == 0 || entry->object_size == job.length;
      if (value_of(std::move(entry->got)) != entry->into.size() || !is_whole) give_up("short");
    }
  }
}

// So many times, a partition of so many sectors.
void plan(const Job& job) {
  std::vector<std::uint64_t> sectors(job.size);
  std::iota(sectors.begin(), sectors.end(), std::uint64_t{1});
  const auto type = value_of(sector::parse_proof_type("StackedDrgWindow32GiBV1_2"));
  for (std::size_t i = 0; i < job.count; ++i) {
    const sector::Seed seed{static_cast<std::byte>(i)};
    if (sector::plan_reads(type, seed, sectors).size() != sectors.size()) give_up("not planned");
  }
}

void carry_out(const Job& job) {
  if (job.work == "plan") return plan(job);
  auto store = open(job);
  if (job.work == "put_file") return put_file(job, *store);
  if (job.work == "put_stream") return put_stream(job, *store, opened(job.file, O_RDONLY));
  if (job.work == "put_generated") return put_stream(job, *store, -1);
  if (job.work == "get") return get(job, *store);
  if (job.work == "ranges" || job.work == "heads") return read_queued(job, *store);
  give_up("unknown work: " + job.work);
}

}  // namespace
}  // namespace scabbard::bench

int main(int argc, char** argv) { scabbard::bench::run(argc, argv, scabbard::bench::carry_out); }
