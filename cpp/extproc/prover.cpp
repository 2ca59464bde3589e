#include "extproc/prover.hpp"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/quantities.hpp"
#include "base/sleep.hpp"
#include "base/text.hpp"
#include "extproc/post_task.hpp"
#include "sector/replica_fetch.hpp"

namespace scabbard::extproc {
namespace {

using Json = nlohmann::json;

// Of the stock prover, besides those of sectors.
constexpr std::uint64_t kOtherDescriptors = 256;
// For a mount that does not answer when the request comes.
constexpr auto kLongestLookForFolder = std::chrono::minutes(1);

std::string in_seconds(Clock::Duration duration) {
  return fmt::format("{:.1f} s", std::chrono::duration<double>(duration).count());
}

std::uint64_t hard_descriptor_limit() {
  struct rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : RLIM_INFINITY;
}

}  // namespace

// One request.
class Proof {
 public:
  Proof(Prover& prover, const Context& ctx, const Json& json, const PostTask& task)
      : prover_(prover), ctx_(ctx), json_(json), task_(task) {}
  ~Proof() { give_back_room(); }
  Proof(const Proof&) = delete;
  Proof& operator=(const Proof&) = delete;

  Result<Json> run() {
    if (auto enough = check_descriptors(); !enough) return fail(std::move(enough).error());
    find_sectors();
    fetch();
    give_back_room();
    return faults_.empty() ? prove() : answer_without_proof();
  }

 private:
  struct Replica {
    std::uint64_t number = 0;
    ReplicaPaths paths;  // for the stock prover
    std::string key;
    sector::WantedReplica wanted;
    std::unique_ptr<sector::StagedSector> files;  // none where it is proven from where it is
    bool is_ready = false;
  };

  const sector::Shape& shape() const { return *task_.type.shape; }

  // The stock prover opens the replica once for each of its trees, and keeps all open at once.
  std::uint64_t descriptors() const { return std::uint64_t{2} * shape().trees * task_.replicas.size(); }

  Result<void> check_descriptors() const {
    const std::uint64_t needed = descriptors() + kOtherDescriptors;
    if (needed <= prover_.descriptor_limit_) return {};
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the stock prover opens {} files for {} of {}, and this process may have {}: raise the "
                    "hard limit (LimitNOFILE= of its service, `ulimit -Hn`) to at least {}",
                    needed, counted(task_.replicas.size(), "sector"), shape().name, prover_.descriptor_limit_, needed));
  }

  void find_sectors() {
    replicas_.reserve(task_.replicas.size());
    std::uint64_t rank = 0;
    for (const auto& [number, paths] : task_.replicas) {
      Replica replica;
      replica.number = number;
      replica.paths = paths;
      replica.key = key_of(paths, rank);
      replica.wanted.leaves = sector::challenged_leaves(task_.type, task_.seed, number, rank++);
      auto found = find(replica);
      if (found) found = make_room(replica);
      if (found) {
        replicas_.push_back(std::move(replica));
      } else {
        add_fault(number, found.error());
      }
    }
  }

  // What its challenges and its place are.
  std::string key_of(const ReplicaPaths& paths, std::uint64_t rank) const {
    const bool by_rank = task_.type.kind == sector::ProofKind::kWindowV1;
    std::string key = fmt::format("{} {} ", to_string(task_.type), by_rank ? rank : 0);
    for (const std::byte byte : task_.seed) key += static_cast<char>(byte);
    return key + paths.sealed_file + '\0' + paths.cache_folder;
  }

  Result<void> find(Replica& replica) {
    auto sealed = find(replica.paths.sealed_file);
    if (!sealed) return fail(std::move(sealed).error());
    auto cache = find(replica.paths.cache_folder);
    if (!cache) return fail(std::move(cache).error());
    replica.wanted.sealed_file = *std::move(sealed);
    replica.wanted.cache_folder = *std::move(cache);
    return {};
  }

  // By the folder that it lies in, which a thousand others have in common.
  Result<Location> find(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos || slash + 1 == path.size()) return prover_.locator_.resolve(ctx_, path);
    const std::string folder = path.substr(0, slash + 1);
    auto& found = folders_[folder];
    if (!found) found = find_folder(folder);
    if (!*found) return fail(found->error());
    Location location = **found;
    location.object += location.object.empty() ? path.substr(slash + 1) : path.substr(slash);
    return location;
  }

  Result<Location> find_folder(const std::string& folder) {
    const auto until =
        ctx_.now() + std::min<Clock::Duration>(kLongestLookForFolder, prover_.options_.read_deadline / 2);
    while (true) {
      auto found = prover_.locator_.resolve(ctx_, folder);
      if (found || !found.error().retryable || ctx_.ended() || ctx_.now() >= until) return found;
      tell(fmt::format("{} is looked for again: {}", quote(folder), found.error().message));
      sleep(ctx_, std::chrono::seconds(1));
    }
  }

  // Takes what an earlier request has staged, or makes a place, where the stock prover cannot open it as it is.
  Result<void> make_room(Replica& replica) {
    const Location& sealed = replica.wanted.sealed_file;
    const Location& cache = replica.wanted.cache_folder;
    if (sealed.store->capabilities().local_files && cache.store->capabilities().local_files) {
      replica.paths = {.sealed_file = sealed.store->location(sealed.object),
                       .cache_folder = cache.store->location(cache.object)};
      return {};
    }
    if (auto kept = prover_.kept_.take(replica.key)) {
      const auto reads = plan_reads(shape(), kept->layout, replica.wanted.leaves);
      replica.is_ready = kept->files->check(kept->layout, reads).has_value();
      replica.wanted.layout = kept->layout;
      replica.wanted.has_cached_tops = kept->has_cached_tops;
      if (replica.is_ready) replica.files = std::move(kept->files);
    }
    if (!replica.is_ready) {
      const auto reads = plan_reads(shape(), sector::TreeLayout::usual(shape()), replica.wanted.leaves);
      if (auto room = reserve(sector::staged_size(reads)); !room) return fail(std::move(room).error());
      auto files = prover_.staging_->add(shape());
      if (!files) return fail(std::move(files).error());
      replica.files = *std::move(files);
    }
    replica.wanted.staged = replica.files.get();
    replica.wanted.cache = prover_.cache_.get();
    replica.paths = {.sealed_file = replica.files->sealed_file(), .cache_folder = replica.files->cache_folder()};
    return {};
  }

  // For as many sectors as fit: those can be proven.
  Result<void> reserve(std::uint64_t bytes) {
    do {
      const auto free = prover_.staging_->free_space();
      if (!free) return fail(free.error());
      if (prover_.being_staged_ + bytes > *free) continue;
      prover_.being_staged_ += bytes;
      reserved_ += bytes;
      return {};
    } while (prover_.kept_.drop_oldest());
    return fail(ErrorCode::kNoSpace,
                fmt::format("the staging folder {} is full: {} of {} need some {}; make room, or name another with "
                            "--staging",
                            quote(prover_.staging_->folder()), counted(task_.replicas.size(), "sector"), shape().name,
                            human_size(bytes * task_.replicas.size())));
  }

  // What is staged shows in what is free.
  void give_back_room() { prover_.being_staged_ -= std::exchange(reserved_, 0); }

  void fetch() {
    const TreeTopFiller::Pause pause(prover_.filler_.get());
    std::vector<sector::WantedReplica> wanted;
    std::vector<Replica*> fetched;
    for (Replica& replica : replicas_) {
      if (replica.is_ready) continue;
      wanted.push_back(replica.wanted);
      fetched.push_back(&replica);
    }
    const auto begun = ctx_.now();
    sector::FetchProgress last;
    fetch_replicas(ctx_.with_deadline(begun_ + prover_.options_.read_deadline), shape(), wanted,
                   {.max_reads = prover_.options_.max_reads,
                    .sector_limit = prover_.options_.sector_limit,
                    .tell = [&](const sector::FetchProgress& progress) {
                      last = progress;
                      if (progress.ready + progress.failed < progress.sectors) tell(describe(progress));
                    }});
    if (!wanted.empty()) tell(fmt::format("{}, in {}", describe(last), in_seconds(ctx_.now() - begun)));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      Replica& replica = *fetched[i];
      replica.wanted = std::move(wanted[i]);
      replica.is_ready = replica.wanted.result.has_value();
      if (!replica.is_ready) add_fault(replica.number, replica.wanted.result.error());
      const bool fills_cache = replica.is_ready && replica.wanted.cache != nullptr && !replica.wanted.has_cached_tops;
      if (fills_cache) prover_.filler_->add({.shape = &shape(), .cache_folder = replica.wanted.cache_folder});
    }
  }

  static std::string describe(const sector::FetchProgress& progress) {
    std::string text = fmt::format("{} of {} ready", progress.ready, counted(progress.sectors, "sector"));
    if (progress.failed > 0) text += fmt::format(", {} cannot be read", progress.failed);
    text += fmt::format(", {} ({})", counted(progress.reads, "read"), human_size(progress.bytes));
    if (progress.cached > 0) text += fmt::format(", {} with tree tops from the cache", progress.cached);
    if (progress.retries > 0) text += fmt::format(", {} again", progress.retries);
    if (!progress.waiting_for.empty()) text += fmt::format("; most is missing from {}", quote(progress.waiting_for));
    return text;
  }

  void add_fault(std::uint64_t number, const Error& error) {
    faults_.push_back(number);
    tell(fmt::format("sector {} cannot be proven: {}", number, error.message));
    if (!first_fault_) first_fault_ = error;
  }

  Result<Json> answer_without_proof() {
    // What was not read then is no fault.
    if (ctx_.ended() == ErrorCode::kCancelled)
      return fail(ErrorCode::kCancelled, "the prover was ended over the request");
    std::ranges::sort(faults_);
    keep_staged({});
    const bool is_winning = task_.type.is_winning();
    if (is_winning || faults_.size() == task_.replicas.size()) {
      if (!is_winning) {
        first_fault_->message = fmt::format("none of the sectors can be read; the first: {}", first_fault_->message);
      }
      return fail(*std::move(first_fault_));
    }
    tell(fmt::format("answered without a proof: {} of {} cannot be proven", faults_.size(),
                     counted(task_.replicas.size(), "sector")));
    return faults_answer(faults_);
  }

  Result<Json> prove() {
    std::map<std::uint64_t, ReplicaPaths> paths;
    for (const Replica& replica : replicas_) paths[replica.number] = replica.paths;
    const Json json = with_paths(json_, paths);
    // Of all requests that it works on.
    Turn turn(prover_.descriptors_, descriptors());
    if (auto taken = turn.take(ctx_); !taken) {
      keep_staged({});
      return fail(std::move(taken).error());
    }
    tell(fmt::format("handed to the stock prover after {}", in_seconds(ctx_.now() - begun_)));
    auto answer = ask(json);
    if (read_past_cache(answer)) {
      if (!faults_.empty()) return answer_without_proof();
      tell("handed to the stock prover once more: tree tops from the cache may have been wrong");
      answer = ask(json);
    }
    if (!answer) {
      keep_staged({});
      return answer;
    }
    const auto faults = faults_of(*answer);
    if (!faults.empty()) keep_staged(faults);
    return answer;
  }

  Result<Json> ask(const Json& json) {
    const auto begun = ctx_.now();
    auto answer = prover_.delegate_.ask(ctx_, json);
    if (!answer) return answer;
    const auto faults = faults_of(*answer);
    tell(fmt::format("the stock prover has answered after {}, {}", in_seconds(ctx_.now() - begun),
                     faults.empty() ? "with a proof"
                                    : fmt::format("without a proof: {} are faulty", counted(faults.size(), "sector"))));
    return answer;
  }

  // What the cache has of a tree was taken from it once, and may have been wrong then: before a sector is called
  // faulty, its trees are read where they are. False where none of those that are had anything from the cache.
  bool read_past_cache(const Result<Json>& answer) {
    // A winning proof has no faults, but an error of the stock prover's own.
    const bool is_of_all = !answer && task_.type.is_winning() && answer.error().code == ErrorCode::kIo;
    const auto faulty = answer ? faults_of(*answer) : std::vector<std::uint64_t>();
    bool is_any = false;
    for (Replica& replica : replicas_) {
      const bool is_suspect = is_of_all || std::ranges::find(faulty, replica.number) != faulty.end();
      if (!is_suspect || !replica.wanted.has_cached_tops) continue;
      prover_.cache_->drop(*replica.files->comm_r_last());
      replica.wanted.cache = nullptr;
      replica.is_ready = false;
      is_any = true;
    }
    if (is_any) fetch();
    return is_any;
  }

  // Those that are whole, but for `faulty` ones.
  void keep_staged(const std::vector<std::uint64_t>& faulty) {
    for (Replica& replica : replicas_) {
      const bool is_whole = replica.files && replica.wanted.layout && replica.wanted.result;
      if (!is_whole || std::ranges::find(faulty, replica.number) != faulty.end()) continue;
      prover_.kept_.keep(replica.key, {.files = std::move(replica.files),
                                       .layout = *replica.wanted.layout,
                                       .has_cached_tops = replica.wanted.has_cached_tops});
    }
  }

  void tell(const std::string& line) const { prover_.tell_(fmt::format("{}: {}", prover_.options_.stage, line)); }

  Prover& prover_;
  const Context& ctx_;
  const Json& json_;
  const PostTask& task_;
  const Clock::Time begun_ = ctx_.now();
  std::vector<Replica> replicas_;  // those that are not faults from the start
  std::map<std::string, std::optional<Result<Location>>> folders_;
  std::vector<std::uint64_t> faults_;
  std::optional<Error> first_fault_;
  std::uint64_t reserved_ = 0;
};

Prover::Prover(Locator& locator, std::unique_ptr<sector::Staging> staging, std::unique_ptr<sector::TreeTopCache> cache,
               std::vector<std::string> delegate, const ProverOptions& options,
               std::function<void(const std::string&)> tell)
    : locator_(locator),
      options_(options),
      tell_(std::move(tell)),
      staging_(std::move(staging)),
      cache_(std::move(cache)),
      filler_(cache_ ? std::make_unique<TreeTopFiller>(*cache_, tell_) : nullptr),
      kept_(options.keep_for),
      descriptor_limit_(hard_descriptor_limit()),
      descriptors_(descriptor_limit_ - std::min(descriptor_limit_, kOtherDescriptors)),
      delegate_({.command = std::move(delegate), .stage = options.stage, .folder = staging_->folder()}) {}

Result<Json> Prover::run(const Context& ctx, const Json& json) {
  auto task = parse_post_task(json, options_.stage);
  if (!task) return fail(std::move(task).error());
  const Context limited = ctx.with_timeout(options_.answer_within);
  return Proof(*this, limited, json, *task).run();
}

}  // namespace scabbard::extproc
