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
#include "base/thread_pool.hpp"
#include "extproc/post_task.hpp"
#include "sector/replica_fetch.hpp"

namespace scabbard::extproc {
namespace {

using Json = nlohmann::json;

// Of the stock prover, besides those of sectors.
constexpr std::uint64_t kOtherDescriptors = 256;
// For a mount that does not answer when the request comes.
constexpr auto kLongestLookForFolder = std::chrono::minutes(1);
constexpr std::size_t kFoldersAtOnce = 32;

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
  ~Proof() {
    // Those of a partition take half a second, for which the answer does not wait.
    auto staged = std::make_shared<std::vector<Replica>>(std::move(replicas_));
    const auto remove = [staged, &prover = prover_, holds_room = holds_room_] {
      staged->clear();
      if (holds_room) --prover.holding_room_;
    };
    if (!prover_.removing_.post(remove)) remove();
  }
  Proof(const Proof&) = delete;
  Proof& operator=(const Proof&) = delete;

  Result<Json> run() {
    if (auto enough = check_descriptors(); !enough) return fail(std::move(enough).error());
    find_sectors();
    make_room();
    fetch();
    return faults_.empty() ? prove() : answer_without_proof();
  }

 private:
  struct Replica {
    std::uint64_t number = 0;
    ReplicaPaths paths;  // for the stock prover
    std::string key;
    sector::WantedReplica wanted;
    bool is_local = false;                        // proven from where it is
    std::unique_ptr<sector::StagedSector> files;  // of the others
    std::uint64_t needed = 0;                     // bytes of room that are still to be found for it
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
    find_folders();
    replicas_.reserve(task_.replicas.size());
    std::uint64_t rank = 0;
    for (const auto& [number, asked] : task_.replicas) {
      Replica replica;
      replica.number = number;
      replica.paths = asked.paths;
      replica.key = key_of(asked, rank);
      replica.wanted.leaves = sector::challenged_leaves(task_.type, task_.seed, number, rank++);
      if (auto found = find(replica); !found) {
        add_fault(number, found.error());
        continue;
      }
      take_staged(replica);
      replicas_.push_back(std::move(replica));
    }
  }

  // What its challenges, its content and its place are.
  std::string key_of(const PostReplica& replica, std::uint64_t rank) const {
    const bool by_rank = task_.type.kind == sector::ProofKind::kWindowV1;
    std::string key = fmt::format("{} {} ", to_string(task_.type), by_rank ? rank : 0);
    for (const std::byte byte : task_.seed) key += static_cast<char>(byte);
    return key + replica.comm_r + replica.paths.sealed_file + '\0' + replica.paths.cache_folder;
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
    const auto found = folders_.find(folder_of(path));
    if (found == folders_.end()) return prover_.locator_.resolve(ctx_, path);
    if (!found->second) return fail(found->second.error());
    Location location = *found->second;
    location.object += location.object.empty() ? path.substr(slash + 1) : path.substr(slash);
    return location;
  }

  // With the slash at its end; empty where it is in none.
  static std::string folder_of(const std::string& path) {
    const std::size_t slash = path.rfind('/');
    const bool has_name = slash != std::string::npos && slash + 1 < path.size();
    return has_name ? path.substr(0, slash + 1) : std::string();
  }

  // All at a time: some may be mounts that do not answer.
  void find_folders() {
    for (const auto& [number, asked] : task_.replicas) {
      for (const std::string& path : {asked.paths.sealed_file, asked.paths.cache_folder}) {
        if (const std::string folder = folder_of(path); !folder.empty()) folders_.try_emplace(folder);
      }
    }
    ThreadPool threads(kFoldersAtOnce);
    for (auto& [folder, found] : folders_) {
      const bool is_posted = threads.post([this, &folder, &found] { found = find_folder(folder); });
      if (!is_posted) found = find_folder(folder);
    }
    threads.stop();
  }

  Result<Location> find_folder(const std::string& folder) {
    const auto until = begun_ + std::min<Clock::Duration>(kLongestLookForFolder, prover_.options_.read_deadline / 2);
    while (true) {
      auto found = prover_.locator_.resolve(ctx_, folder);
      if (found || !found.error().retryable || ctx_.ended() || ctx_.now() >= until) return found;
      tell(fmt::format("{} is looked for again: {}", quote(folder), found.error().message));
      sleep(ctx_, std::chrono::seconds(1));
    }
  }

  // What an earlier request has staged; or nothing, where the stock prover can open it as it is.
  void take_staged(Replica& replica) {
    const Location& sealed = replica.wanted.sealed_file;
    const Location& cache = replica.wanted.cache_folder;
    replica.is_local = sealed.store->capabilities().local_files && cache.store->capabilities().local_files;
    if (replica.is_local) {
      replica.paths = {.sealed_file = sealed.store->location(sealed.object),
                       .cache_folder = cache.store->location(cache.object)};
      return;
    }
    auto kept = prover_.kept_.take(replica.key);
    if (!kept) return;
    const auto reads = plan_reads(shape(), kept->layout, replica.wanted.leaves);
    if (!kept->files->check(kept->layout, reads)) return;
    replica.wanted.layout = kept->layout;
    replica.wanted.has_cached_tops = kept->has_cached_tops;
    replica.is_ready = true;
    use_staged(replica, std::move(kept->files));
  }

  void use_staged(Replica& replica, std::unique_ptr<sector::StagedSector> files) {
    replica.files = std::move(files);
    replica.wanted.staged = replica.files.get();
    replica.wanted.cache = prover_.cache_.get();
    replica.paths = {.sealed_file = replica.files->sealed_file(), .cache_folder = replica.files->cache_folder()};
  }

  // For all that is to be staged, or else for as many sectors as fit: those can be proven.
  void make_room() {
    const auto layout = sector::TreeLayout::usual(shape());
    std::uint64_t needed = 0;
    for (Replica& replica : replicas_) {
      if (replica.is_local || replica.files) continue;
      replica.needed = sector::staged_size(plan_reads(shape(), layout, replica.wanted.leaves));
      needed += replica.needed;
    }
    if (needed == 0) return;
    const Context patient = ctx_.with_timeout(prover_.options_.read_deadline);
    Turn turn(prover_.making_room_);
    std::ignore = turn.take(patient);
    wait_for_room(patient, needed);
    holds_room_ = true;
    ++prover_.holding_room_;
    std::erase_if(replicas_, [&](Replica& replica) {
      if (replica.needed == 0) return false;
      auto files = has_room(replica.needed) ? prover_.staging_->add(shape(), replica.needed) : no_room(needed);
      if (!files) {
        add_fault(replica.number, files.error());
        return true;
      }
      use_staged(replica, *std::move(files));
      return false;
    });
  }

  // Other requests give theirs back, which is better than a fault.
  void wait_for_room(const Context& patient, std::uint64_t needed) {
    bool is_told = false;
    while (!has_room(needed) && prover_.holding_room_ > 0 && !patient.ended()) {
      if (!std::exchange(is_told, true)) tell("waits for room in the staging folder that other requests hold");
      sleep(patient, std::chrono::seconds(1));
    }
  }

  // Sectors that are kept for later make way.
  bool has_room(std::uint64_t size) {
    do {
      const auto found = prover_.staging_->has_room(size);
      if (!found || *found) return true;  // what cannot be looked at, will fail with the reason
    } while (prover_.kept_.drop_oldest());
    return false;
  }

  std::unexpected<Error> no_room(std::uint64_t needed) const {
    return fail(ErrorCode::kNoSpace,
                fmt::format("the staging folder {} is full: {} of {} need some {}; make room, or name another with "
                            "--staging",
                            quote(prover_.staging_->folder()), counted(task_.replicas.size(), "sector"), shape().name,
                            human_size(needed)));
  }

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
    fetch_replicas(ctx_.with_timeout(prover_.options_.read_deadline), shape(), wanted,
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
    if (!turn.take(ctx_.with_timeout({}))) {
      tell(fmt::format("waits for requests whose files the stock prover has open: it may have {} in all (LimitNOFILE=)",
                       prover_.descriptor_limit_));
      if (auto taken = turn.take(ctx_); !taken) {
        keep_staged({});
        return fail(std::move(taken).error());
      }
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
                     faults.empty()
                         ? "with a proof"
                         : fmt::format("without a proof: it calls {} faulty", counted(faults.size(), "sector"))));
    return answer;
  }

  // What the cache has of a tree was taken from it once, and may have been wrong then: before a sector is called
  // faulty, its trees are read where they are. True where they are different there.
  bool read_past_cache(const Result<Json>& answer) {
    // A winning proof has no faults, but an error of the stock prover's own.
    const bool is_of_all = !answer && task_.type.is_winning() && answer.error().code == ErrorCode::kIo;
    const auto faulty = answer ? faults_of(*answer) : std::vector<std::uint64_t>();
    std::vector<std::pair<Replica*, std::uint64_t>> suspects;
    for (Replica& replica : replicas_) {
      const bool is_suspect = is_of_all || std::ranges::find(faulty, replica.number) != faulty.end();
      if (!is_suspect || !replica.wanted.has_cached_tops) continue;
      suspects.emplace_back(&replica, replica.files->sum());
      replica.wanted.cache = nullptr;
      replica.is_ready = false;
    }
    if (suspects.empty()) return false;
    fetch();
    bool was_wrong = false;
    for (const auto& [replica, sum] : suspects) {
      if (replica->is_ready && replica->files->sum() == sum) continue;
      was_wrong = true;
      prover_.cache_->drop(*replica->files->comm_r_last());
    }
    return was_wrong;
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
  std::map<std::string, Result<Location>> folders_;
  std::vector<std::uint64_t> faults_;
  std::optional<Error> first_fault_;
  bool holds_room_ = false;
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
