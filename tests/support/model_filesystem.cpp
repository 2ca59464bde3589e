#include "support/model_filesystem.hpp"

#include <dirent.h>
#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <string_view>
#include <utility>

#include "support/byte_patterns.hpp"

namespace scabbard::posix {
namespace {

// Descriptors of the model begin here, out of the way of the kernel's.
constexpr int kFirstDescriptor = 1 << 20;
constexpr std::size_t kPage = 4096;
constexpr int kMostLinks = 40;
// Up to so many unsynced names every combination of them is tried, beyond it a choice of combinations.
constexpr std::size_t kMostCombined = 8;
constexpr long kExt4 = 0xEF53;
constexpr long kOverlay = 0x794C7630;

using NodeId = std::uint64_t;
constexpr NodeId kRoot = 1;

enum class Kind { kFile, kFolder, kLink };

struct Node {
  Kind kind = Kind::kFile;
  ino_t number = 0;
  mode_t mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
  long changed = 0;  // st_mtim, in ticks of the model

  Bytes data;
  Bytes durable;
  std::set<std::size_t> dirty;  // pages of `data` that an fsync would write
  std::set<std::size_t> lost;   // pages that a failed fsync has marked clean
  bool size_dirty = false;
  int writeback_error = 0;  // of a sync of the filesystem, not yet told

  std::map<std::string, NodeId> names;
  std::map<std::string, NodeId> durable_names;

  std::string target;
};

// A change of one folder that reaches the disk as one or not at all.
struct NameChange {
  NodeId folder;
  std::vector<std::pair<std::string, std::optional<NodeId>>> edits;
};

struct OpenFile {
  NodeId node;
  int flags;
};

// What the disk holds of a file's unsynced bytes.
enum class Survival { kSynced, kEverything, kFirstHalf, kZeros };

void apply_change(std::map<std::string, NodeId>& names, const NameChange& change) {
  for (const auto& [name, node] : change.edits) {
    if (node) {
      names[name] = *node;
    } else {
      names.erase(name);
    }
  }
}

void copy_page(const Bytes& from, Bytes& to, std::size_t page) {
  const std::size_t begin = page * kPage;
  const std::size_t end = std::min(from.size(), begin + kPage);
  if (begin >= end) return;
  if (to.size() < end) to.resize(end);
  std::copy(from.begin() + static_cast<std::ptrdiff_t>(begin), from.begin() + static_cast<std::ptrdiff_t>(end),
            to.begin() + static_cast<std::ptrdiff_t>(begin));
}

Bytes surviving(const Node& node, Survival survival) {
  Bytes bytes = node.durable;
  std::set<std::size_t> pages = node.dirty;
  pages.insert(node.lost.begin(), node.lost.end());
  switch (survival) {
    case Survival::kSynced:
      break;
    case Survival::kEverything:
      return node.data;
    case Survival::kZeros:
      bytes.resize(node.data.size());
      break;
    case Survival::kFirstHalf: {
      std::size_t left = (pages.size() + 1) / 2;
      for (const std::size_t page : pages) {
        if (left-- == 0) break;
        copy_page(node.data, bytes, page);
      }
      break;
    }
  }
  return bytes;
}

std::vector<std::string> components(const std::string& path) {
  std::vector<std::string> parts;
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (!part.empty() && part != ".") parts.push_back(part);
  }
  return parts;
}

// Which of `count` unsynced names are on the disk.
std::vector<std::vector<bool>> combinations(std::size_t count) {
  std::vector<std::vector<bool>> all;
  if (count <= kMostCombined) {
    for (std::size_t bits = 0; bits < (std::size_t{1} << count); ++bits) {
      std::vector<bool> chosen(count);
      for (std::size_t i = 0; i < count; ++i) chosen[i] = ((bits >> i) & 1U) != 0;
      all.push_back(std::move(chosen));
    }
    return all;
  }
  for (std::size_t length = 0; length <= count; ++length) {  // in order, up to a point
    std::vector<bool> chosen(count);
    std::fill_n(chosen.begin(), length, true);
    all.push_back(std::move(chosen));
  }
  for (std::size_t one = 0; one < count; ++one) {  // one alone, and all but one
    std::vector<bool> chosen(count);
    chosen[one] = true;
    all.push_back(chosen);
    chosen.flip();
    all.push_back(std::move(chosen));
  }
  return all;
}

struct DiskEntry {
  Kind kind;
  mode_t mode;
  uid_t owner;
  gid_t group;
  Bytes data;
  std::string target;
  auto operator<=>(const DiskEntry&) const = default;
};

}  // namespace

struct ModelFilesystem::Disk {
  std::vector<std::string> folders;
  std::map<std::string, DiskEntry> entries;  // by path, folders before what is in them
};

struct ModelFilesystem::State {
  mutable std::mutex mutex;
  std::vector<std::string> folders;  // what is ours begins with one of these
  std::map<NodeId, Node> nodes;
  NodeId last_node = kRoot;
  std::vector<NameChange> pending;  // oldest first
  std::map<int, OpenFile> open;
  int next_descriptor = kFirstDescriptor;
  std::map<NodeId, int> locks;
  long ticks = 0;
  std::size_t fsyncs = 0;
  std::size_t fsyncs_until_failure = 0;
  int fsync_error = 0;
  bool knows_no_replace = true;
  bool is_overlay = false;
  std::function<void()> observer;

  struct Place {
    NodeId folder = 0;
    std::string name;
    std::optional<NodeId> node;
  };

  bool is_ours(const std::string& path) const {
    return std::ranges::any_of(
        folders, [&](const std::string& folder) { return path == folder || path.starts_with(folder + "/"); });
  }

  // The kernel's way to open an open file once more.
  const OpenFile* reopened(const std::string& path) const {
    const std::string_view folder = "/proc/self/fd/";
    if (!path.starts_with(folder)) return nullptr;
    const auto file = open.find(std::atoi(path.c_str() + folder.size()));
    return file == open.end() ? nullptr : &file->second;
  }

  NodeId add(Kind kind, mode_t mode) {
    std::set<ino_t> used;
    for (const auto& [id, node] : nodes) {
      if (links(id) > 0 || is_open(id)) used.insert(node.number);
    }
    ino_t number = 2;
    while (used.contains(number)) ++number;
    const NodeId id = ++last_node;
    Node& node = nodes[id];
    node.kind = kind;
    node.mode = mode;
    node.number = number;
    node.changed = ++ticks;
    return id;
  }

  std::size_t links(NodeId id) const {
    std::size_t count = 0;
    for (const auto& [folder_id, folder] : nodes) {
      for (const auto& [name, node] : folder.names) count += node == id ? 1 : 0;
    }
    return count;
  }

  bool is_open(NodeId id) const {
    return std::ranges::any_of(open, [&](const auto& entry) { return entry.second.node == id; });
  }

  // 0, or -errno.
  int find(const std::string& path, bool follow_last, Place& place) const {
    std::deque<std::string> left;
    std::ranges::copy(components(path), std::back_inserter(left));
    std::vector<NodeId> way = {kRoot};  // for ".."
    place = {.folder = kRoot, .name = "", .node = kRoot};
    int links_left = kMostLinks;
    while (!left.empty()) {
      const std::string name = std::move(left.front());
      left.pop_front();
      if (name.size() > 255) return -ENAMETOOLONG;
      const Node& folder = nodes.at(way.back());
      if (folder.kind != Kind::kFolder) return -ENOTDIR;
      if (name == "..") {
        if (way.size() > 1) way.pop_back();
        place.node = way.back();
        continue;
      }
      const auto found = folder.names.find(name);
      place.folder = way.back();
      place.name = name;
      if (found == folder.names.end()) {
        place.node.reset();
        return left.empty() ? 0 : -ENOENT;
      }
      place.node = found->second;
      const Node& node = nodes.at(found->second);
      if (node.kind == Kind::kLink && (follow_last || !left.empty())) {
        if (links_left-- == 0) return -ELOOP;
        std::ranges::copy(components(node.target), std::inserter(left, left.begin()));
        if (node.target.starts_with('/')) way = {kRoot};
        place.node = way.back();
        continue;
      }
      way.push_back(found->second);
    }
    return 0;
  }

  // An existing one.
  int find_existing(const std::string& path, NodeId& node) const {
    Place place;
    if (const int error = find(path, true, place); error < 0) return error;
    if (!place.node) return -ENOENT;
    node = *place.node;
    return 0;
  }

  void change(NameChange made) {
    apply_change(nodes.at(made.folder).names, made);
    nodes.at(made.folder).changed = ++ticks;
    pending.push_back(std::move(made));
  }

  void status_of(NodeId id, struct stat& status) const {
    const Node& node = nodes.at(id);
    status = {};
    status.st_ino = node.number;
    status.st_mode = node.mode | (node.kind == Kind::kFile ? S_IFREG : node.kind == Kind::kFolder ? S_IFDIR : S_IFLNK);
    status.st_nlink = links(id);
    status.st_uid = node.owner;
    status.st_gid = node.group;
    status.st_size = static_cast<off_t>(node.data.size());
    status.st_blocks = static_cast<blkcnt_t>((node.data.size() + 511) / 512);
    status.st_blksize = kPage;
    status.st_mtim.tv_sec = 1'000'000'000 + node.changed;
    status.st_ctim = status.st_mtim;
  }

  int sync(NodeId id) {
    const bool fails = next_sync_fails();
    clean(id, fails);
    return fails ? -fsync_error : 0;
  }

  // As kernels before 5.8 do it: the failure is told to whoever asks for the file, and to nobody else.
  int sync_all() {
    const bool fails = next_sync_fails();
    for (auto& [id, node] : nodes) {
      if (fails && !node.dirty.empty()) node.writeback_error = fsync_error;
      clean(id, fails);
    }
    return 0;
  }

  bool next_sync_fails() {
    ++fsyncs;
    return fsyncs_until_failure != 0 && --fsyncs_until_failure == 0;
  }

  void clean(NodeId id, bool fails) {
    Node& node = nodes.at(id);
    if (fails) {
      node.lost.merge(node.dirty);
    } else {
      for (const std::size_t page : node.dirty) copy_page(node.data, node.durable, page);
      if (node.size_dirty) node.durable.resize(node.data.size());
      for (const NameChange& waiting : pending) {
        if (waiting.folder == id) apply_change(node.durable_names, waiting);
      }
      std::erase_if(pending, [&](const NameChange& waiting) { return waiting.folder == id; });
    }
    node.dirty.clear();
    node.size_dirty = false;
  }

  // The disk with `chosen` of the pending names on it.
  Disk disk(const std::vector<bool>& chosen, Survival survival) const {
    std::map<NodeId, std::map<std::string, NodeId>> names;
    for (const auto& [id, node] : nodes) names[id] = node.durable_names;
    for (std::size_t i = 0; i < pending.size(); ++i) {
      if (chosen[i]) apply_change(names[pending[i].folder], pending[i]);
    }
    Disk image{.folders = folders, .entries = {}};
    std::deque<std::pair<std::string, NodeId>> reachable = {{"", kRoot}};
    while (!reachable.empty()) {
      const auto [path, id] = reachable.front();
      reachable.pop_front();
      const Node& node = nodes.at(id);
      if (id != kRoot) {
        image.entries[path] = {.kind = node.kind,
                               .mode = node.mode,
                               .owner = node.owner,
                               .group = node.group,
                               .data = surviving(node, survival),
                               .target = node.target};
      }
      for (const auto& [name, below] : names.at(id)) reachable.emplace_back(path + "/" + name, below);
    }
    return image;
  }

  void tell_observer() const {
    std::function<void()> told;
    {
      std::lock_guard lock(mutex);
      told = observer;
    }
    if (told) told();
  }
};

ModelFilesystem::ModelFilesystem(const std::vector<std::string>& folders) : state_(std::make_unique<State>()) {
  state_->folders = folders;
  Node& root = state_->nodes[kRoot];
  root.kind = Kind::kFolder;
  root.number = 1;
  root.mode = 0755;
  for (const std::string& folder : folders) {
    NodeId parent = kRoot;
    for (const std::string& name : components(folder)) {
      if (const auto known = state_->nodes.at(parent).names.find(name); known != state_->nodes.at(parent).names.end()) {
        parent = known->second;
        continue;
      }
      const NodeId made = state_->add(Kind::kFolder, 0755);
      state_->nodes.at(parent).names[name] = made;
      state_->nodes.at(parent).durable_names[name] = made;
      parent = made;
    }
  }
}

ModelFilesystem::ModelFilesystem(const Image& image) : ModelFilesystem(image->folders) {
  for (const auto& [path, entry] : image->entries) {
    State::Place place;
    if (state_->find(path, false, place) < 0 || place.node) continue;
    const NodeId id = state_->add(entry.kind, entry.mode);
    Node& node = state_->nodes.at(id);
    node.owner = entry.owner;
    node.group = entry.group;
    node.data = node.durable = entry.data;
    node.target = entry.target;
    state_->nodes.at(place.folder).names[place.name] = id;
    state_->nodes.at(place.folder).durable_names[place.name] = id;
  }
}

ModelFilesystem::~ModelFilesystem() = default;

std::vector<ModelFilesystem::Image> ModelFilesystem::crash_images() const {
  std::lock_guard lock(state_->mutex);
  std::set<std::map<std::string, DiskEntry>> seen;
  std::vector<Image> images;
  for (const auto& chosen : combinations(state_->pending.size())) {
    for (const Survival survival : {Survival::kSynced, Survival::kEverything, Survival::kFirstHalf, Survival::kZeros}) {
      Disk disk = state_->disk(chosen, survival);
      if (seen.insert(disk.entries).second) images.push_back(std::make_shared<const Disk>(std::move(disk)));
    }
  }
  return images;
}

std::string ModelFilesystem::describe(const Image& image) {
  std::ostringstream text;
  for (const auto& [path, entry] : image->entries) {
    if (entry.kind == Kind::kFolder) continue;
    text << "  " << path;
    if (entry.kind == Kind::kLink) text << " -> " << entry.target;
    if (entry.kind == Kind::kFile) text << " " << entry.data.size() << " bytes";
    text << "\n";
  }
  return text.str();
}

void ModelFilesystem::after_every_change(std::function<void()> observer) {
  std::lock_guard lock(state_->mutex);
  state_->observer = std::move(observer);
}

void ModelFilesystem::fail_fsync(std::size_t number, int error) {
  std::lock_guard lock(state_->mutex);
  state_->fsyncs_until_failure = number;
  state_->fsync_error = error;
}

std::size_t ModelFilesystem::fsyncs() const {
  std::lock_guard lock(state_->mutex);
  return state_->fsyncs;
}

void ModelFilesystem::become_overlay() {
  std::lock_guard lock(state_->mutex);
  state_->is_overlay = true;
}

void ModelFilesystem::forget_rename_no_replace() {
  std::lock_guard lock(state_->mutex);
  state_->knows_no_replace = false;
}

int ModelFilesystem::open(const std::string& path, int flags, mode_t mode) {
  {
    std::lock_guard lock(state_->mutex);
    if (const OpenFile* file = state_->reopened(path)) {
      const int fd = state_->next_descriptor++;
      state_->open[fd] = {.node = file->node, .flags = flags};
      return fd;
    }
  }
  if (!state_->is_ours(path)) return kernel_calls().open(path, flags, mode);
  if ((flags & O_TMPFILE) == O_TMPFILE) return -EOPNOTSUPP;
  bool changed = false;
  int fd = -1;
  {
    std::lock_guard lock(state_->mutex);
    State& state = *state_;
    const bool exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0;
    const bool writes = (flags & O_ACCMODE) != O_RDONLY;
    State::Place place;
    if (const int error = state.find(path, !exclusive && (flags & O_NOFOLLOW) == 0, place); error < 0) return error;
    if (!place.node) {
      if ((flags & O_CREAT) == 0) return -ENOENT;
      place.node = state.add(Kind::kFile, mode & 0777);
      state.change({.folder = place.folder, .edits = {{place.name, place.node}}});
      changed = true;
    } else if (exclusive) {
      return -EEXIST;
    }
    Node& node = state.nodes.at(*place.node);
    if (node.kind == Kind::kLink) return -ELOOP;
    if (node.kind == Kind::kFolder && writes) return -EISDIR;
    if (node.kind != Kind::kFolder && (flags & O_DIRECTORY) != 0) return -ENOTDIR;
    if (writes && (flags & O_TRUNC) != 0 && !node.data.empty()) {
      node.data.clear();
      node.dirty.clear();
      node.size_dirty = true;
      changed = true;
    }
    fd = state.next_descriptor++;
    state.open[fd] = {.node = *place.node, .flags = flags};
  }
  if (changed) state_->tell_observer();
  return fd;
}

int ModelFilesystem::close(int fd) {
  if (fd < kFirstDescriptor) return kernel_calls().close(fd);
  std::lock_guard lock(state_->mutex);
  std::erase_if(state_->locks, [&](const auto& held) { return held.second == fd; });
  return state_->open.erase(fd) == 1 ? 0 : -EBADF;
}

int ModelFilesystem::flush(int fd) {
  if (fd < kFirstDescriptor) return kernel_calls().flush(fd);
  std::lock_guard lock(state_->mutex);
  return state_->open.contains(fd) ? 0 : -EBADF;
}

ssize_t ModelFilesystem::pread(int fd, std::span<std::byte> into, off_t offset) {
  if (fd < kFirstDescriptor) return kernel_calls().pread(fd, into, offset);
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  const Node& node = state_->nodes.at(file->second.node);
  if (node.kind == Kind::kFolder) return -EISDIR;
  const Bytes part = slice(node.data, static_cast<std::size_t>(offset), into.size());
  std::ranges::copy(part, into.begin());
  return static_cast<ssize_t>(part.size());
}

ssize_t ModelFilesystem::pwrite(int fd, std::span<const std::byte> from, off_t offset) {
  if (fd < kFirstDescriptor) return kernel_calls().pwrite(fd, from, offset);
  {
    std::lock_guard lock(state_->mutex);
    const auto file = state_->open.find(fd);
    if (file == state_->open.end() || (file->second.flags & O_ACCMODE) == O_RDONLY) return -EBADF;
    Node& node = state_->nodes.at(file->second.node);
    const auto begin = static_cast<std::size_t>(offset);
    const std::size_t end = begin + from.size();
    if (end > node.data.size()) {
      node.data.resize(end);
      node.size_dirty = true;
    }
    std::ranges::copy(from, node.data.begin() + offset);
    for (std::size_t page = begin / kPage; page * kPage < end; ++page) {
      node.dirty.insert(page);
      node.lost.erase(page);
    }
    node.changed = ++state_->ticks;
  }
  state_->tell_observer();
  return static_cast<ssize_t>(from.size());
}

ssize_t ModelFilesystem::copy_file_range(int, off_t, int, off_t, size_t) { return -EXDEV; }
int ModelFilesystem::clone_range(int, off_t, int, off_t, size_t) { return -EOPNOTSUPP; }

off_t ModelFilesystem::seek(int fd, off_t offset, int whence) {
  if (fd < kFirstDescriptor) return kernel_calls().seek(fd, offset, whence);
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  const auto size = static_cast<off_t>(state_->nodes.at(file->second.node).data.size());
  if (offset >= size) return -ENXIO;
  return whence == SEEK_DATA ? offset : size;  // no holes
}

int ModelFilesystem::fsync(int fd) {
  if (fd < kFirstDescriptor) return kernel_calls().fsync(fd);
  int result = 0;
  {
    std::lock_guard lock(state_->mutex);
    const auto file = state_->open.find(fd);
    if (file == state_->open.end()) return -EBADF;
    result = state_->sync(file->second.node);
  }
  state_->tell_observer();
  return result;
}

int ModelFilesystem::sync_filesystem(int fd) {
  if (fd < kFirstDescriptor) return kernel_calls().sync_filesystem(fd);
  int result = 0;
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->open.contains(fd)) return -EBADF;
    result = state_->sync_all();
    if (state_->is_overlay) result = 0;
  }
  state_->tell_observer();
  return result;
}

// Neither promises that a power cut is survived: size and place of the data are not on disk yet. The second tells
// of what failed before.
int ModelFilesystem::start_writeback(int, off_t, off_t) { return 0; }
int ModelFilesystem::wait_for_writeback(int fd, off_t, off_t) {
  if (fd < kFirstDescriptor) return 0;
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  if (state_->is_overlay) return 0;
  return -std::exchange(state_->nodes.at(file->second.node).writeback_error, 0);
}
int ModelFilesystem::reserve(int, off_t) { return 0; }

int ModelFilesystem::truncate(int fd, off_t length) {
  if (fd < kFirstDescriptor) return kernel_calls().truncate(fd, length);
  {
    std::lock_guard lock(state_->mutex);
    const auto file = state_->open.find(fd);
    if (file == state_->open.end()) return -EBADF;
    Node& node = state_->nodes.at(file->second.node);
    const auto size = static_cast<std::size_t>(length);
    if (size == node.data.size()) return 0;
    node.data.resize(size);
    node.size_dirty = true;
    node.changed = ++state_->ticks;
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::lock(int fd) {
  if (fd < kFirstDescriptor) return kernel_calls().lock(fd);
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  return state_->locks.try_emplace(file->second.node, fd).first->second == fd ? 0 : -EWOULDBLOCK;
}

int ModelFilesystem::change_owner(int fd, uid_t owner, gid_t group) {
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  state_->nodes.at(file->second.node).owner = owner;
  state_->nodes.at(file->second.node).group = group;
  return 0;
}

int ModelFilesystem::change_mode(int fd, mode_t mode) {
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  state_->nodes.at(file->second.node).mode = mode & 07777;
  return 0;
}

int ModelFilesystem::fstat(int fd, struct stat& status) {
  if (fd < kFirstDescriptor) return kernel_calls().fstat(fd, status);
  std::lock_guard lock(state_->mutex);
  const auto file = state_->open.find(fd);
  if (file == state_->open.end()) return -EBADF;
  state_->status_of(file->second.node, status);
  return 0;
}

int ModelFilesystem::stat(const std::string& path, struct stat& status) {
  if (!state_->is_ours(path)) return kernel_calls().stat(path, status);
  std::lock_guard lock(state_->mutex);
  NodeId node = 0;
  if (const int error = state_->find_existing(path, node); error < 0) return error;
  state_->status_of(node, status);
  return 0;
}

int ModelFilesystem::statfs(const std::string& path, struct statfs& status) {
  std::lock_guard lock(state_->mutex);
  NodeId node = 0;
  const bool ours = state_->is_ours(path);
  if (!ours && state_->reopened(path) == nullptr) return kernel_calls().statfs(path, status);
  if (const int error = ours ? state_->find_existing(path, node) : 0; error < 0) return error;
  status = {};
  status.f_type = state_->is_overlay ? kOverlay : kExt4;
  status.f_bsize = kPage;
  status.f_frsize = kPage;
  status.f_blocks = 1 << 20;
  status.f_bfree = status.f_bavail = 1 << 19;
  status.f_namelen = 255;
  return 0;
}

int ModelFilesystem::read_link(const std::string& path, std::string& target) {
  if (!state_->is_ours(path)) return kernel_calls().read_link(path, target);
  std::lock_guard lock(state_->mutex);
  State::Place place;
  if (const int error = state_->find(path, false, place); error < 0) return error;
  if (!place.node) return -ENOENT;
  const Node& node = state_->nodes.at(*place.node);
  if (node.kind != Kind::kLink) return -EINVAL;
  target = node.target;
  return 0;
}

int ModelFilesystem::read_directory(const std::string& path, std::vector<DirectoryEntry>& entries) {
  if (!state_->is_ours(path)) return kernel_calls().read_directory(path, entries);
  std::lock_guard lock(state_->mutex);
  NodeId id = 0;
  if (const int error = state_->find_existing(path, id); error < 0) return error;
  const Node& folder = state_->nodes.at(id);
  if (folder.kind != Kind::kFolder) return -ENOTDIR;
  entries.clear();
  for (const auto& [name, node] : folder.names) {
    const Kind kind = state_->nodes.at(node).kind;
    entries.push_back({name, static_cast<unsigned char>(kind == Kind::kFile     ? DT_REG
                                                        : kind == Kind::kFolder ? DT_DIR
                                                                                : DT_LNK)});
  }
  return 0;
}

int ModelFilesystem::rename(const std::string& from, const std::string& to) {
  {
    std::lock_guard lock(state_->mutex);
    State::Place source;
    State::Place target;
    if (const int error = state_->find(from, false, source); error < 0) return error;
    if (!source.node) return -ENOENT;
    if (const int error = state_->find(to, false, target); error < 0) return error;
    if (target.node && state_->nodes.at(*target.node).kind == Kind::kFolder) return -EISDIR;
    if (source.folder == target.folder) {  // both names change in one step
      state_->change({.folder = source.folder, .edits = {{source.name, std::nullopt}, {target.name, source.node}}});
    } else {
      state_->change({.folder = target.folder, .edits = {{target.name, source.node}}});
      state_->change({.folder = source.folder, .edits = {{source.name, std::nullopt}}});
    }
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::rename_no_replace(const std::string& from, const std::string& to) {
  {
    std::lock_guard lock(state_->mutex);
    if (!state_->knows_no_replace) return -EINVAL;
    State::Place target;
    if (const int error = state_->find(to, false, target); error < 0) return error;
    if (target.node) return -EEXIST;
  }
  return rename(from, to);
}

int ModelFilesystem::link(const std::string& from, const std::string& to) {
  {
    std::lock_guard lock(state_->mutex);
    State::Place source;
    State::Place target;
    if (const int error = state_->find(from, false, source); error < 0) return error;
    if (!source.node) return -ENOENT;
    if (const int error = state_->find(to, false, target); error < 0) return error;
    if (target.node) return -EEXIST;
    state_->change({.folder = target.folder, .edits = {{target.name, source.node}}});
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::unlink(const std::string& path) {
  if (!state_->is_ours(path)) return kernel_calls().unlink(path);
  {
    std::lock_guard lock(state_->mutex);
    State::Place place;
    if (const int error = state_->find(path, false, place); error < 0) return error;
    if (!place.node) return -ENOENT;
    if (state_->nodes.at(*place.node).kind == Kind::kFolder) return -EISDIR;
    state_->change({.folder = place.folder, .edits = {{place.name, std::nullopt}}});
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::make_directory(const std::string& path, mode_t mode) {
  {
    std::lock_guard lock(state_->mutex);
    State::Place place;
    if (const int error = state_->find(path, false, place); error < 0) return error;
    if (place.node) return -EEXIST;
    const NodeId made = state_->add(Kind::kFolder, mode & 0777);
    state_->change({.folder = place.folder, .edits = {{place.name, made}}});
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::make_symlink(const std::string& target, const std::string& path) {
  {
    std::lock_guard lock(state_->mutex);
    State::Place place;
    if (const int error = state_->find(path, false, place); error < 0) return error;
    if (place.node) return -EEXIST;
    const NodeId made = state_->add(Kind::kLink, 0777);
    state_->nodes.at(made).target = target;
    state_->change({.folder = place.folder, .edits = {{place.name, made}}});
  }
  state_->tell_observer();
  return 0;
}

int ModelFilesystem::remove_directory(const std::string& path) {
  {
    std::lock_guard lock(state_->mutex);
    State::Place place;
    if (const int error = state_->find(path, false, place); error < 0) return error;
    if (!place.node) return -ENOENT;
    const Node& folder = state_->nodes.at(*place.node);
    if (folder.kind != Kind::kFolder) return -ENOTDIR;
    if (!folder.names.empty()) return -ENOTEMPTY;
    state_->change({.folder = place.folder, .edits = {{place.name, std::nullopt}}});
  }
  state_->tell_observer();
  return 0;
}

}  // namespace scabbard::posix
